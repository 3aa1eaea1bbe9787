// Misbehaving user-supplied functions: callers receive a result, and the manager continues to work.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { fluz, managerFor, sharedSandbox } from "../support/setup.js";
import { assertHoldsNone } from "../support/secrets.js";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { failure } from "../support/waiting.js";
import { RETRY } from "./providers.js";
import { UNUSUAL_VALUES, UNUSUAL_PROMISES, hostileObject } from "./unusual.js";

/** @import { TestContext } from "node:test" */
/** @import { Options } from "../support/setup.js" */

const ONCE = { timeoutMs: TEST_TIMEOUT_MS, retry: { ...RETRY, attempts: 1 } };

/**
 * Asserts that a call of a manager with a misbehaving function fails with a `TokenError` of one of the codes that does
 * not contain the planted text, and that a later call returns a token once the function works again.
 * @param {TestContext} t
 * @param {readonly string[]} codes
 * @param {(unusual: () => boolean) => Options} options
 * @param {string} [hidden]
 */
async function assertRecovers(t, codes, options, hidden = "planted-") {
  let unusual = true;
  const tokens = managerFor(
    t,
    options(() => unusual),
  );

  const error = await failure(tokens.getToken());
  unusual = false;
  const token = await tokens.refresh();

  assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
  assertHoldsNone([error, tokens.status()], [hidden]);
  assert.equal(await tokens.getToken(), token.value);
}

/**
 * Ways in which a function may return or throw an unusual value.
 *
 * @type {[title: string, act: (thing: unknown) => unknown][]}
 */
const WAYS = [
  [
    "throws",
    (thing) => {
      throw thing;
    },
  ],
  ["rejects with", (thing) => Promise.reject(thing)],
  ["returns", (thing) => thing],
];

const LIST = WAYS.flatMap(([way, act]) => {
  const things = way === "returns" ? [...UNUSUAL_VALUES, ...UNUSUAL_PROMISES] : UNUSUAL_VALUES;
  return things.map(([title, make]) => /** @type {const} */ ([`${way} ${title}`, () => act(make())]));
});

describe("a secret function that", () => {
  for (const [title, unusual] of LIST) {
    test(title, async (t) => {
      const sandbox = await sharedSandbox(t);

      await assertRecovers(t, ["credentials_unavailable", "invalid_credentials"], (isUnusual) =>
        fluz(sandbox, { ...ONCE, apiKey: () => (isUnusual() ? unusual() : sandbox.fluz.apiKey) }),
      );
    });
  }
});

// The message of an error that it throws is exposed; the request is not.
describe("a fetch that", () => {
  const responses = answers().map(
    ([title, answer]) => /** @type {const} */ ([`resolves with ${title}`, answer]),
  );
  for (const [title, unusual] of [...LIST, ...responses]) {
    test(title, async (t) => {
      const sandbox = await sharedSandbox(t);

      await assertRecovers(
        t,
        ["fetch_threw", "protocol"],
        (isUnusual) =>
          fluz(sandbox, {
            ...ONCE,
            fetch: (/** @type {[string]} */ ...to) => (isUnusual() ? unusual() : fetch(...to)),
          }),
        sandbox.fluz.apiKey,
      );
    });
  }
});

describe("a grant function that", () => {
  for (const [title, unusual] of [...LIST, ...grants()]) {
    test(title, async (t) => {
      await assertRecovers(t, ["network", "protocol"], (isUnusual) => ({
        provider: {
          name: "mine",
          endpoint: "https://mine.test/graphql",
          grant: () => (isUnusual() ? unusual() : { accessToken: "good", expiresInMs: 60_000 }),
        },
        ...ONCE,
      }));
    });
  }
});

describe("a signal", () => {
  for (const [title, parts] of /** @type {[string, object][]} */ ([
    ["without removeEventListener", {}],
    ["whose removeEventListener throws", { removeEventListener: throwing }],
    ["whose removeEventListener calls the caller again", { removeEventListener() {} }],
  ])) {
    test(`${title} does not affect other callers`, async (t) => {
      const tokens = managerFor(t, fluz(await sharedSandbox(t), ONCE));
      const signal = /** @type {any} */ ({ aborted: false, addEventListener() {}, ...parts });

      const got = await Promise.allSettled([tokens.getToken({ signal }), tokens.getToken()]);
      const later = await tokens.refresh();

      assert.equal(got[1].status, "fulfilled");
      assert.equal(await tokens.getToken(), later.value);
    });
  }
});

function throwing() {
  throw new Error("planted-in-a-function");
}

/** Returns an object with a getter that throws. @param {string} name @param {object} [members] */
function withGetter(name, members) {
  return Object.defineProperty({ ...members }, name, { enumerable: true, get: throwing });
}

/**
 * Returns objects that resemble a Response.
 * @returns {[title: string, answer: () => unknown][]}
 */
function answers() {
  const headers = new Headers();
  /** @param {() => unknown} getReader */
  const streaming = (getReader) => () => ({ status: 200, headers, body: { getReader } });
  /** @param {unknown} value */
  const chunk = (value) =>
    streaming(() => ({ read: async () => ({ value, done: false }), cancel: async () => {} }));
  return [
    ["a status that throws", () => withGetter("status")],
    ["headers that throw", () => ({ status: 200, headers: { get: throwing } })],
    ["headers without get", () => ({ status: 200, headers: {} })],
    ["a header that is not a string", () => ({ status: 200, headers: { get: () => ({}) }, text: () => "" })],
    ["a body that throws", () => withGetter("body", { status: 200, headers })],
    ["a text() that throws", () => ({ status: 200, headers, text: throwing })],
    [
      "a text() that returns an unusual promise",
      () => ({ status: 200, headers, text: UNUSUAL_PROMISES[1]?.[1] }),
    ],
    ["a getReader() that throws", streaming(throwing)],
    ["an invalid reader", streaming(() => 7)],
    ["a read() that throws", streaming(() => ({ read: throwing }))],
    ["a read() that does not return a promise", streaming(() => ({ read: () => ({ done: true }) }))],
    ["a read() that returns undefined", streaming(() => ({ read: () => undefined }))],
    ["a read() that returns an unusual promise", streaming(() => ({ read: UNUSUAL_PROMISES[1]?.[1] }))],
    ["a read() that resolves with undefined", streaming(() => ({ read: async () => undefined }))],
    ["a chunk whose value throws", streaming(() => ({ read: async () => withGetter("value") }))],
    ["a chunk that is a string", chunk("text")],
    ["a chunk that only inherits from Uint8Array", chunk(Object.create(Uint8Array.prototype))],
    ["a chunk that is a proxy of bytes", chunk(new Proxy(new Uint8Array(4), {}))],
    ["a chunk that was transferred", chunk(detached())],
    ["a chunk that is a Uint16Array", chunk(new Uint16Array(4))],
    ["empty chunks without end", chunk(new Uint8Array(0))],
    [
      "an oversized body, and a cancel() that rejects",
      streaming(() => ({
        read: async () => ({ value: new Uint8Array(2 ** 21) }),
        cancel: () => Promise.reject(new Error("planted-in-cancel")),
      })),
    ],
    [
      "an oversized body, and a cancel() that throws",
      streaming(() => ({ read: async () => ({ value: new Uint8Array(2 ** 21) }), cancel: throwing })),
    ],
  ];
}

function detached() {
  const bytes = new Uint8Array(4);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

/**
 * Returns invalid results.
 * @returns {[title: string, grant: () => unknown][]}
 */
function grants() {
  const accessToken = "good";
  const tokenError = { [Symbol.for("graphql-token-manager.TokenError")]: true };
  const raise = (/** @type {object} */ thing) => () => {
    throw thing;
  };
  return [
    ["returns a getter that throws", () => withGetter("accessToken")],
    ["returns scopes that throw", () => ({ accessToken, expiresInMs: 1_000, scopes: hostileObject() })],
    [
      "returns a list of scopes that throws",
      () => ({ accessToken, expiresInMs: 1_000, scopes: new Proxy([], { get: throwing }) }),
    ],
    ["returns an invalid Date", () => ({ accessToken, expiresAt: new Date(NaN) })],
    [
      "returns an object that only inherits from Date",
      () => ({ accessToken, expiresAt: Object.create(Date.prototype) }),
    ],
    ["returns a token with a line break", () => ({ accessToken: "planted-\r\nx", expiresInMs: 1_000 })],
    ["throws an object that only resembles a TokenError", raise(tokenError)],
    ["throws a TokenError whose code throws", raise(withGetter("code", tokenError))],
    [
      "throws a TokenError whose message is an object",
      raise({ ...tokenError, code: "network", message: {} }),
    ],
    [
      "throws a TokenError with an unknown code",
      raise({ ...tokenError, code: "planted-code", message: "x" }),
    ],
  ];
}
