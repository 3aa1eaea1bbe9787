// Custom APIs with a grant function.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";

import { TokenError } from "graphql-token-manager";
import { managerFor, QUICK } from "../support/setup.js";
import { failure } from "../support/waiting.js";

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
  test("is called with the documented argument, and its token is returned", async (t) => {
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

  for (const [title, result] of /** @type {[string, () => unknown][]} */ ([
    ["a duration, synchronously", () => ({ accessToken: "abc", expiresInMs: 90_000 })],
    ["a Date, in a promise", async () => ({ accessToken: "abc", expiresAt: new Date(Date.now() + 90_000) })],
  ])) {
    test(`may return the expiry as ${title}`, async (t) => {
      const { value, issuedAt, expiresAt } = await granting(t, result).getAccessToken();

      assert.equal(value, "abc");
      assert.ok(Math.abs(expiresAt - issuedAt - 90_000) <= 1_100, `${expiresAt - issuedAt}`);
    });
  }

  test("that never settles times out in each attempt that `retry` allows", async (t) => {
    let calls = 0;
    const tokens = granting(t, () => (calls++, new Promise(() => {})), { timeoutMs: 20 });

    const error = await failure(tokens.getToken());

    assert.deepEqual([error.code, error.attempts, calls], ["timeout", 3, 3]);
  });
});

describe("an error thrown by a grant function", () => {
  for (const [title, error, calls] of /** @type {[string, TokenError, number][]} */ ([
    ["as a retryable TokenError is retried", new TokenError("server", "down"), 3],
    ["as a permanent TokenError is not retried", new TokenError("invalid_credentials", "who are you"), 1],
  ])) {
    for (const how of ["throws", "rejects"]) {
      test(`${title}, if the function ${how}`, async (t) => {
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

  test("as a TokenError keeps its details, and has the provider's name", async (t) => {
    const status = { status: 418, requestId: "r-1", retryAfterMs: 5 };
    for (const [code, details] of /** @type {const} */ ([
      ["rate_limited", status],
      ["insufficient_scope", { missingScopes: ["A", "B"] }],
    ])) {
      const grant = () => Promise.reject(new TokenError(code, "slowly", /** @type {any} */ (details)));

      const error = await failure(granting(t, grant).getToken());

      assert.deepEqual({ ...error }, { ...error, code, provider: "mine", ...details });
    }
  });

  test("has its own `retryable`, which takes precedence over its code", async (t) => {
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

  test("as an `internal` error of a nested manager keeps its code", async (t) => {
    const broken = new TokenError("internal", "the inner one broke off");

    const error = await failure(granting(t, () => Promise.reject(broken)).getToken());

    assert.deepEqual([error.code, error.retryable], ["internal", true]);
  });

  test("as a TokenError of another copy of the package is recognized", async (t) => {
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
});
