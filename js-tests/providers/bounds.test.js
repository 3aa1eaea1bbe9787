// Limits of responses, store entries and token lifetimes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";

import { processorMsOf } from "../support/processor-time.js";
import { managerFor, QUICK } from "../support/setup.js";
import { failure } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

/**
 * Maximum CPU time in milliseconds: far more than any of these responses requires, far less than an insertion sort of
 * 262,000 scopes.
 */
const MOST_MS = 2_000;

/**
 * Creates a manager for an API with the given login response.
 * @param {TestContext} t
 * @param {Record<string, unknown>} login
 * @param {Record<string, unknown>} [options]
 */
function answered(t, login, options) {
  return managerFor(t, {
    provider: {
      name: "acme",
      endpoint: "https://api.test/graphql",
      authenticate: { document: "mutation { login { jwt scope ttl end } }" },
      token: { data: "login.jwt" },
      scopes: { data: "login.scope" },
      expiry: "end" in login ? { expiresAt: "login.end" } : { expiresIn: "login.ttl", unit: "seconds" },
    },
    fetch: async () => Response.json({ data: { login } }),
    retry: QUICK,
    ...options,
  });
}

/** Returns about 1 MiB of distinct words in descending order. */
function manyScopes() {
  const letters = "~_ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba9876543210.-";
  const words = [];
  for (const a of letters) for (const b of letters) for (const c of letters) words.push(a + b + c);
  return words.slice(0, 255_000);
}

describe("a response with scopes", () => {
  for (const [name, scope] of /** @type {const} */ ([
    ["as a text", manyScopes().join(" ")],
    ["as a list", manyScopes().slice(0, 170_000)],
  ])) {
    test(`of a mebibyte ${name} is rejected, and does not block the event loop`, async (t) => {
      const tokens = answered(t, { jwt: "token", ttl: 60, scope }, { retry: { attempts: 1 } });

      const ms = await processorMsOf(async () => {
        assert.equal((await failure(tokens.getToken())).code, "protocol");
      });

      assert.ok(ms < MOST_MS, `${ms} ms`);
    });
  }
});

describe("a token", () => {
  test("that expires in the far future can be printed", async (t) => {
    for (const login of [
      { jwt: "token", ttl: 1e16 },
      { jwt: "token", ttl: 1e300 },
      { jwt: "token", end: "9999-12-31T23:59:59Z" },
    ]) {
      const tokens = answered(t, login);

      const token = await tokens.getAccessToken();

      assert.ok(new Date(token.expiresAt).toISOString());
      for (const text of [String(token), JSON.stringify(token), inspect(token)]) assert.ok(text.length > 0);
      assert.ok(token.expiresAt - token.issuedAt <= 3_650 * 86_400_000);
    }
  });
});

describe("a mebibyte of errors that nearly quote secrets", () => {
  const secrets = Array.from({ length: 50 }, (_, index) => `Zq${index}x${"abcdefghij0123456789".repeat(3)}`);
  const near = secrets.map((secret) => `${secret.slice(0, 11)}-${secret.slice(8, 19)}`).join(" ");
  const message = near.repeat(3).slice(0, 2_000);
  const variables = Object.fromEntries(secrets.map((secret, index) => [`p${index}`, () => secret]));

  /** @param {TestContext} t @param {string} body */
  const refusing = (t, body) =>
    managerFor(t, {
      provider: {
        name: "acme",
        endpoint: "https://api.test/graphql",
        authenticate: { document: "mutation { login { jwt } }", variables },
        token: { data: "login.jwt" },
        expiry: { lifetimeMs: 60_000 },
      },
      fetch: async () => new Response(body, { status: 400, headers: { "content-type": "application/json" } }),
      retry: { attempts: 1 },
    });

  // Real times vary, so what is searched is counted: three million characters. A search for each part of the secrets has
  // thirty million.
  test("is searched a few times, however many secrets there are", async (t) => {
    const error = { message, code: near.slice(0, 60), path: [near.slice(0, 900)] };
    const body = JSON.stringify({
      errors: Array(Math.floor(1e6 / JSON.stringify(error).length)).fill(error),
    });
    const tokens = refusing(t, body);
    await tokens.ready();
    let searched = 0;
    for (const method of /** @type {const} */ ([
      "includes",
      "indexOf",
      "search",
      "match",
      "matchAll",
      "split",
      "replace",
      "replaceAll",
    ])) {
      const original = /** @type {any} */ (String.prototype[method]);
      t.mock.method(
        String.prototype,
        method,
        /** @this {string} */ function (/** @type {any[]} */ ...args) {
          searched += this.length;
          return original.apply(this, args);
        },
      );
    }
    const { has } = Set.prototype;
    t.mock.method(
      Set.prototype,
      "has",
      /** @this {Set<any>} */ function (/** @type {unknown} */ value) {
        searched += 12;
        return has.call(this, value);
      },
    );

    const failed = await failure(tokens.getToken());
    t.mock.restoreAll();

    assert.equal(failed.code, "protocol");
    assert.ok(searched > 1e5 && searched < 1e7, `${searched} characters`);
  });

  for (const [name, body] of /** @type {const} */ ([
    ["of backslashes", `{"errors":[{"message":"x"}]}"${"\\".repeat(1e6)}`],
    ["of names without values", `{"errors":[{"message":"x"}]}${'"code":'.repeat(150_000)}`],
    ["of codes without an end", `{"errors":[{"message":"x"}]}"code":"${'\\"'.repeat(5e5)}`],
    ["of spaces", `{"errors":[{"message":"x"}]}"code"${" ".repeat(1e6)}`],
  ])) {
    test(`or ${name} does not block the event loop`, async (t) => {
      const tokens = refusing(t, body);

      const ms = await processorMsOf(async () => {
        assert.equal((await failure(tokens.getToken())).code, "protocol");
      });

      assert.ok(ms < MOST_MS, `${ms} ms`);
    });
  }
});
