// Refreshing ahead of expiry, in simulated time.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { braintree, fluz, managerFor, sandboxFor, toggle } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { record, until } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */
/** @import { SandboxOptions } from "graphql-token-manager/testing" */

const LIFETIME = 180_000;
const LIFETIMES = { fluz: LIFETIME, toggle: LIFETIME, braintree: LIFETIME };

/**
 * Starts a sandbox in simulated time; returns both.
 * @param {TestContext} t
 * @param {SandboxOptions} [options]
 */
async function timedSandbox(t, options) {
  const time = simulatedTime(t);
  return { time, sandbox: await sandboxFor(t, { lifetimes: LIFETIMES, now: time.now, ...options }) };
}

describe("proactive refresh", () => {
  for (const [name, options, query, version] of /** @type {const} */ ([
    ["fluz", fluz, "{ getOffers { offerId } }", {}],
    ["toggle", toggle, "{ Products(account_id: 1) { id } }", {}],
    ["braintree", braintree, "{ ping }", { "braintree-version": "2019-01-01" }],
  ])) {
    test(`${name}: over two refreshes no call is rejected, and no caller waits`, async (t) => {
      const { time, sandbox } = await timedSandbox(t);
      const tokens = managerFor(t, options(sandbox));
      const { endpoint } = sandbox[name];
      const events = record(tokens);
      const use = async () => {
        const held = tokens.peek();
        const token = await tokens.getToken();
        assert.equal(token, held?.value, "the cached token is returned");
        const headers = { "content-type": "application/json", authorization: `Bearer ${token}`, ...version };
        const response = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify({ query }) });
        assert.equal((await response.json()).errors, undefined);
      };
      await tokens.getToken();

      for (let refreshes = 1; refreshes <= 2; refreshes++) {
        for (let part = 0; part < 6; part++) {
          await use();
          await time.pass(LIFETIME / 9);
        }
        assert.equal(events.length, refreshes, "not before two thirds of its life");
        await time.pass(LIFETIME / 9);
        assert.ok(tokens.status().refreshing || events.length > refreshes, "its timer has it refreshed");
        let isOver = false;
        const renewed = until(() => events.length > refreshes, "it was refreshed").finally(
          () => (isOver = true),
        );
        while (!isOver) await use();
        await renewed;
        await use();
      }

      const reasons = events.map((event) => event.type === "token" && event.reason);
      assert.deepEqual(reasons, ["initial", "proactive", "proactive"]);
      const { refused } = sandbox.counts()[name];
      assert.equal(refused, 0);
    });
  }
});
