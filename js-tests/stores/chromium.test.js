// Tabs of Chromium, in which contexts are private windows, and tests that only Chromium supports.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { chromiumFor } from "./browsers.js";
import { originFor, testTabs } from "./tabs.js";

// Globals of the tab. The functions that run in a tab are defined in this file but see these instead of Node's.
const { open, soon, leaseInTime } = /** @type {Record<string, any>} */ ({});

const starting = chromiumFor({ after: /** @type {import("node:test").TestContext["after"]} */ (after) });

describe("Chromium", () => testTabs(starting));

describe("in Chromium only", () => {
  test("if IndexedDB is full, an error reports it, and the entry stays", async (t) => {
    const { site, limit, tab: openTab } = await originFor(t, starting);
    const tab = await openTab(site.secure);
    await limit?.(site.secure, 500_000);

    const result = await tab.run(async () => {
      const store = open("indexedDb");
      await store.set("key", "token", soon());
      const asked = store.set("key", "x".repeat(1_000_000), soon());
      return [await asked.catch((/** @type {any} */ error) => error.code), await store.get("key")];
    });

    assert.deepEqual(result, ["full", "token"]);
  });

  test("if the page's data is cleared while in use, stores continue", async (t) => {
    const { site, clear, tab: openTab } = await originFor(t, starting);
    const tab = await openTab(site.secure);
    await tab.run(async () => {
      Object.assign(window, { all: ["localStorage", "indexedDb", "encrypted"].map(open), fences: [] });
      for (const store of Reflect.get(window, "all")) {
        const { fence, release } = await store.acquire("key", 60_000);
        await store.set("key", "token", soon(), fence);
        Reflect.get(window, "fences").push(fence);
        await release();
      }
    });

    await clear?.(site.secure);
    const result = await tab.run(async () => {
      const { all, fences } = /** @type {any} */ (window);
      const result = [];
      for (const [place, store] of all.entries()) {
        const found = await store.get("key");
        const { fence } = await leaseInTime(store, "key");
        await store.set("key", "again", soon(), fence);
        result.push([found ?? null, fence > fences[place], await store.get("key")]);
      }
      return result;
    });

    assert.deepEqual(result, Array(3).fill([null, true, "again"]));
  });

  for (const kind of ["localStorage", "indexedDb"]) {
    test(`${kind}: the lease of a frozen tab is granted to another tab long before it expires`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);
      const frozen = await openTab(site.secure);
      const other = await openTab(site.secure);
      const fence = await frozen.run(async (kind) => {
        const lease = await open(kind).acquire("key", 3_600_000);
        return lease.fence;
      }, kind);
      await frozen.freeze?.();

      // It stops waiting after 20 s.
      const next = await other.run(async (kind) => (await leaseInTime(open(kind), "key")).fence, kind);

      assert.ok(next > fence);
    });
  }
});
