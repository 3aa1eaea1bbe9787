// Refreshing ahead of expiry, in simulated time.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { braintree, call, fluz, managerFor, operations, sandboxFor, toggle } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { next, record, until } from "../support/waiting.js";

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

describe("refreshing ahead", () => {
  for (const [name, options, query, version] of /** @type {const} */ ([
    ["fluz", fluz, "{ getOffers { offerId } }", {}],
    ["toggle", toggle, "{ Products(account_id: 1) { id } }", {}],
    ["braintree", braintree, "{ ping }", { "braintree-version": "2019-01-01" }],
  ])) {
    test(`${name}: across two refreshes no call is refused, and no caller waits`, async (t) => {
      const { time, sandbox } = await timedSandbox(t);
      const tokens = managerFor(t, options(sandbox));
      const { endpoint } = sandbox[name];
      const events = record(tokens);
      const use = async () => {
        const held = tokens.peek();
        const token = await tokens.getToken();
        assert.equal(token, held?.value, "the token held was handed out");
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

  test("a failing refresh is tried again while the token held is still good", async (t) => {
    const { time, sandbox } = await timedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox));
    const first = await tokens.getToken();
    sandbox.fault({ kind: "status", status: 503, times: 2 });
    const events = record(tokens);

    const renewed = next(tokens, "token");
    time.next();
    await renewed;

    assert.deepEqual(
      events.map(({ type }) => type),
      ["retry", "retry", "token"],
    );
    assert.notEqual(tokens.peek()?.value, first);
    assert.equal(sandbox.requests().length, 4);
  });

  test("a token that lives for no time at all is asked for once a second at most", async (t) => {
    const { time, sandbox } = await timedSandbox(t, { lifetimes: { fluz: 100 } });
    /** @type {number[]} */
    const moments = [];
    const timed = (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
      moments.push(time.now());
      return fetch(url, init);
    };
    const tokens = managerFor(t, fluz(sandbox, { fetch: timed }));

    await tokens.getToken();
    await until(() => moments.length === 3, "it was refreshed twice");

    for (const [place, at] of moments.slice(1).entries()) {
      assert.ok(at - Number(moments[place]) >= 1_000, `${moments}`);
    }
  });

  test("while-used: a token that nobody asked for since is let go", async (t) => {
    const { time, sandbox } = await timedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox, { refresh: "while-used" }));
    await tokens.getToken();

    const expired = next(tokens, "expired");
    await time.pass(LIFETIME);
    await expired;

    assert.equal(sandbox.requests().length, 1);
    assert.equal(tokens.status().state, "expired");
  });

  test("while-used: a token that was asked for since is refreshed ahead, once for one use", async (t) => {
    const { time, sandbox } = await timedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox, { refresh: "while-used" }));
    const events = record(tokens);
    await tokens.getToken();
    for (let use = 0; use < 3; use++) await tokens.getToken();

    const renewed = next(tokens, "token");
    await time.pass((7 * LIFETIME) / 9);
    await renewed;
    const expired = next(tokens, "expired");
    await time.pass(LIFETIME);
    await expired;

    assert.deepEqual(
      events.map((event) => (event.type === "token" ? event.reason : event.type)),
      ["initial", "proactive", "expired"],
    );
    assert.deepEqual(operations(sandbox), ["generateUserAccessToken", "refreshUserAccessToken"]);
  });

  test("on-demand: no timer refreshes; a call near the end does, and gets the token held", async (t) => {
    const { time, sandbox } = await timedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox, { refresh: "on-demand" }));
    const first = await tokens.getToken();
    const { refreshAt } = tokens.status();

    await time.pass((7 * LIFETIME) / 9);
    const { state, refreshing } = tokens.status();
    const renewed = next(tokens, "token");
    const held = await tokens.getToken();

    assert.equal(refreshAt, undefined);
    assert.deepEqual([state, refreshing], ["refresh-due", false]);
    assert.equal(held, first);
    assert.equal((await renewed).reason, "proactive");
    assert.equal(sandbox.requests().length, 2);
  });

  test("Toggle's sliding tokens keep it going without a login", async (t) => {
    const { time, sandbox } = await timedSandbox(t, { variants: { toggle: { sliding: "every" } } });
    const tokens = managerFor(t, toggle(sandbox));

    let adopted = 0;
    for (let part = 0; part < 20; part++) {
      await time.pass(LIFETIME / 9);
      const response = await call(
        sandbox.toggle.endpoint,
        await tokens.getToken(),
        "{ Products(account_id: 1) { id } }",
      );
      adopted += Number(tokens.adopt(response));
    }

    assert.equal(adopted, 20);
    assert.deepEqual(
      operations(sandbox).filter((operation) => operation !== "Products"),
      ["loginUser"],
    );
  });
});
