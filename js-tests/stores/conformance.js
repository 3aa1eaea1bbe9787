/**
 * The guarantees of every store, as tests of one store.
 *
 * @module
 */

import "../support/guard.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { storeChecks } from "graphql-token-manager/testing";

/** @import { TokenStore } from "graphql-token-manager" */

/**
 * @param {() => TokenStore | Promise<TokenStore>} open Opens another holder of the same entries.
 */
export function testConformance(open) {
  for (const { name, run } of storeChecks(open)) {
    test(name, async () => assert.equal(await run(), "passed"));
  }
}
