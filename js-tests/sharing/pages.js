/**
 * Tests, for any browser, of tabs with managers that share a token.
 *
 * @module
 */

import "../support/guard.js";
import assert from "node:assert/strict";
import { test } from "node:test";

import { currentPace, slower } from "../support/pace.js";
import { fluz, sandboxFor } from "../support/setup.js";
import { originFor, untilIn } from "../stores/tabs.js";
import { runTabs } from "./tabs.js";

/** @import { Browser } from "../stores/browsers.js" */

// Globals of the tab. The functions that run in a tab are defined in this file but see these instead of Node's.
const { open, posted, TokenManager } = /** @type {Record<string, any>} */ ({});

/**
 * Returns the token and the warnings of a manager in a tab with one of the stores.
 *
 * @param {{ options: any, kind: string }} given
 */
export const tokenIn = async ({ options, kind }) => {
  /** @type {string[]} */
  const warnings = [];
  const tokens = new TokenManager({ ...options, store: open(kind) });
  tokens.on("warning", (/** @type {any} */ { code, message }) => warnings.push(`${code} ${message}`));
  const token = await tokens.getToken();
  const renewed = (await tokens.refresh()).value;
  await tokens.close();
  return { token, renewed, warnings };
};

/** Timeouts for a loaded machine, because each timeout costs a grant. */
const SPANS = { lifetimeMs: 2_000, timeoutMs: 2_000, storeTimeoutMs: 1_000, minValidityMs: 700 };

/**
 * Registers the tests that take seconds.
 * @param {Promise<Browser>} starting
 * @param {"indexedDb" | "encrypted"} kind
 */
export function testTabsInTime(starting, kind) {
  test(`${kind}: tabs get one token per lifetime, while tabs are opened and closed, also while they hold the lease`, async (t) => {
    const browser = await starting;

    const spans = slower(SPANS, currentPace());
    const figures = await runTabs(t, browser, { kind, most: 5, callers: 20, lifetimes: 4, seed: 1, spans });

    assert.deepEqual([...new Set(figures.failures)], []);
    assert.equal(figures.reused, 0);
    assert.ok(figures.held >= 1, `${figures.closed} tabs were closed, ${figures.held} with the lease`);
    assert.ok(figures.grants > 1 && figures.grants <= figures.mostGrants, `${figures.grants} grants`);
    assert.deepEqual(new Set(figures.warnings), new Set(["secret_in_page"]));
    // Messages on a channel contain the key that changed, and nothing else.
    assert.ok(figures.posted.length > 0);
    for (const message of figures.posted) assert.match(message, /^"gtm1-[\w-]{43}"$/);
  });
}

/**
 * Registers the tests of storage that works.
 * @param {Promise<Browser>} starting
 */
export function testSecondTab(starting) {
  for (const kind of ["localStorage", "indexedDb", "encrypted"]) {
    test(`${kind}: a second tab starts with the first one's token, and adopts its next one`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);
      const sandbox = await sandboxFor(t);
      const given = { options: { ...fluz(sandbox) }, kind };
      const first = await openTab(site.secure);
      const second = await openTab(site.secure);
      const start = async (/** @type {typeof given} */ { options, kind }) => {
        const tokens = new TokenManager({ ...options, store: open(kind) });
        const first = await tokens.getToken();
        Object.assign(window, { tokens, first });
        return first;
      };

      const token = await first.run(start, given);
      // Browsers propagate `localStorage` to other tabs with a delay.
      if (kind === "localStorage") await untilIn(second, () => localStorage.length > 0);
      assert.equal(await second.run(start, given), token);
      const renewed = await first.run(async () => (await Reflect.get(window, "tokens").refresh()).value);
      await untilIn(
        second,
        () => Reflect.get(window, "tokens").peek()?.value !== Reflect.get(window, "first"),
      );
      const taken = await second.run(() => Reflect.get(window, "tokens").getToken());

      assert.equal(taken, renewed);
      const { grants, refreshes } = sandbox.counts().fluz;
      assert.deepEqual([grants, refreshes], [1, 1]);
      const messages = [...(await first.run(() => posted)), ...(await second.run(() => posted))];
      assert.ok(messages.length > 0);
      for (const message of messages) assert.match(message, /^"gtm1-[\w-]{43}"$/);
    });
  }
}

/**
 * Registers the fast tests.
 * @param {Promise<Browser>} starting
 */
export function testPages(starting) {
  testSecondTab(starting);

  for (const kind of ["localStorage", "indexedDb", "encrypted"]) {
    test(`${kind}: if the browser blocks storage, a warning is emitted, and tokens are still obtained`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);
      const sandbox = await sandboxFor(t);
      const tab = await openTab(site.sandboxed);

      const { token, renewed, warnings } = await tab.run(tokenIn, { options: { ...fluz(sandbox) }, kind });

      assert.ok(token && renewed && token !== renewed);
      const [warning, ...others] = warnings.filter((/** @type {string} */ it) => it.startsWith("store "));
      assert.match(warning, /\(blocked\)/);
      assert.deepEqual(others, []);
      assert.equal(sandbox.requests().length, 2);
    });
  }

  test("localStorage: if it is full, a warning is emitted, and tokens are still obtained", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const sandbox = await sandboxFor(t);
    const tab = await openTab(site.secure);
    await tab.run(() => {
      for (let size = 1 << 22; size >= 1; size >>= 1) {
        try {
          for (let location = 0; ; location += 1)
            localStorage.setItem(`${size}-${location}`, "x".repeat(size));
        } catch {
          // Retry with half the size.
        }
      }
    });

    const { token, warnings } = await tab.run(tokenIn, {
      options: { ...fluz(sandbox) },
      kind: "localStorage",
    });

    assert.ok(token);
    const about = warnings.filter((/** @type {string} */ it) => it.startsWith("store "));
    assert.equal(about.length, 1);
    assert.match(about[0], /\(full\)/);
  });
}
