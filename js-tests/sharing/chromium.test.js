// Pages of Chromium that share a token, or are unable to.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { chromiumFor } from "../stores/browsers.js";
import { originFor } from "../stores/tabs.js";
import { fluz, sandboxFor } from "../support/setup.js";
import { testPages, tokenIn } from "./pages.js";

const starting = chromiumFor({ after: /** @type {import("node:test").TestContext["after"]} */ (after) });

describe("Chromium", () => testPages(starting));

test("Chromium: if IndexedDB is full, a warning is emitted, and tokens are still obtained", async (t) => {
  const { site, limit, tab: openTab } = await originFor(t, starting);
  const sandbox = await sandboxFor(t);
  const tab = await openTab(site.secure);
  await limit?.(site.secure, 1);

  const given = { options: { ...fluz(sandbox) }, kind: "indexedDb" };
  const { token, warnings } = await tab.run(tokenIn, given);

  assert.ok(token);
  const about = warnings.filter((/** @type {string} */ it) => it.startsWith("store "));
  assert.equal(about.length, 1);
  assert.match(about[0], /\(full\)/);
});
