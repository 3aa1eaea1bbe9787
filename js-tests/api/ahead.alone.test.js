// Refreshing ahead of expiry, in real time with lifetimes of seconds. The tests wait side by side.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { braintree, call, fluz, managerFor, operations, sandboxFor, toggle } from "../support/setup.js";
import { next, record, until } from "../support/waiting.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

const LIFETIMES = { fluz: 2_000, toggle: 2_000, braintree: 2_000 };

describe("refreshing ahead", { concurrency: true }, () => {
  for (const [name, options, query, version] of /** @type {const} */ ([
    ["fluz", fluz, "{ getOffers { offerId } }", {}],
    ["toggle", toggle, "{ Products(account_id: 1) { id } }", {}],
    ["braintree", braintree, "{ ping }", { "braintree-version": "2019-01-01" }],
  ])) {
    test(`${name}: across two refreshes no call is refused, and no caller waits`, async (t) => {
      const sandbox = await sandboxFor(t, { lifetimes: LIFETIMES });
      const tokens = managerFor(t, options(sandbox));
      const { endpoint } = sandbox[name];
      const events = record(tokens);
      await tokens.getToken();

      let calls = 0;
      while (events.length < 3) {
        const held = tokens.peek();
        const token = await tokens.getToken();
        assert.equal(token, held?.value, "the token held was handed out");
        const headers = { "content-type": "application/json", authorization: `Bearer ${token}`, ...version };
        const response = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify({ query }) });
        assert.equal((await response.json()).errors, undefined);
        calls++;
      }

      assert.ok(calls > 10, `${calls} calls`);
      const reasons = events.map((event) => event.type === "token" && event.reason);
      assert.deepEqual(reasons, ["initial", "proactive", "proactive"]);
      const { refused } = sandbox.counts()[name];
      assert.equal(refused, 0);
    });
  }

  test("a failing refresh is tried again while the token held is still good", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: LIFETIMES });
    const tokens = managerFor(t, fluz(sandbox));
    const first = await tokens.getToken();
    sandbox.fault({ kind: "status", status: 503, times: 2 });
    const events = record(tokens);

    await next(tokens, "token");

    assert.deepEqual(
      events.map(({ type }) => type),
      ["retry", "retry", "token"],
    );
    assert.notEqual(tokens.peek()?.value, first);
    assert.equal(sandbox.requests().length, 4);
  });

  test("a token that lives for no time at all is asked for once a second at most", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 100 } });
    /** @type {number[]} */
    const moments = [];
    const timed = (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
      moments.push(performance.now());
      return fetch(url, init);
    };
    const tokens = managerFor(t, fluz(sandbox, { fetch: timed }));

    await tokens.getToken();
    await until(() => moments.length === 3, "it was refreshed twice");

    for (const [place, at] of moments.slice(1).entries()) {
      assert.ok(at - Number(moments[place]) >= 950, `${moments}`);
    }
  });

  test("while-used: a token that nobody asked for since is let go", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: LIFETIMES });
    const tokens = managerFor(t, fluz(sandbox, { refresh: "while-used" }));

    await tokens.getToken();
    await next(tokens, "expired");

    assert.equal(sandbox.requests().length, 1);
    assert.equal(tokens.status().state, "expired");
  });

  test("while-used: a token that was asked for since is refreshed ahead", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: LIFETIMES });
    const tokens = managerFor(t, fluz(sandbox, { refresh: "while-used" }));
    const events = record(tokens);

    await tokens.getToken();
    await tokens.getToken();
    await until(() => events.length > 1, "something happened");

    assert.deepEqual(
      events.map((event) => event.type === "token" && event.reason),
      ["initial", "proactive"],
    );
  });

  test("while-used: refreshes once for one use", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: LIFETIMES });
    const tokens = managerFor(t, fluz(sandbox, { refresh: "while-used" }));

    await tokens.getToken();
    for (let use = 0; use < 3; use++) await tokens.getToken();
    await next(tokens, "expired");

    assert.deepEqual(operations(sandbox), ["generateUserAccessToken", "refreshUserAccessToken"]);
  });

  test("on-demand: no timer refreshes; a call near the end does, and gets the token held", async (t) => {
    // Long enough for its last quarter to be met.
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 6_000 } });
    const tokens = managerFor(t, fluz(sandbox, { refresh: "on-demand" }));
    const first = await tokens.getToken();
    const { refreshAt } = tokens.status();

    await until(() => tokens.status().state === "refresh-due", "the refresh is due");
    const idle = tokens.status().refreshing;
    const renewed = next(tokens, "token");
    const held = await tokens.getToken();

    assert.equal(refreshAt, undefined);
    assert.equal(idle, false);
    assert.equal(held, first);
    assert.equal((await renewed).reason, "proactive");
    assert.equal(sandbox.requests().length, 2);
  });

  test("Toggle's sliding tokens keep it going without a login", async (t) => {
    const sandbox = await sandboxFor(t, {
      lifetimes: { toggle: 2_000 },
      variants: { toggle: { sliding: "every" } },
    });
    const tokens = managerFor(t, toggle(sandbox));
    const end = Date.now() + 2_200;

    let adopted = 0;
    while (Date.now() < end) {
      const response = await call(
        sandbox.toggle.endpoint,
        await tokens.getToken(),
        "{ Products(account_id: 1) { id } }",
      );
      adopted += Number(tokens.adopt(response));
    }

    assert.ok(adopted > 2, `${adopted} adopted`);
    assert.deepEqual(
      operations(sandbox).filter((operation) => operation !== "Products"),
      ["loginUser"],
    );
  });
});
