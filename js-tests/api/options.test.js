// Invalid options are rejected with a message that names the option and the accepted values.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { TokenManager } from "graphql-token-manager";
import {
  acmeProfile,
  braintree,
  fluz,
  managerFor,
  recordingFetch,
  sharedSandbox,
  toggle,
} from "../support/setup.js";
import { assertHoldsNone } from "../support/secrets.js";
import { failure } from "../support/waiting.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */
/** @import { Options } from "../support/setup.js" */

/** A secret in the wrong place. */
const PLANTED = "planted-secret-value";

/** @typedef {[title: string, options: (sandbox: Sandbox) => unknown, ...message: RegExp[]]} Row */

/** @type {Row[]} */
const ALL = [
  ["nothing", () => undefined, /options are missing; give an object/],
  ["null", () => null, /options are null/],
  ["a string", () => PLANTED, /options are a string; give an object/],
  ["an array", () => [PLANTED], /options are an array/],
  ["a function", () => () => {}, /options are a function/],
  ["no provider", () => ({}), /`provider` is missing; give "fluz", "toggle", "braintree", "broker", or a/],
  ["a provider that is a number", () => ({ provider: 7 }), /`provider` is a number/],
  ["a misspelt provider", () => ({ provider: "fluzz" }), /`provider`.*did you mean "fluz"\?/],
  ["an unknown provider", () => ({ provider: "stripe" }), /`provider`.*"fluz", "toggle", "braintree"/],
  ["a misspelt key", (s) => fluz(s, { apikey: PLANTED }), /`apikey` is not known; did you mean `apiKey`\?/],
  ["an unknown key", (s) => fluz(s, { colour: 1 }), /`colour` is not known; known here are .*`endpoint`/],
  ["a secret for a key", (s) => fluz(s, { [`${PLANTED} ${PLANTED} ${PLANTED}`]: 1 }), /`…` is not known/],
  ["another provider's key", (s) => toggle(s, { clientId: "x" }), /`clientId` is not known/],
  ["scopes where there are none", (s) => toggle(s, { scopes: ["x"] }), /`scopes` is not known/],
  ["sessions as a number", (s) => fluz(s, { sessions: 5 }), /`sessions` is a number; give an object/],
  ["no sessions", (s) => fluz(s, { sessions: { max: 0 } }), /`sessions\.max`.*from 1 to 10 million/],
  ["a misspelt limit", (s) => fluz(s, { sessions: { idle: 1 } }), /`sessions\.idle`.*`sessions\.idleMs`\?/],
  [
    "half a grant",
    (s) => fluz(s, { sessions: { maxConcurrentGrants: 0.5 } }),
    /`sessions\.maxConcurrentGrants` is out of range; give .*1 to 10000/,
  ],
  [
    "a store that is a word",
    (s) => fluz(s, { store: "redis" }),
    /`store` is a string; give an object with `get`/,
  ],
  [
    "a store without methods",
    (s) => fluz(s, { store: {} }),
    /`store\.get` is missing; give a function: a store/,
  ],
  ["a refresh mode", (s) => fluz(s, { refresh: "allways" }), /`refresh`.*did you mean "always"\?/],
  ["a refresh that is a flag", (s) => fluz(s, { refresh: true }), /`refresh` is a boolean; give "always" or/],
  ["a window in milliseconds", (s) => fluz(s, { refreshWindow: 90 }), /`refreshWindow`.*from 0 to 0\.9/],
  ["a negative window", (s) => fluz(s, { refreshWindow: -0.1 }), /`refreshWindow`.*from 0 to 0\.9/],
  ["a lifetime of nothing", (s) => fluz(s, { lifetimeMs: 0 }), /`lifetimeMs`.*milliseconds/],
  ["a lifetime as text", (s) => fluz(s, { lifetimeMs: "10m" }), /`lifetimeMs` is a string.*milliseconds/],
  ["an endless lifetime", (s) => fluz(s, { lifetimeMs: Infinity }), /`lifetimeMs`/],
  ["a validity that is no number", (s) => fluz(s, { minValidityMs: NaN }), /`minValidityMs`.*milliseconds/],
  ["no time to answer", (s) => fluz(s, { timeoutMs: 0 }), /`timeoutMs`.*milliseconds/],
  ["retry as a number", (s) => fluz(s, { retry: 3 }), /`retry` is a number; give an object/],
  ["no attempts", (s) => fluz(s, { retry: { attempts: 0 } }), /`retry\.attempts`.*from 1 to 100/],
  ["half an attempt", (s) => fluz(s, { retry: { attempts: 1.5 } }), /`retry\.attempts`.*from 1 to 100/],
  ["a misspelt pause", (s) => fluz(s, { retry: { baseMS: 1 } }), /`retry\.baseMS`.*`retry\.baseMs`\?/],
  ["pauses that shrink", (s) => fluz(s, { retry: { baseMs: 9, maxMs: 5 } }), /`retry\.maxMs` is less than/],
  ["a fetch that is no function", (s) => fluz(s, { fetch: {} }), /`fetch` is an object; give a function/],
  ["headers as text", (s) => fluz(s, { headers: "a: b" }), /`headers` is a string; give an object/],
  [
    "a header that the manager sends",
    (s) => fluz(s, { headers: { authorization: PLANTED } }),
    /`headers\.authorization` cannot be set.*leave it out/,
  ],
  [
    "a header with a line break",
    (s) => fluz(s, { headers: { a: "b\r\nc: d" } }),
    /`headers\.a` is a string with characters that no header can hold/,
  ],
  [
    "a header that is a number",
    (s) => fluz(s, { headers: { a: 5 } }),
    /`headers\.a` is a number; give the header's value/,
  ],
  ["keepAlive as text", (s) => fluz(s, { keepAlive: "yes" }), /`keepAlive` is a string.*true or false/],
  ["allowInsecure as a number", (s) => fluz(s, { allowInsecure: 1 }), /`allowInsecure` is a number/],
  ["an endpoint that is no URL", (s) => fluz(s, { endpoint: "api.test" }), /`endpoint`.*https:\/\//],
  ["an endpoint that is a URL object", (s) => fluz(s, { endpoint: new URL("https://a.test") }), /`endpoint`/],
  ["an endpoint for files", (s) => fluz(s, { endpoint: "file:///x" }), /`endpoint`.*https:/],
  [
    "an endpoint with credentials",
    (s) => fluz(s, { endpoint: `https://me:${PLANTED}@a.test/` }),
    /`endpoint`.*leave them out/,
  ],
  [
    "an endpoint in the clear",
    (s) => fluz(s, { endpoint: "http://api.test/graphql" }),
    /`endpoint`.*https:.*`allowInsecure: true`/,
  ],
];

/** @type {Row[]} */
const FLUZ = [
  [
    "no environment",
    (s) => fluz(s, { environment: undefined, endpoint: undefined }),
    /`environment`.*"sandbox"/,
  ],
  ["a misspelt environment", (s) => fluz(s, { environment: "prodution" }), /`environment`.*"production"\?/],
  ["no key", (s) => fluz(s, { apiKey: undefined }), /`apiKey` is missing.*is the variable set\?/],
  ["an empty key", (s) => fluz(s, { apiKey: "" }), /`apiKey` is an empty string; give the API key/],
  ["a key of spaces", (s) => fluz(s, { apiKey: "  " }), /`apiKey` is a blank string; give the API key/],
  ["a key that is an object", (s) => fluz(s, { apiKey: { key: PLANTED } }), /`apiKey` is an object/],
  [
    "two kinds of keys",
    (s) => fluz(s, { appId: "a", appSecret: PLANTED }),
    /`apiKey` and `appId`.*one or the/,
  ],
  [
    "an id without its secret",
    (s) => fluz(s, { apiKey: undefined, appId: "a" }),
    /`appSecret` is missing; give the application's secret/,
  ],
  [
    "a secret without its id",
    (s) => fluz(s, { apiKey: undefined, appSecret: PLANTED }),
    /`appId` is missing; give the application's id/,
  ],
  ["no user", (s) => fluz(s, { userId: undefined }), /`userId` is missing; give the id of the user.*UUID/],
  ["no account", (s) => fluz(s, { accountId: "" }), /`accountId` is an empty string; give the id.*UUID/],
  ["a seat that is a number", (s) => fluz(s, { seatId: 4 }), /`seatId` is a number.*leave it out/],
  ["no scopes", (s) => fluz(s, { scopes: undefined }), /`scopes` is missing; give an array/],
  ["an empty list of scopes", (s) => fluz(s, { scopes: [] }), /`scopes` is an empty array/],
  ["scopes as text", (s) => fluz(s, { scopes: "A B" }), /`scopes` is a string; give an array/],
  ["a scope with a space", (s) => fluz(s, { scopes: ["A", "B C"] }), /`scopes\[1\]`.*without spaces/],
  ["a scope that is null", (s) => fluz(s, { scopes: [null] }), /`scopes\[0\]` is null/],
  ["an unknown renewal", (s) => fluz(s, { renewal: "never" }), /`renewal`.*"refresh" or "generate"/],
];

/** @type {Row[]} */
const OTHERS = [
  ["toggle: nobody to log in", (s) => toggle(s, { username: undefined }), /`email` and `username` are both/],
  ["toggle: two names", (s) => toggle(s, { email: "a@b.test" }), /`email` and `username`.*give one of them/],
  ["toggle: no password", (s) => toggle(s, { password: undefined }), /`password` is missing.*variable set/],
  [
    "braintree: no client",
    (s) => braintree(s, { clientId: undefined }),
    /`clientId` is missing; give the OAuth/,
  ],
  [
    "braintree: no secret",
    (s) => braintree(s, { clientSecret: null }),
    /`clientSecret` is null; give the OAuth/,
  ],
  [
    "braintree: a version",
    (s) => braintree(s, { braintreeVersion: "v1" }),
    /`braintreeVersion`.*"2019-01-01"/,
  ],
  ["braintree: no scopes", (s) => braintree(s, { scopes: undefined }), /`scopes` is missing; give an array/],
];

/** @param {(sandbox: Sandbox) => Options} parts @returns {(sandbox: Sandbox) => Options} */
const profile = (parts) => (sandbox) => ({ provider: acmeProfile(sandbox, parts(sandbox)) });

/** @type {Row[]} */
const PROFILES = [
  ["without a name", profile(() => ({ name: undefined })), /`provider\.name` is missing; give a short name/],
  ["with a long name", profile(() => ({ name: "x".repeat(41) })), /`provider\.name`.*40 characters/],
  ["without an endpoint", profile(() => ({ endpoint: undefined })), /`provider\.endpoint` is missing/],
  ["without a login", profile(() => ({ authenticate: undefined })), /`provider\.authenticate` is missing/],
  [
    "without a document",
    profile(() => ({ authenticate: {} })),
    /`provider\.authenticate\.document` is missing; give a GraphQL document/,
  ],
  [
    "with a misspelt key",
    profile(() => ({ authentcate: {} })),
    /`provider\.authentcate` is not known; did you mean `provider\.authenticate`\?/,
  ],
  [
    "with a variable that is no JSON",
    profile(() => ({ authenticate: { document: "{ a }", variables: { a: Symbol("a") } } })),
    /`provider\.authenticate\.variables\.a`.*give JSON, or a function/,
  ],
  [
    "with a bigint in a list",
    profile(() => ({ authenticate: { document: "{ a }", variables: { a: [1, 2n] } } })),
    /`provider\.authenticate\.variables\.a\[1\]`/,
  ],
  [
    "with an unknown authorization",
    profile(() => ({ authenticate: { document: "{ a }", authorization: "basic" } })),
    /`provider\.authenticate\.authorization`.*\{ basic: secret \}/,
  ],
  [
    "with two authorizations",
    profile(() => ({
      authenticate: { document: "{ a }", authorization: { basic: PLANTED, bearer: PLANTED } },
    })),
    /`provider\.authenticate\.authorization`/,
  ],
  [
    "with half a pair",
    profile(() => ({ authenticate: { document: "{ a }", authorization: { basic: { username: "a" } } } })),
    /`provider\.authenticate\.authorization\.basic\.password` is missing/,
  ],
  [
    "without a place for the token",
    profile(() => ({ token: undefined })),
    /`provider\.token` is missing; give \{ data/,
  ],
  ["with a token that is a path", profile(() => ({ token: "a.b" })), /`provider\.token` is a string/],
  ["with a token in two places", profile(() => ({ token: { data: "a", header: "b" } })), /`provider\.token`/],
  ["with a header that is none", profile(() => ({ token: { header: "a b" } })), /`provider\.token\.header`/],
  [
    "with a renewal of nothing",
    profile(() => ({ refreshToken: undefined })),
    /`provider\.refreshToken`.*`renew`/,
  ],
  [
    "without an expiry",
    profile(() => ({ expiry: undefined })),
    /`provider\.expiry` is missing; give \{ expiresIn/,
  ],
  [
    "with two expiries",
    profile(() => ({ expiry: { jwt: true, lifetimeMs: 1 } })),
    /`provider\.expiry` must tell one/,
  ],
  [
    "with a strange unit",
    profile(() => ({ expiry: { expiresIn: "a", unit: "minutes" } })),
    /`provider\.expiry\.unit`/,
  ],
  [
    "with a status that is none",
    profile(() => ({ refused: { statuses: [42] } })),
    /`provider\.refused\.statuses\[0\]` is no HTTP status/,
  ],
  ["with a sliding flag", profile(() => ({ sliding: true })), /`provider\.sliding` is a boolean/],
  [
    "with a grant that is no function",
    (s) => ({ provider: { name: "a", endpoint: s.acme.endpoint, grant: "x" } }),
    /`provider\.grant` is a string; give a function/,
  ],
  [
    "with a grant and a login",
    (s) => ({ provider: acmeProfile(s, { grant: () => {} }) }),
    /`provider\.grant` and `provider\.authenticate` exclude each other/,
  ],
  [
    "that contains itself",
    profile(() => {
      /** @type {Options} */
      const circle = { document: "{ a }", variables: {} };
      circle.variables.circle = circle.variables;
      return { authenticate: circle };
    }),
    /`provider\.authenticate\.variables/,
  ],
];

for (const [title, rows] of /** @type {[string, Row[]][]} */ ([
  ["options", ALL],
  ["options of fluz", FLUZ],
  ["options of the others", OTHERS],
  ["a profile", PROFILES],
])) {
  describe(`wrong ${title}`, () => {
    for (const [name, options, ...messages] of rows) {
      test(`${name}: the message says which key, and what to write`, async (t) => {
        const sandbox = await sharedSandbox(t);
        const tokens = managerFor(t, options(sandbox));

        const error = await failure(tokens.getToken());
        const again = await failure(tokens.ready());

        assert.equal(error.code, "invalid_options");
        assert.equal(error.retryable, false);
        for (const message of messages) assert.match(error.message, message);
        assert.equal(again.message, error.message);
        assertHoldsNone(error, [PLANTED, sandbox.fluz.apiKey, sandbox.toggle.password]);
        assert.equal(sandbox.requests().length, 0);
      });
    }
  });
}

describe("a constructor", () => {
  test("never throws, whatever it is given", async () => {
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

  test("takes options of a class, without a prototype, and with undefined for what is left out", async (t) => {
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

  test("needs `new`", () => {
    assert.throws(() => /** @type {any} */ (TokenManager)(), TypeError);
  });
});

describe("an endpoint in the clear", () => {
  const unclear = "http://api.test/graphql";

  test("is used where allowInsecure says so", async (t) => {
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

  test("is used on the loopback, by any of its names, and nowhere that only looks like it", async (t) => {
    const sandbox = await sharedSandbox(t);
    const ready = (/** @type {string} */ host) =>
      managerFor(t, fluz(sandbox, { endpoint: `http://${host}/graphql` })).ready();

    for (const host of [
      "127.0.0.1",
      "127.1.2.3:80",
      "localhost:4000",
      "LOCALHOST",
      "a.localhost",
      "[::1]:1",
    ]) {
      await ready(host);
    }
    for (const host of ["localhost.test", "127.0.0.1.test", "128.0.0.1", "0.0.0.0", "[::2]", "10.0.0.1"]) {
      assert.equal((await failure(ready(host))).code, "invalid_options", host);
    }
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
