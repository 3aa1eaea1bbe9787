// Tabs of Firefox, in ordinary and in private windows.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { firefoxFor } from "./browsers.js";
import { checked, originFor, SHARED, testTabs } from "./tabs.js";

/** Registers cleanup after all tests of the file. */
const file = { after: /** @type {import("node:test").TestContext["after"]} */ (after) };

describe("Firefox", () => testTabs(firefoxFor(file)));

describe("Firefox in private windows", () => {
  const starting = firefoxFor(file, "private");

  for (const kind of SHARED) {
    test(`${kind}: the store contract`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);

      const { passed, failed } = await checked(await openTab(site.secure), kind);

      assert.deepEqual(failed, []);
      assert.ok(passed > 10);
    });
  }
});
