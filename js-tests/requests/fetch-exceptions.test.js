// A `fetch` that throws: network failures are reported as such, and any other error by its name, without secrets.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";

import { managerFor } from "../support/setup.js";
import { failure } from "../support/waiting.js";
import { countedFor } from "./support.js";

const ENDPOINT = "https://api.acme.test/graphql";
const SECRET = 'pass "word" ä/1';

/** @param {string} name @param {string} message @param {object} [more] */
function thrown(name, message, more) {
  const error = new Error(message);
  error.name = name;
  return Object.assign(error, more);
}

/** Returns an error with a code. @param {string} code @param {string} [name] */
const coded = (code, name = "Error") => thrown(name, "x", { code });

/** Returns the error of undici for a cause. @param {unknown} cause @param {string} [message] */
const undici = (cause, message = "fetch failed") => new TypeError(message, { cause });

/** What a `fetch` throws if it cannot reach the server or read its response. @type {Record<string, any>} */
const NETWORK = {
  "an error of undici": undici(coded("ECONNREFUSED")),
  "an AggregateError of undici": undici(new AggregateError([coded("ENOTFOUND")])),
  "an error of undici while a body is read": undici(coded("UND_ERR_SOCKET", "SocketError"), "terminated"),
  "an invalid certificate": undici(coded("CERT_HAS_EXPIRED")),
  "an error of Chromium": new TypeError("Failed to fetch"),
  "an error of Firefox": new TypeError("NetworkError when attempting to fetch resource."),
  "an error of Safari": new TypeError("Load failed"),
  "an error of React Native": new TypeError("Network request failed"),
  "an error of workerd": new Error("Network connection lost."),
  "an error of Bun": thrown("Error", "Unable to connect.", { code: "ConnectionRefused" }),
  "an error of Deno": new TypeError("error sending request for url (https://api.acme.test/)"),
  "an error of node-fetch": thrown("FetchError", "request to x failed", {
    code: "ECONNRESET",
    type: "system",
  }),
  "a damaged Brotli body in Node": undici(coded("ERR__ERROR_FORMAT_CL_SPACE"), "terminated"),
  "a damaged Zstandard body in Node": undici(coded("ZSTD_error_corruption_detected"), "terminated"),
  "a damaged Brotli body in Deno": new TypeError("brotli error"),
  "a damaged zlib body in Deno": new TypeError("deflate decompression error: invalid code lengths set"),
  "a damaged Zstandard body in Bun": new TypeError(
    'ZstdDecompressionError fetching "https://api.acme.test/".',
  ),
  "a proxy that rejects the request": undici(new Error("proxy authentication required")),
  "a timeout of fetch": new DOMException("x", "TimeoutError"),
};

/** What a replacement of `fetch` throws otherwise. All but the typo may pass. @type {Record<string, any>} */
const OTHERS = {
  "a wrapper that expects Headers": new TypeError("init.headers.set is not a function"),
  "a typo": new ReferenceError("fetchWithRetry is not defined"),
  "a mock without a handler": new Error("[mock] no handler for POST"),
  "a mock below undici": undici(
    thrown("MockNotMatchedError", "no match", { code: "UND_MOCK_ERR_MOCK_NOT_MATCHED" }),
  ),
  "an egress policy": thrown("PolicyError", "egress is forbidden by policy 17"),
  "a file that is missing": thrown("Error", "no such file", { code: "ENOENT" }),
  undefined: undefined,
  "a string": "planted",
};

const CASES = [
  ...Object.entries(NETWORK).map(([title, reason]) => ({ title, reason, code: "network" })),
  ...Object.entries(OTHERS).map(([title, reason]) => ({ title, reason, code: "fetch_threw" })),
];

/** @param {any} fetch */
const profile = (fetch) => ({
  provider: {
    name: "acme",
    endpoint: ENDPOINT,
    authenticate: {
      document: "mutation ($p: String!) { login(password: $p) { jwt } }",
      variables: { p: () => SECRET },
      authorization: { bearer: "bearer-secret" },
    },
    token: { data: "login.jwt" },
    expiry: { lifetimeMs: 60_000 },
  },
  fetch,
  retry: { attempts: 2, baseMs: 1, maxMs: 2 },
});

for (const { title, reason, code } of CASES) {
  const retryable = !(reason instanceof ReferenceError);
  test(`${title} causes ${code}, for a grant and for request()`, async (t) => {
    const fetch = () => Promise.reject(reason);
    const granting = managerFor(t, profile(fetch));
    const { tokens } = countedFor(t, ENDPOINT, { fetch });

    for (const error of [await failure(granting.getToken()), await failure(tokens.request("{ ok }"))]) {
      assert.deepEqual([error.code, error.retryable, error.provider], [code, retryable, "acme"]);
      const cause = /** @type {any} */ (error.cause);
      assert.ok(cause instanceof Error);
      if (!(reason instanceof Error)) continue;
      assert.deepEqual([cause.name, cause.message], [reason.name, reason.message]);
      if (code === "fetch_threw" && !reason.cause) {
        assert.ok(error.message.includes(reason.name) && error.message.includes(reason.message));
      }
    }
    const error = await failure(granting.getToken());
    assert.equal(error.attempts ?? 1, retryable ? 2 : 1);
  });
}

describe("no error quotes the request:", () => {
  /** @type {[title: string, quote: (init: any) => unknown][]} */
  const quotes = [
    ["the body", (init) => init.body],
    ["the body as JSON", (init) => JSON.stringify(init)],
    ["one variable", (init) => JSON.parse(init.body).variables.p],
    ["one variable in an address", (init) => encodeURIComponent(JSON.parse(init.body).variables.p)],
    ["a header", (init) => new Headers(init.headers).get("authorization")],
    ["a token", (init) => new Headers(init.headers).get("authorization")?.split(" ")[1]],
  ];
  for (const [title, quote] of quotes) {
    test(title, async (t) => {
      const fetch = async (/** @type {any} */ _, /** @type {any} */ init) => {
        const text = `${quote(init)}`;
        throw Object.assign(new Error(`no handler for ${text}`, { cause: new Error(text) }), {
          request: init,
          config: text,
        });
      };
      const granting = managerFor(t, profile(fetch));
      const { tokens } = countedFor(t, ENDPOINT, { fetch });
      const variables = { p: SECRET };

      for (const error of [
        await failure(granting.getToken()),
        await failure(tokens.request("query ($p: String) { ok(p: $p) }", variables)),
      ]) {
        assert.equal(error.code, "fetch_threw");
        const shown = `${inspect(error, { depth: 9, showHidden: true })}${error.stack}${JSON.stringify(error)}`;
        for (const secret of [
          SECRET,
          JSON.stringify(SECRET).slice(1, -1),
          encodeURIComponent(SECRET),
          "bearer-secret",
          "token-1",
        ]) {
          assert.ok(!shown.includes(secret), shown);
        }
      }
    });
  }

  test("a value that cannot be read", async (t) => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("planted");
        },
      },
    );
    const granting = managerFor(
      t,
      profile(() => Promise.reject(hostile)),
    );

    assert.equal((await failure(granting.getToken())).code, "fetch_threw");
  });
});
