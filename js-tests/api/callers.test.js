// Callers share a grant, have their own options, and may each abort.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";

import { fluz, managerFor, sandboxFor } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { failure, until } from "../support/waiting.js";

/** @param {() => Promise<string>} ask */
const thousand = (ask) => Promise.all(Array.from({ length: 1_000 }, ask));

describe("single flight", () => {
  test("a thousand callers before the first grant cause one grant and receive one token", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));

    const got = await thousand(() => tokens.getToken());

    assert.equal(new Set(got).size, 1);
    assert.equal(sandbox.requests().length, 1);
    assert.equal(sandbox.counts().fluz.grants, 1);
  });

  test("a thousand callers after the first grant cause no further grant", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    await tokens.getToken();

    await thousand(() => tokens.getToken());
    await thousand(() => tokens.authorization());

    assert.equal(sandbox.requests().length, 1);
  });
});

describe("minValidityMs", () => {
  test("of a call: the cached token is returned if it is valid that long, else the caller waits", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now });
    const tokens = managerFor(t, fluz(sandbox, { refresh: "on-demand" }));
    const first = await tokens.getToken();

    clock.advance(300_000);
    const enough = await tokens.getToken({ minValidityMs: 290_000 });
    const more = await tokens.getToken({ minValidityMs: 310_000 });

    assert.equal(enough, first);
    assert.notEqual(more, first);
    assert.equal(await tokens.getToken(), more);
  });
});

describe("an aborted signal", () => {
  test("that is already aborted rejects with its reason and sends no request", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const reason = { why: "changed my mind" };
    const signal = AbortSignal.abort(reason);

    const results = await Promise.allSettled([
      tokens.getToken({ signal }),
      tokens.getAccessToken({ signal }),
      tokens.authorization({ signal }),
      tokens.refresh({ signal }),
    ]);

    for (const result of results) assert.equal(/** @type {any} */ (result).reason, reason);
    assert.equal(sandbox.requests().length, 0);
  });

  test("rejects only its caller, with the identical reason, and the others receive the token", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    sandbox.fault({ provider: "fluz", kind: "delay", ms: 100 });
    const controller = new AbortController();
    const reason = new Error("enough");

    const waiting = tokens.getToken({ signal: controller.signal });
    const others = [tokens.getToken(), tokens.getToken({ signal: new AbortController().signal })];
    await until(() => sandbox.requests().length === 1, "the grant is in flight");
    controller.abort(reason);

    await assert.rejects(waiting, (error) => error === reason);
    assert.equal(new Set(await Promise.all(others)).size, 1);
    assert.equal(sandbox.requests().length, 1);
  });

  test("rejects a caller that waits for the core to start, or for a refresh", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const [early, late] = [new AbortController(), new AbortController()];

    const starting = tokens.getToken({ signal: early.signal });
    early.abort("early");
    await assert.rejects(starting, (error) => error === "early");
    await tokens.getToken();
    const refreshing = tokens.refresh({ signal: late.signal });
    late.abort("late");
    await assert.rejects(refreshing, (error) => error === "late");

    assert.equal(tokens.status().state, "fresh");
  });

  test("has no listener left once the call has ended in any way", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const { signal } = new AbortController();
    const listeners = () => getEventListeners(signal, "abort").length;

    const waiting = Array.from({ length: 20 }, () => tokens.getToken({ signal }));
    assert.equal(listeners(), 20);
    await Promise.all(waiting);
    assert.equal(listeners(), 0, "after a token");

    sandbox.fault({ kind: "narrow", scopes: ["LIST_OFFERS"], times: 1 });
    await failure(tokens.getToken({ signal, scopes: ["LIST_OFFERS", "MAKE_DEPOSIT"] }));
    assert.equal(listeners(), 0, "after an error");

    await failure(tokens.getToken(/** @type {any} */ ({ signal, minValidity: 1 })));
    assert.equal(listeners(), 0, "after wrong options");

    const open = tokens.refresh({ signal });
    await tokens.close();
    await failure(open);
    assert.equal(listeners(), 0, "after close");
  });

  test("that is null counts as no signal, as for `fetch`", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));

    const token = await tokens.getToken({ signal: null });

    assert.equal((await tokens.getAccessToken({ signal: null })).value, token);
    assert.equal(await tokens.authorization({ signal: null }), `Bearer ${token}`);
    assert.ok((await tokens.grantedScopes({ signal: null })).length > 0);
    assert.ok(await tokens.request("{ __typename }", {}, { signal: null }));
    assert.notEqual((await tokens.refresh({ signal: null })).value, token);
  });

  test("without a reason, as in polyfills, rejects with an AbortError", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    class OldSignal extends EventTarget {
      aborted = false;
      abort() {
        this.aborted = true;
        this.dispatchEvent(new Event("abort"));
      }
    }
    const calls = (/** @type {any} */ signal) => [
      tokens.getToken({ signal, scopes: ["LIST_PURCHASES"] }),
      tokens.refresh({ signal }),
      tokens.request("{ __typename }", {}, { signal, scopes: ["MAKE_DEPOSIT"] }),
    ];
    const [early, late] = [new OldSignal(), new OldSignal()];
    early.abort();
    const waiting = calls(late);
    late.abort();

    for (const { status, reason } of /** @type {any[]} */ (
      await Promise.allSettled([...calls(early), ...waiting])
    )) {
      assert.equal(status, "rejected");
      assert.ok(reason instanceof DOMException);
      assert.equal(reason.name, "AbortError");
    }
  });

  test("that is not an AbortSignal is rejected as an invalid option", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));

    for (const signal of [{}, "signal", 1, 0, "", false, new EventTarget(), { aborted: false }]) {
      for (const method of /** @type {const} */ ([
        "getToken",
        "getAccessToken",
        "authorization",
        "refresh",
      ])) {
        const error = await failure(tokens[method](/** @type {any} */ ({ signal })));

        assert.equal(error.code, "invalid_options");
        assert.ok(error.message.includes("`signal`"), error.message);
      }
    }
    assert.equal(sandbox.requests().length, 0);
  });
});

describe("the options of a call", () => {
  test("are rejected if they are invalid, without a request", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));

    for (const options of [{ minValidtyMs: 1 }, { minValidityMs: -1 }, { scopes: [] }, null, "LIST_OFFERS"]) {
      const error = await failure(tokens.getToken(/** @type {any} */ (options)));
      assert.equal(error.code, "invalid_options");
    }
    const error = await failure(tokens.refresh(/** @type {any} */ ({ minValidityMs: 1 })));
    assert.equal(error.code, "invalid_options");
    assert.equal(sandbox.requests().length, 0);
  });

  test("reject only that call if reading one throws", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    const options = {
      get scopes() {
        throw new Error("not today");
      },
    };

    const error = await failure(tokens.getToken(/** @type {any} */ (options)));

    assert.equal(error.code, "invalid_options");
    assert.equal(typeof (await tokens.getToken()), "string");
  });
});
