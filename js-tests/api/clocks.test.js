// Wrong or jumping clocks: token lifetimes stay correct, without extra grants.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { braintree, fluz, managerFor, sandboxFor } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";

const DAY = 86_400_000;

describe("a device clock", () => {
  for (const [title, ahead] of /** @type {[string, number][]} */ ([
    ["a day ahead", DAY],
    ["a day behind", -DAY],
  ])) {
    for (const options of [fluz, braintree]) {
      test(`${title} of ${options.name}'s costs no grant, and times are told by the provider's`, async (t) => {
        const providers = Date.now.bind(Date);
        const clock = simulatedTime(t);
        clock.advance(ahead);
        const sandbox = await sandboxFor(t, { now: providers, lifetimes: { braintree: 600_000 } });
        const tokens = managerFor(t, options(sandbox));

        const token = await tokens.getAccessToken();
        for (let call = 0; call < 50; call++) assert.equal(await tokens.getToken(), token.value);

        assert.equal(sandbox.requests().length, 1);
        assert.equal(tokens.status().state, "fresh");
        assert.equal(tokens.peek(), token);
        const left = token.expiresAt - providers();
        assert.ok(Math.abs(left - 600_000) < 2_500, `${left} ms left by the provider's clock`);
        const expiresInMs = Number(tokens.status().expiresInMs);
        assert.ok(Math.abs(expiresInMs - 600_000) < 2_500, `${expiresInMs} ms left by the status`);
      });
    }
  }

  test("that is set back by a day gives the token held no longer life", async (t) => {
    const providers = Date.now.bind(Date);
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: providers, lifetimes: { fluz: 300 } });
    const tokens = managerFor(t, fluz(sandbox, { refresh: "on-demand" }));
    const first = await tokens.getAccessToken();

    clock.advance(-DAY);
    const token = await tokens.getToken({ minValidityMs: 0 });
    while (tokens.status().state !== "expired") await new Promise(setImmediate);
    const later = await tokens.getToken();

    assert.equal(token, first.value);
    assert.notEqual(later, first.value);
  });

  test("that is set ahead as by sleep has the next caller wait for a new token", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now });
    const tokens = managerFor(t, fluz(sandbox));
    const first = await tokens.getToken();

    clock.advance(8 * 3_600_000);
    const second = await tokens.getToken();

    assert.notEqual(second, first);
    assert.equal(sandbox.requests().length, 2);
  });
});

describe("a provider's Date header", () => {
  for (const offsetMs of [DAY, -DAY]) {
    test(`that is wrong by ${offsetMs} ms leaves a token its lifetime`, async (t) => {
      const sandbox = await sandboxFor(t);
      sandbox.fault({ kind: "date", offsetMs });
      const tokens = managerFor(t, fluz(sandbox));

      const token = await tokens.getAccessToken();

      assert.ok(Math.abs(token.expiresAt - token.issuedAt - 600_000) < 2_500);
      assert.equal(await tokens.getToken(), token.value);
      assert.equal(sandbox.requests().length, 1);
    });
  }

  test("that is missing leaves a token its lifetime", async (t) => {
    const sandbox = await sandboxFor(t);
    sandbox.fault({ kind: "omit-date" });
    const tokens = managerFor(t, fluz(sandbox));

    const token = await tokens.getAccessToken();

    assert.ok(Math.abs(token.expiresAt - token.issuedAt - 600_000) <= 1);
  });
});
