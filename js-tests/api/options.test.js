// Options of the constructor: invalid ones are rejected and named, and valid ones apply.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { TokenManager } from "graphql-token-manager";
import { acmeProfile, braintree, fluz, managerFor, recordingFetch, sharedSandbox } from "../support/setup.js";
import { assertHoldsNone } from "../support/secrets.js";
import { failure } from "../support/waiting.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */
/** @import { Options } from "../support/setup.js" */

/** A secret in the wrong place. */
const PLANTED = "planted-secret-value";

/** @param {(sandbox: Sandbox) => Options} parts @returns {(sandbox: Sandbox) => Options} */
const profile = (parts) => (sandbox) => ({ provider: acmeProfile(sandbox, parts(sandbox)) });

/**
 * One row for each kind of value and each level of nesting; `src/options/tests` has one for each option.
 *
 * @type {[title: string, options: (sandbox: Sandbox) => unknown, named?: string][]}
 */
const WRONG = [
  ["nothing", () => undefined],
  ["a function", () => () => {}],
  ["no provider", () => ({}), "`provider`"],
  ["a misspelled key", (s) => fluz(s, { apikey: PLANTED }), "`apikey`"],
  ["a secret as a key", (s) => fluz(s, { [`${PLANTED} ${PLANTED} ${PLANTED}`]: 1 })],
  ["an object as a secret", (s) => fluz(s, { apiKey: { key: PLANTED } }), "`apiKey`"],
  ["a null secret", (s) => braintree(s, { clientSecret: null }), "`clientSecret`"],
  ["a scope that is null", (s) => fluz(s, { scopes: [null] }), "`scopes[0]`"],
  ["NaN", (s) => fluz(s, { minValidityMs: NaN }), "`minValidityMs`"],
  ["Infinity", (s) => fluz(s, { lifetimeMs: Infinity }), "`lifetimeMs`"],
  ["a URL object", (s) => fluz(s, { endpoint: new URL("https://a.test") }), "`endpoint`"],
  ["a store without methods", (s) => fluz(s, { store: {} }), "`store.get`"],
  ["a fetch that is not a function", (s) => fluz(s, { fetch: {} }), "`fetch`"],
  [
    "a symbol in variables",
    profile(() => ({ authenticate: { document: "{ a }", variables: { a: Symbol("a") } } })),
    "`provider.authenticate.variables.a`",
  ],
  [
    "a bigint in a list of variables",
    profile(() => ({ authenticate: { document: "{ a }", variables: { a: [1, 2n] } } })),
    "`provider.authenticate.variables.a[1]`",
  ],
  [
    "a grant that is not a function",
    (s) => ({ provider: { name: "a", endpoint: s.acme.endpoint, grant: "x" } }),
    "`provider.grant`",
  ],
];

describe("invalid options are rejected by every method, and the error names the option:", () => {
  for (const [title, options, named = ""] of WRONG) {
    test(title, async (t) => {
      const sandbox = await sharedSandbox(t);
      const tokens = managerFor(t, options(sandbox));

      const error = await failure(tokens.getToken());
      const again = await failure(tokens.ready());

      assert.deepEqual([error.code, error.retryable], ["invalid_options", false]);
      assert.ok(error.message.includes(named), error.message);
      assert.equal(again.message, error.message);
      assertHoldsNone(error, [PLANTED, sandbox.fluz.apiKey, sandbox.toggle.password]);
      assert.equal(sandbox.requests().length, 0);
    });
  }
});

describe("the constructor", () => {
  test("never throws, whatever it receives", async () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error("no");
        },
        ownKeys() {
          throw new Error("no");
        },
      },
    );
    const throwing = {
      get provider() {
        throw new Error("no");
      },
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const nested = { provider: "fluz", scopes: proxy };
    const items = { provider: "fluz", scopes: new Proxy(["x"], { get: () => assert.fail("no") }) };
    const date = { provider: "fluz", lifetimeMs: Object.create(Date.prototype) };

    for (const options of [
      hostile,
      throwing,
      proxy,
      nested,
      items,
      date,
      Symbol("x"),
      5n,
      new Map(),
      class {},
    ]) {
      const tokens = new TokenManager(/** @type {any} */ (options));

      assert.equal((await failure(tokens.getToken())).code, "invalid_options");
      assert.equal((await failure(tokens.refresh())).code, "invalid_options");
      assert.equal(tokens.status().state, "empty");
      await tokens.close();
    }
  });

  test("accepts class instances, objects without a prototype, and undefined for omitted options", async (t) => {
    const sandbox = await sharedSandbox(t);
    class Settings {
      constructor() {
        Object.assign(this, fluz(sandbox));
      }
    }
    const bare = Object.assign(Object.create(null), fluz(sandbox));
    const padded = fluz(sandbox, {
      seatId: undefined,
      retry: undefined,
      headers: undefined,
    });

    for (const options of [new Settings(), bare, padded]) {
      assert.equal(typeof (await managerFor(t, options).getToken()), "string");
    }
  });

  test("requires `new`", () => {
    assert.throws(() => /** @type {any} */ (TokenManager)(), TypeError);
  });
});

describe("an http: endpoint", () => {
  const unclear = "http://api.test/graphql";

  test("is used if allowInsecure is set", async (t) => {
    const sandbox = await sharedSandbox(t);
    /** @type {string[]} */
    const asked = [];
    const tokens = managerFor(
      t,
      fluz(sandbox, {
        endpoint: unclear,
        allowInsecure: true,
        fetch: (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
          asked.push(url);
          return fetch(sandbox.fluz.endpoint, init);
        },
      }),
    );

    await tokens.getToken();

    assert.deepEqual(asked, [unclear]);
  });
});

describe("headers", () => {
  test("are added to grant requests", async (t) => {
    const sandbox = await sharedSandbox(t);
    const fetch = recordingFetch();
    const tokens = managerFor(
      t,
      fluz(sandbox, { fetch, headers: { "X-Trace": "a b", Accept: "application/json" } }),
    );

    await tokens.getToken();

    const [request] = fetch.requests;
    assert.equal(request?.headers.get("x-trace"), "a b");
    assert.equal(request?.headers.get("accept"), "application/json");
    assert.equal(request?.headers.get("content-type"), "application/json");
    assert.equal(request?.init.method, "POST");
    assert.equal(request?.init.redirect, "manual");
  });
});
