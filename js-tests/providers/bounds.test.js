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
