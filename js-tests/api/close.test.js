// Closing a manager at each moment, and all methods afterwards.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fluz, managerFor, QUICK, sandboxFor } from "../support/setup.js";
import { failure, Gate, record, until } from "../support/waiting.js";

/** @import { TokenManager } from "graphql-token-manager" */

/**
 * All ways of waiting for a token.
 * @param {TokenManager} tokens
 */
const waiting = (tokens) =>
  Promise.all(
    [tokens.getToken(), tokens.getAccessToken(), tokens.authorization(), tokens.refresh()].map(failure),
  );

/** @param {{ code: string }[]} errors */
const codes = (errors) => [...new Set(errors.map(({ code }) => code))];

describe("closing", () => {
  test("while the core starts rejects callers with closed and sends no request", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const events = record(tokens);

    const callers = waiting(tokens);
    const ready = failure(tokens.ready());
    await tokens.close();

    assert.deepEqual(codes([...(await callers), await ready]), ["closed"]);
    assert.deepEqual(events, [{ type: "close" }]);
    assert.equal(sandbox.requests().length, 0);
  });

  test("before the first call emits `close` and leaves nothing behind", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    const events = record(tokens);

    await tokens.close();

    assert.deepEqual(events, [{ type: "close" }]);
    assert.equal((await failure(tokens.getToken())).code, "closed");
  });

  test("during a grant rejects callers at once and aborts the request", async (t) => {
    const sandbox = await sandboxFor(t);
    /** @type {AbortSignal[]} */
    const signals = [];
    const tokens = managerFor(
      t,
      fluz(sandbox, {
        fetch: (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
          if (init.signal) signals.push(init.signal);
          return fetch(url, init);
        },
      }),
    );
    sandbox.fault({ kind: "delay", ms: 10_000 });

    const callers = waiting(tokens);
    await until(() => sandbox.requests().length === 1, "the grant is in flight");
    await tokens.close();

    assert.deepEqual(codes(await callers), ["closed"]);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true],
    );
  });

  for (const [title, answer] of /** @type {[string, (gate: Gate) => Promise<unknown>][]} */ ([
    ["never answers", () => new Promise(() => {})],
    ["answers late", (gate) => gate.opened.then(() => Response.json({ data: {} }))],
    ["fails late", (gate) => gate.opened.then(() => Promise.reject(new Error("late")))],
  ])) {
    test(`rejects callers at once with a fetch that ignores its signal and ${title}`, async (t) => {
      const sandbox = await sandboxFor(t);
      const gate = /** @type {Gate} */ (new Gate());
      let sent = 0;
      const tokens = managerFor(t, fluz(sandbox, { fetch: () => (sent++, answer(gate)), retry: QUICK }));

      const callers = waiting(tokens);
      await until(() => sent === 1, "fetch was called");
      await tokens.close();
      const rejected = await callers;
      gate.open();
      await gate.opened;
      await new Promise(setImmediate);

      assert.deepEqual(codes(rejected), ["closed"]);
      assert.equal(sent, 1);
      assert.equal(tokens.peek(), undefined);
    });
  }

  test("while a secret or a grant function is pending rejects callers at once", async (t) => {
    const sandbox = await sandboxFor(t);
    let asked = 0;
    const never = () => (asked++, new Promise(() => {}));
    const bySecret = managerFor(t, fluz(sandbox, { apiKey: never }));
    const byFunction = managerFor(t, {
      provider: { name: "mine", endpoint: sandbox.acme.endpoint, grant: never },
    });

    const callers = Promise.all([waiting(bySecret), waiting(byFunction)]);
    await until(() => asked === 2, "both functions were called");
    await Promise.all([bySecret.close(), byFunction.close()]);

    assert.deepEqual(codes((await callers).flat()), ["closed"]);
  });

  test("aborts the signal passed to a grant function", async (t) => {
    /** @type {Gate<AbortSignal>} */
    const called = new Gate();
    const tokens = managerFor(t, {
      provider: {
        name: "mine",
        endpoint: "https://mine.test/graphql",
        grant: (/** @type {{ signal: AbortSignal }} */ { signal }) => {
          called.open(signal);
          return new Promise(() => {});
        },
      },
    });

    const caller = failure(tokens.getToken());
    const signal = await called.opened;
    const before = signal.aborted;
    await tokens.close();

    assert.deepEqual([before, signal.aborted], [false, true]);
    assert.equal((await caller).code, "closed");
  });

  test("can be repeated, at once and later", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    await tokens.getToken();

    await Promise.all([tokens.close(), tokens.close(), tokens[Symbol.asyncDispose]()]);
    await tokens.close();
    tokens[Symbol.dispose]();

    assert.equal(tokens.status().state, "empty");
  });
});

describe("after closing", () => {
  test("every method reports that the manager is closed, and none throws that did not throw before", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const token = await tokens.getToken();
    await tokens.close();

    const errors = [...(await waiting(tokens)), await failure(tokens.ready())];
    errors.push(await failure(tokens.getToken({ signal: new AbortController().signal })));

    assert.deepEqual(codes(errors), ["closed"]);
    for (const error of errors) assert.equal(error.retryable, false);
    assert.equal(tokens.peek(), undefined);
    assert.deepEqual(tokens.status(), {
      state: "empty",
      refreshing: false,
      grants: 1,
      failures: 0,
      sessions: 0,
    });
    assert.equal(tokens.invalidate(token), undefined);
    assert.equal(tokens.adopt(new Response()), false);
    assert.equal(typeof tokens.on("token", () => assert.fail("never called")), "function");
    assert.equal(sandbox.requests().length, 1);
  });
});

describe("disposal", () => {
  test("synchronous and asynchronous, closes the manager", async (t) => {
    const sandbox = await sandboxFor(t);
    const [one, other] = [managerFor(t, fluz(sandbox)), managerFor(t, fluz(sandbox))];
    await Promise.all([one.getToken(), other.getToken()]);

    const synchronous = one[Symbol.dispose]();
    const asynchronous = other[Symbol.asyncDispose]();

    assert.equal(synchronous, undefined);
    assert.ok(asynchronous instanceof Promise);
    await asynchronous;
    for (const tokens of [one, other]) assert.equal((await failure(tokens.getToken())).code, "closed");
  });
});
