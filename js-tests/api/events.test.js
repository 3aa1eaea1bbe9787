// Events: their contents, and permitted actions of listeners.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { call, fluz, managerFor, QUICK, sandboxFor, toggle } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { assertHoldsNone } from "../support/secrets.js";
import { failure, next, record, thrown, until } from "../support/waiting.js";
import { TokenError } from "graphql-token-manager";

/** @import { TokenEvent } from "graphql-token-manager" */

describe("the event", () => {
  test("token has the reason, the expiry and the scopes, for each reason", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now, variants: { toggle: { sliding: "every" } } });
    const tokens = managerFor(t, toggle(sandbox));
    const events = record(tokens);
    const received = () => next(tokens, "token");

    await tokens.getToken();
    clock.advance(3_400_000);
    const proactive = received();
    await tokens.getToken();
    await proactive;
    clock.advance(3_600_000);
    await tokens.getToken();
    tokens.invalidate(await tokens.getToken());
    const token = await tokens.getToken();
    await tokens.refresh();
    clock.advance(1_000);
    tokens.adopt(await call(sandbox.toggle.endpoint, token, "{ Products(account_id: 1) { id } }"));

    const tokenEvents = events.filter((event) => event.type === "token");
    const reasons = tokenEvents.map((event) => event.type === "token" && event.reason);
    assert.deepEqual(reasons, ["initial", "proactive", "expired", "refused", "forced", "adopted"]);
    for (const event of tokenEvents) {
      assert.deepEqual(Object.keys(event).sort(), ["expiresAt", "reason", "scopes", "session", "type"]);
      assert.deepEqual(event.type === "token" && [event.session, event.scopes], [{}, []]);
      assert.ok(Object.isFrozen(event));
    }
    const last = tokenEvents.at(-1);
    assert.equal(last?.type === "token" && last.expiresAt, tokens.peek()?.expiresAt);
  });

  test("retry has the next attempt, the delay and the code; error has the final failure", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const events = record(tokens);
    sandbox.fault({ kind: "status", status: 500 });

    const error = await failure(tokens.getToken());
    await until(() => events.length === 3, "all events came");

    const [first, second, last] = /** @type {any[]} */ (events);
    for (const [event, attempt] of [
      [first, 2],
      [second, 3],
    ]) {
      const { delayMs } = event;
      assert.deepEqual(event, { type: "retry", attempt, delayMs, code: "server" });
      assert.ok(delayMs >= 0 && delayMs <= QUICK.maxMs, `${delayMs}`);
    }
    assert.deepEqual(Object.keys(last).sort(), ["error", "session", "tokenStillValid", "type"]);
    assert.deepEqual([last.type, last.tokenStillValid, last.session], ["error", false, {}]);
    assert.ok(last.error instanceof TokenError);
    assert.deepEqual({ ...last.error }, { ...error });
    assert.equal(last.error.message, error.message);
  });

  test("warning reports that fewer scopes were granted, once for the same scopes", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox, { scopes: ["LIST_OFFERS", "MAKE_DEPOSIT"] }));
    const events = record(tokens);
    sandbox.fault({ provider: "fluz", kind: "narrow", scopes: ["LIST_OFFERS"] });

    await tokens.getToken();
    await tokens.refresh();

    const warnings = /** @type {any[]} */ (events.filter(({ type }) => type === "warning"));
    assert.equal(warnings.length, 1);
    assert.deepEqual(Object.keys(warnings[0]).sort(), ["code", "message", "type"]);
    assert.equal(warnings[0].code, "insufficient_scope");
    assert.ok(warnings[0].message.includes("MAKE_DEPOSIT"));
  });
});

describe("a listener", () => {
  test("for an unknown event is rejected, and the error lists the known events", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));

    for (const type of ["tokens", "", "toString", undefined, null, Symbol("token")]) {
      const error = thrown(() => tokens.on(/** @type {any} */ (type), () => {}));

      assert.ok(TokenError.is(error));
      assert.equal(error.code, "invalid_options");
    }
  });

  test("that is not a function is rejected", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));

    for (const listener of [undefined, null, {}, "log"]) {
      const error = thrown(() => tokens.on("token", /** @type {any} */ (listener)));

      assert.equal(error.code, "invalid_options");
    }
  });

  test("that is added twice is called twice, and removed one at a time", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    let calls = 0;
    const listener = () => calls++;
    const end = tokens.on("token", listener);
    tokens.on("token", listener);

    await tokens.getToken();
    end();
    end();
    await tokens.refresh();

    assert.equal(calls, 3);
  });

  test("that throws or rejects affects neither other listeners nor the caller, and causes a warning", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    /** @type {string[]} */
    const called = [];
    const warnings = /** @type {TokenEvent[]} */ ([]);
    tokens.on("warning", (event) => warnings.push(event));
    tokens.on("token", () => {
      throw new Error("planted-secret");
    });
    tokens.on("token", async () => {
      throw new Error("planted-secret");
    });
    tokens.on("token", () => ({
      then() {
        throw new Error("planted-secret");
      },
    }));
    tokens.on("token", () => called.push("last"));

    const token = await tokens.getToken();
    await until(() => warnings.length === 3, "each was reported");

    assert.equal(typeof token, "string");
    assert.deepEqual(called, ["last"]);
    for (const warning of warnings) {
      assert.deepEqual(
        { ...warning, message: "" },
        { type: "warning", code: "listener_failed", message: "" },
      );
      assertHoldsNone(warning, ["planted-secret"]);
    }
  });

  test("for warnings that throws is not called again with its own failure", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    let calls = 0;
    tokens.on("warning", () => {
      calls++;
      throw new Error("again");
    });
    tokens.on("token", () => {
      throw new Error("once");
    });

    await tokens.getToken();

    assert.equal(calls, 1);
  });

  test("that is removed during an event is not called for it", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    /** @type {string[]} */
    const called = [];
    tokens.on("token", () => {
      called.push("first");
      endSecond();
    });
    const endSecond = tokens.on("token", () => called.push("second"));
    tokens.on("token", () => called.push("third"));

    await tokens.getToken();

    assert.deepEqual(called, ["first", "third"]);
  });

  test("that is added during an event receives the next one", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    let calls = 0;
    const end = tokens.on("token", () => {
      end();
      tokens.on("token", () => calls++);
    });

    await tokens.getToken();
    const before = calls;
    await tokens.refresh();

    assert.deepEqual([before, calls], [0, 1]);
  });

  test("is called after the state has changed", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    const seen = next(tokens, "token", (event) => {
      assert.equal(tokens.peek()?.expiresAt, event.expiresAt);
      assert.equal(tokens.status().state, "fresh");
      assert.equal(tokens.status().refreshing, false);
      return true;
    });

    await tokens.getToken();

    await seen;
  });
});
