// Custom APIs with a grant function.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";

import { TokenError } from "graphql-token-manager";
import { managerFor, QUICK } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { assertHoldsNone } from "../support/secrets.js";
import { failure, record } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */
/** @import { GrantRequest } from "graphql-token-manager" */

/**
 * @param {TestContext} t
 * @param {(request: GrantRequest) => any} grant
 * @param {Record<string, any>} [options]
 */
const granting = (t, grant, options) =>
  managerFor(t, {
    provider: { name: "mine", endpoint: "https://mine.test/", grant },
    retry: QUICK,
    ...options,
  });

describe("a grant function", () => {
  test("is called with what it needs, and gives the token", async (t) => {
    /** @type {GrantRequest[]} */
    const requests = [];
    let number = 0;
    const tokens = granting(
      t,
      (request) => {
        requests.push(request);
        return {
          accessToken: `t${++number}`,
          expiresInMs: 60_000,
          refreshToken: number < 3 ? `r${number}` : undefined,
        };
      },
      { scopes: ["B", "A"] },
    );

    const got = [await tokens.getToken()];
    for (let time = 0; time < 3; time++) got.push((await tokens.refresh()).value);

    assert.deepEqual(got, ["t1", "t2", "t3", "t4"]);
    // The previous one is kept if none is returned.
    assert.deepEqual(
      requests.map(({ refreshToken }) => refreshToken),
      [undefined, "r1", "r2", "r2"],
    );
    for (const request of requests) {
      assert.deepEqual(Object.keys(request).sort(), ["refreshToken", "scopes", "session", "signal"]);
      assert.deepEqual(request.scopes, ["A", "B"]);
      assert.deepEqual(request.session, {});
      assert.ok(request.signal instanceof AbortSignal && !request.signal.aborted);
    }
  });

  for (const [title, parts] of /** @type {[string, () => Record<string, unknown>][]} */ ([
    ["expiresInMs", () => ({ expiresInMs: 90_000 })],
    ["expiresAt in milliseconds", () => ({ expiresAt: Date.now() + 90_000 })],
    ["expiresAt in seconds", () => ({ expiresAt: Math.round(Date.now() / 1_000) + 90 })],
    ["expiresAt as a Date", () => ({ expiresAt: new Date(Date.now() + 90_000) })],
    ["expiresAt as text", () => ({ expiresAt: new Date(Date.now() + 90_000).toISOString() })],
  ])) {
    for (const how of ["at once", "by a promise"]) {
      test(`may give ${title}, ${how}`, async (t) => {
        const tokens = granting(t, () => {
          const result = { accessToken: "abc", ...parts() };
          return how === "at once" ? result : Promise.resolve(result);
        });

        const { value, issuedAt, expiresAt } = await tokens.getAccessToken();

        assert.equal(value, "abc");
        assert.ok(Math.abs(expiresAt - issuedAt - 90_000) <= 1_100, `${expiresAt - issuedAt}`);
      });
    }
  }

  test("that does not tell how long: five minutes, or as lifetimeMs says", async (t) => {
    const lifetime = async (/** @type {Record<string, any>} */ options) => {
      const { issuedAt, expiresAt } = await granting(
        t,
        () => ({ accessToken: "abc" }),
        options,
      ).getAccessToken();
      return expiresAt - issuedAt;
    };

    assert.equal(await lifetime({}), 300_000);
    assert.equal(await lifetime({ lifetimeMs: 60_000 }), 60_000);
  });

  test("may tell the scopes; what is missing is known then", async (t) => {
    const grant = () => ({ accessToken: "abc", scopes: ["A"] });
    const tokens = granting(t, grant, { scopes: ["A", "B"] });
    const events = record(tokens);

    const { scopes } = await tokens.getAccessToken();
    const error = await failure(tokens.getToken({ scopes: ["B"] }));

    assert.deepEqual(scopes, ["A"]);
    assert.deepEqual([error.code, error.missingScopes], ["insufficient_scope", ["B"]]);
    assert.ok(events.some(({ type }) => type === "warning"));
  });

  test("is called once for any number of callers", async (t) => {
    let calls = 0;
    const tokens = granting(t, async () => ({ accessToken: `t${++calls}` }));

    const got = await Promise.all(Array.from({ length: 1_000 }, () => tokens.getToken()));

    assert.deepEqual([...new Set(got)], ["t1"]);
  });

  test("may call the manager, and nothing deadlocks", async (t) => {
    /** @type {Promise<string>[]} */
    const inside = [];
    const tokens = granting(t, () => {
      inside.push(tokens.getToken(), tokens.authorization());
      inside.push(tokens.refresh().then(({ value }) => value));
      tokens.peek();
      tokens.status();
      tokens.invalidate("x");
      return { accessToken: "abc" };
    });

    await tokens.getToken();

    assert.deepEqual(await Promise.all(inside), ["abc", "Bearer abc", "abc"]);
  });

  test("may close the manager", async (t) => {
    const tokens = granting(t, () => {
      void tokens.close();
      return { accessToken: "abc" };
    });

    assert.equal((await failure(tokens.getToken())).code, "closed");
  });

  test("that never settles times out, as often as retry says", async (t) => {
    let calls = 0;
    const tokens = granting(t, () => (calls++, new Promise(() => {})), { timeoutMs: 20 });

    const error = await failure(tokens.getToken());

    assert.deepEqual([error.code, error.attempts, calls], ["timeout", 3, 3]);
    assert.match(error.message, /`grant` function of mine.*within 20 ms; heed its `signal`/);
  });
});

describe("what a grant function throws", () => {
  for (const [title, error, calls] of /** @type {[string, TokenError, number][]} */ ([
    ["a TokenError that may pass is tried again", new TokenError("server", "down"), 3],
    ["a TokenError that lasts is not", new TokenError("invalid_credentials", "who are you"), 1],
  ])) {
    for (const how of ["throws", "rejects"]) {
      test(`${title}, where it ${how}`, async (t) => {
        let called = 0;
        const tokens = granting(t, () => {
          called++;
          if (how === "rejects") return Promise.reject(error);
          throw error;
        });

        const got = await failure(tokens.getToken());

        assert.deepEqual([got.code, got.message, called], [error.code, error.message, calls]);
      });
    }
  }

  test("a TokenError keeps what it tells", async (t) => {
    const details = { status: 418, requestId: "r-1", retryAfterMs: 5 };
    const tokens = granting(t, () => {
      throw new TokenError("rate_limited", "slowly", details);
    });

    const { status, requestId, retryAfterMs, code } = await failure(tokens.getToken());

    assert.deepEqual({ status, requestId, retryAfterMs, code }, { ...details, code: "rate_limited" });
  });

  test("a TokenError keeps the scopes that it misses, and is told to be of this provider", async (t) => {
    const tokens = granting(t, () => {
      throw new TokenError("insufficient_scope", "more, please", { missingScopes: ["A", "B"] });
    });

    const { code, missingScopes, provider } = await failure(tokens.getToken());

    assert.deepEqual(
      { code, missingScopes, provider },
      {
        code: "insufficient_scope",
        missingScopes: ["A", "B"],
        provider: "mine",
      },
    );
  });

  test("retryable: what the error says goes before its code", async (t) => {
    let calls = 0;
    const counted = (/** @type {TokenError} */ error) => () => {
      calls++;
      throw error;
    };
    const lasting = new TokenError("network", "x", { retryable: false });
    const passing = new TokenError("protocol", "x", { retryable: true });

    const lasted = await failure(granting(t, counted(lasting)).getToken());
    const once = calls;
    const passed = await failure(granting(t, counted(passing)).getToken());

    assert.deepEqual([once, calls], [1, 4]);
    assert.deepEqual([lasted.retryable, passed.retryable], [false, true]);
  });

  test("a manager inside a grant function fails with its own code", async (t) => {
    const broken = new TokenError("internal", "the inner one broke off");

    const error = await failure(granting(t, () => Promise.reject(broken)).getToken());

    assert.deepEqual([error.code, error.retryable], ["internal", true]);
  });

  test("a TokenError of another copy of the package counts as well", async (t) => {
    const require = createRequire(import.meta.url);
    const folder = dirname(require.resolve("graphql-token-manager/package.json"));
    const copy = require(join(folder, "dist", "index.cjs"));
    let calls = 0;
    const tokens = granting(t, () => {
      calls++;
      throw new copy.TokenError("invalid_credentials", "who are you");
    });

    assert.equal((await failure(tokens.getToken())).code, "invalid_credentials");
    assert.equal(calls, 1);
  });

  test("a lasting TokenError for a refresh token is followed by a call without one", async (t) => {
    /** @type {unknown[]} */
    const presented = [];
    const tokens = granting(t, ({ refreshToken }) => {
      presented.push(refreshToken);
      if (refreshToken) throw new TokenError("invalid_credentials", "spent");
      return { accessToken: `t${presented.length}`, refreshToken: "r" };
    });

    await tokens.getToken();
    await tokens.refresh();

    assert.deepEqual(presented, [undefined, "r", undefined]);
  });

  for (const [title, thrown] of /** @type {[string, unknown][]} */ ([
    ["an Error", new Error("planted-message", { cause: "planted-cause" })],
    ["an error with a strange name", Object.assign(new Error("planted-message"), { name: "planted-cause!" })],
    ["text", "planted-message"],
    ["nothing", undefined],
    ["null", null],
    ["a symbol", Symbol("planted-message")],
    ["what throws when it is read", new Proxy({}, { get: () => assert.fail("no") })],
    ["what only looks like a TokenError", { name: "TokenError", code: "closed", message: "planted-message" }],
  ])) {
    test(`${title} counts as transient, and nothing of it is shown but a name`, async (t) => {
      let calls = 0;
      const tokens = granting(t, () => {
        calls++;
        throw thrown;
      });

      const error = await failure(tokens.getToken());

      assert.deepEqual([error.code, error.retryable, calls], ["network", true, 3]);
      assert.match(error.message, /`grant` function of mine threw .*; throw a TokenError to say/);
      assertHoldsNone(error, ["planted-message", "planted-cause"]);
    });
  }
});

describe("rubbish from a grant function", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();

  for (const [title, result] of /** @type {[string, unknown][]} */ ([
    ["nothing", undefined],
    ["null", null],
    ["text", "planted-token"],
    ["an array", ["planted-token"]],
    ["no token", {}],
    ["another key", { access_token: "planted-token" }],
    ["an empty token", { accessToken: "" }],
    ["a token that is a number", { accessToken: 5 }],
    ["a token with a space", { accessToken: "planted token" }],
    ["a token with a line break", { accessToken: "planted\r\ntoken" }],
    ["a token beyond ASCII", { accessToken: "plantedé" }],
    ["a function", () => ({ accessToken: "planted-token" })],
    [
      "a getter that throws",
      {
        get accessToken() {
          throw new Error("planted-token");
        },
      },
    ],
    ["scopes that are a revoked proxy", { accessToken: "planted-token", scopes: proxy }],
    ["a date that is none", { accessToken: "planted-token", expiresAt: Object.create(Date.prototype) }],
  ])) {
    test(`${title}: protocol at once, and the message says what to give`, async (t) => {
      let calls = 0;
      const tokens = granting(t, () => (calls++, result));

      const error = await failure(tokens.getToken());

      assert.equal(error.code, "protocol");
      assert.match(error.message, /`grant` function of mine gave .*accessToken, expiresAt \| expiresInMs/);
      assert.equal(calls, 1);
      assertHoldsNone(error, ["planted"]);
    });
  }

  test("a lifetime that is none is not believed", async (t) => {
    for (const wrong of [0, -5, NaN, Infinity, "soon", null, true]) {
      const tokens = granting(t, () => ({ accessToken: "abc", expiresInMs: wrong }));

      const outcome = await tokens.getAccessToken().catch((error) => error);

      if (TokenError.is(outcome)) assert.equal(outcome.code, "protocol", String(wrong));
      else assert.equal(outcome.expiresAt - outcome.issuedAt, 300_000, String(wrong));
    }
  });

  test("a token held stays", async (t) => {
    const results = [{ accessToken: "good" }, { accessToken: "not good" }];
    const tokens = granting(t, () => results.shift());
    await tokens.getToken();

    const error = await failure(tokens.refresh());

    assert.equal(error.code, "protocol");
    assert.equal(await tokens.getToken(), "good");
  });
});

describe("a token that a function got", () => {
  test("is renewed ahead of its end by a call that needs no waiting", async (t) => {
    const clock = simulatedTime(t);
    let calls = 0;
    const tokens = granting(t, () => ({ accessToken: `t${++calls}`, expiresInMs: 100_000 }));
    await tokens.getToken();

    clock.advance(80_000);
    const held = await tokens.getToken();
    await new Promise(setImmediate);
    const renewed = await tokens.getToken();

    assert.deepEqual([held, renewed], ["t1", "t2"]);
  });
});
