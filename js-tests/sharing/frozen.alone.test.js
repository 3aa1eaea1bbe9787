// A tab of Chromium that is frozen while it holds the lease, and the effect on callers in another tab.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { chromiumFor, siteFor } from "../stores/browsers.js";
import { fluz, sandboxFor } from "../support/setup.js";
import { until } from "../support/waiting.js";

// Globals of the tab. The functions that run in a tab are defined in this file but see these instead of Node's.
const { open, TokenManager } = /** @type {Record<string, any>} */ ({});

/** As stated in docs/stores.md, with the default options. */
const MOST_MS = 10_000;

const starting = chromiumFor({ after: /** @type {import("node:test").TestContext["after"]} */ (after) });

test("callers in other tabs wait at most ten seconds for the lease of a frozen tab", async (t) => {
  const browser = await starting;
  const site = await siteFor(t);
  const sandbox = await sandboxFor(t);
  const given = { options: { ...fluz(sandbox), retry: undefined }, kind: "indexedDb" };
  const [frozen, other] = await Promise.all([browser.tab(site.secure), browser.tab(site.secure)]);
  await other.run(start, given);
  sandbox.fault({ provider: "fluz", kind: "delay", ms: 120_000, times: 1 });
  await frozen.run(start, given);
  await frozen.run(() => void (/** @type {any} */ (window).tokens.getToken().catch(() => {})));
  await until(
    () => sandbox.requests().some(({ fault }) => fault === "delay"),
    "the request is sent under the lease",
  );
  await frozen.freeze?.();

  const { token, waitedMs } = await other.run(async () => {
    const startedAt = performance.now();
    const token = await /** @type {any} */ (window).tokens.getToken();
    return { token, waitedMs: performance.now() - startedAt };
  });

  t.diagnostic(`waited ${Math.round(waitedMs)} ms`);
  assert.equal(typeof token, "string");
  assert.ok(waitedMs > 1_000, `${waitedMs} ms: the frozen tab had no lease`);
  assert.ok(waitedMs <= MOST_MS, `${waitedMs} ms`);
});

/** @param {{ options: object, kind: string }} given */
async function start({ options, kind }) {
  const tokens = new TokenManager({ ...options, store: open(kind) });
  await tokens.ready();
  Object.assign(window, { tokens });
}
