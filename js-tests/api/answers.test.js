// Endpoints that fail or do not respond: the error code, the message, the old token, and the number of requests.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  fluz,
  managerFor,
  recordingFetch,
  sandboxFor,
  sharedSandbox,
  unreachable,
} from "../support/setup.js";
import { letTimeRunOut, simulatedTime } from "../support/simulated-time.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { failure, next, record } from "../support/waiting.js";

/** @import { FaultSpec, Sandbox } from "graphql-token-manager/testing" */

/** Text of the response bodies, which must not appear in errors. */
const PLANTED = "planted-in-the-body";
const JSON_BODY = JSON.stringify({ note: PLANTED });

/** @type {[title: string, fault: FaultSpec, code: string, requests: number, message: RegExp][]} */
const BAD = [
  ["a cut connection", { kind: "drop" }, "network", 3, /cannot be reached.*check `endpoint` and the network/],
  ["an answer cut short", { kind: "truncate" }, "network", 3, /check `endpoint` and the network/],
  [
    "a page for people",
    { kind: "html" },
    "protocol",
    3,
    /an HTML page \(HTTP 200, text\/html\).*check `endpoint`/,
  ],
  ["JSON with a brace too many", { kind: "invalid-json" }, "protocol", 3, /not JSON.*check `endpoint`/],
  ["an answer of megabytes", { kind: "oversize" }, "protocol", 1, /more than a MiB; check `endpoint`/],
  ["no token", { kind: "no-token" }, "protocol", 1, /without a token at `data\./],
  ["an empty token", { kind: "bad-token", value: "", provider: "fluz" }, "protocol", 1, /without a token at/],
  ["a token with a space", { kind: "bad-token", value: "a b", provider: "fluz" }, "protocol", 1, /spaces/],
  [
    "a token with a line break",
    { kind: "bad-token", value: "a\nb", provider: "fluz" },
    "protocol",
    1,
    /control/,
  ],
  ["a token with a NUL", { kind: "bad-token", value: "a\0b", provider: "fluz" }, "protocol", 1, /control/],
  [
    "a token beyond ASCII",
    { kind: "bad-token", value: "tökén", provider: "fluz" },
    "protocol",
    1,
    /cannot be sent/,
  ],
  [
    "JSON that is no GraphQL",
    { kind: "status", status: 200, body: JSON_BODY },
    "protocol",
    3,
    /no GraphQL answer/,
  ],
  ["a list", { kind: "status", status: 200, body: "[1, 2]" }, "protocol", 3, /no GraphQL answer/],
  [
    "half of JSON",
    { kind: "status", status: 200, body: `{"data": {"${PLANTED}` },
    "protocol",
    3,
    /only a part/,
  ],
  [
    "data of nothing",
    { kind: "status", status: 200, body: '{"data":{}}' },
    "protocol",
    1,
    /without a token at/,
  ],
  ["an empty body", { kind: "status", status: 200, body: " " }, "protocol", 3, /an empty body/],
  ["a redirect", { kind: "status", status: 307 }, "protocol", 3, /redirects.*set `endpoint`/],
  ["not found", { kind: "status", status: 404 }, "protocol", 3, /HTTP 404.*check `endpoint`/],
  [
    "forbidden",
    { kind: "status", status: 403, body: JSON_BODY },
    "invalid_credentials",
    1,
    /check that `apiKey`/,
  ],
  [
    "unauthorized",
    { kind: "status", status: 401, body: JSON_BODY },
    "invalid_credentials",
    1,
    /HTTP 401.*`apiKey`/,
  ],
  ["a timeout of its own", { kind: "status", status: 408 }, "server", 3, /out of order \(HTTP 408\)/],
  ["an outage", { kind: "status", status: 500, body: JSON_BODY }, "server", 3, /out of order \(HTTP 500\)/],
  ["a bad gateway", { kind: "status", status: 502 }, "server", 3, /HTTP 502/],
  ["too many requests", { kind: "status", status: 429 }, "rate_limited", 3, /fewer requests/],
  ["an answer too late", { kind: "delay", ms: 60_000 }, "timeout", 3, /within 10000 ms.*`timeoutMs` higher/],
];

const RETRYABLE = ["network", "timeout", "server", "rate_limited", "credentials_unavailable"];

describe("an endpoint that answers with", () => {
  for (const [title, fault, code, requests, message] of BAD) {
    test(`${title}: ${code}, in ${requests} requests, and a message that helps`, async (t) => {
      const time = simulatedTime(t);
      const sandbox = await sandboxFor(t, { now: time.now });
      const tokens = managerFor(t, fluz(sandbox));
      sandbox.fault(fault);

      const calls = Array.from({ length: 100 }, () => failure(tokens.getToken()));
      if (fault.kind === "delay") await letTimeRunOut(sandbox, time, "fluz", requests);
      const errors = await Promise.all(calls);
      const [error] = /** @type {[import("graphql-token-manager").TokenError]} */ (errors);
      for (let call = 0; call < 100; call++) await failure(tokens.getToken());

      assert.equal(error.code, code);
      assert.match(error.message, message);
      // Errors that are retried are transient.
      assert.equal(error.retryable, RETRYABLE.includes(code) || requests > 1);
      assert.equal(error.provider, "fluz");
      assert.equal(error.attempts, requests > 1 ? requests : undefined);
      assert.equal(new Set(errors).size, 1, "one failure for all");
      assert.equal(sandbox.requests().length, requests);
      assertHoldsNone(error, [...secretsOf(sandbox), PLANTED, "tökén"]);
    });

    test(`${title}: the token held stays`, async (t) => {
      const time = simulatedTime(t);
      const sandbox = await sandboxFor(t, { now: time.now });
      const tokens = managerFor(t, fluz(sandbox));
      const held = await tokens.getAccessToken();
      sandbox.fault(fault);
      const events = record(tokens);

      const failing = failure(tokens.refresh());
      if (fault.kind === "delay") await letTimeRunOut(sandbox, time, "fluz", requests);
      const error = await failing;

      assert.equal(error.code, code);
      assert.equal(tokens.peek(), held);
      assert.equal(await tokens.getToken(), held.value);
      const last = events.at(-1);
      assert.ok(last?.type === "error" && last.tokenStillValid);
      assertHoldsNone(error, [...secretsOf(sandbox), held.value, PLANTED]);
    });
  }

  test("errors at status 406 is asked once more, in the older media type alone", async (t) => {
    const sandbox = await sharedSandbox(t);
    const fetch = recordingFetch();
    const tokens = managerFor(t, fluz(sandbox, { fetch }));
    sandbox.fault({ kind: "status", status: 406, times: 1 });

    await tokens.getToken();
    await tokens.refresh();

    const accepted = fetch.requests.map(({ headers }) => headers.get("accept"));
    const json = "application/json";
    assert.deepEqual(accepted, ["application/graphql-response+json, application/json;q=0.9", json, json]);
  });
});

describe("an endpoint that is not there", () => {
  test("gives network, with the system's code for it", async (t) => {
    const sandbox = await sharedSandbox(t);
    const endpoint = await unreachable();
    const { origin } = new URL(endpoint);
    const tokens = managerFor(t, fluz(sandbox, { endpoint }));

    const error = await failure(tokens.getToken());

    assert.equal(error.code, "network");
    assert.ok(
      error.message.startsWith(`fluz (${origin}) cannot be reached (ECONNREFUSED); check \`endpoint\``),
    );
    assert.equal(error.attempts, 3);
    assertHoldsNone(error, secretsOf(sandbox));
  });

  test("is named without its path, which may hold a key", async (t) => {
    const sandbox = await sharedSandbox(t);
    const tokens = managerFor(
      t,
      fluz(sandbox, { endpoint: `${await unreachable()}/planted-key?key=planted-key` }),
    );

    assertHoldsNone(await failure(tokens.getToken()), ["planted-key"]);
  });
});

describe("a fetch of the user's", () => {
  const secretive = Object.assign(new Error("planted-message"), { cause: new Error("planted-cause") });
  /** @type {[title: string, fetch: (...args: any[]) => unknown, code: string, message: RegExp][]} */
  const rows = [
    [
      "throws",
      () => {
        throw secretive;
      },
      "fetch_threw",
      /planted-message/,
    ],
    [
      "throws no Error",
      () => {
        throw "planted-message";
      },
      "fetch_threw",
      /./,
    ],
    [
      "throws nothing",
      () => {
        throw undefined;
      },
      "fetch_threw",
      /./,
    ],
    ["rejects", () => Promise.reject(secretive), "fetch_threw", /planted-message/],
    ["rejects with a code", () => Promise.reject({ code: "EHOSTUNREACH" }), "network", /\(EHOSTUNREACH\)/],
    [
      "rejects with a code that is none",
      () => Promise.reject({ code: "planted-message" }),
      "fetch_threw",
      /./,
    ],
    ["gives nothing", () => undefined, "protocol", /no Response; check the function given as option `fetch`/],
    ["gives null", () => null, "protocol", /no Response/],
    ["gives text", () => "planted-message", "protocol", /no Response/],
    ["gives an empty object", () => ({}), "protocol", /no Response/],
    ["gives half a Response", () => ({ status: 200 }), "protocol", /no Response/],
    [
      "gives a body that is none",
      () => ({ status: 200, headers: new Headers(), body: 7 }),
      "protocol",
      /no Response/,
    ],
    [
      "gives text that is none",
      () => ({ status: 200, headers: new Headers(), text: () => 7 }),
      "protocol",
      /no Response/,
    ],
    [
      "gives a body that breaks",
      () => new Response(new ReadableStream({ pull: (it) => it.error(secretive) })),
      "fetch_threw",
      /planted-message/,
    ],
    [
      "gives an opaque redirect",
      () => ({ status: 0, headers: new Headers(), text: () => "" }),
      "protocol",
      /redirects/,
    ],
    [
      "gives bytes that are no text",
      () => new Response(new Uint8Array([0xff, 0xfe, 0x00])),
      "protocol",
      /a body that is not JSON/,
    ],
  ];
  for (const [title, fetch, code, message] of rows) {
    test(`that ${title}: ${code}, and no secret is shown`, async (t) => {
      const sandbox = await sharedSandbox(t);
      const tokens = managerFor(t, fluz(sandbox, { fetch }));

      const error = await failure(tokens.getToken());

      assert.equal(error.code, code);
      assert.match(error.message, message);
      assertHoldsNone(error, [...secretsOf(sandbox)]);
    });
  }

  test("that never settles times out, as often as retry says", async (t) => {
    let asked = 0;
    const fetch = () => (asked++, new Promise(() => {}));
    const tokens = managerFor(t, fluz(await sharedSandbox(t), { fetch, timeoutMs: 20 }));

    const error = await failure(tokens.getToken());

    assert.deepEqual([error.code, error.attempts, asked], ["timeout", 3, 3]);
  });

  test("whose body never ends times out", async (t) => {
    const fetch = () => new Response(new ReadableStream());
    const tokens = managerFor(
      t,
      fluz(await sharedSandbox(t), { fetch, timeoutMs: 20, retry: { attempts: 1 } }),
    );

    assert.equal((await failure(tokens.getToken())).code, "timeout");
  });

  test("that has only text() does as well", async (t) => {
    const sandbox = await sharedSandbox(t);
    const plain = async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
      const response = await fetch(url, init);
      return { status: response.status, headers: response.headers, text: () => response.text() };
    };
    const tokens = managerFor(t, fluz(sandbox, { fetch: plain }));

    assert.equal(typeof (await tokens.getToken()), "string");
  });

  test("may call the manager, and nothing deadlocks", async (t) => {
    const sandbox = await sharedSandbox(t);
    /** @type {Promise<string>[]} */
    const inside = [];
    const tokens = managerFor(
      t,
      fluz(sandbox, {
        fetch: (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
          inside.push(tokens.getToken());
          tokens.invalidate("x");
          tokens.status();
          return fetch(url, init);
        },
      }),
    );

    const token = await tokens.getToken();

    assert.deepEqual(await Promise.all(inside), [token]);
  });
});

describe("after a failure", () => {
  test("of a grant that may pass, it is tried again until it succeeds", async (t) => {
    const sandbox = await sharedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox));
    sandbox.fault({ kind: "status", status: 503, times: 1 });
    sandbox.fault({ kind: "drop", times: 1 });

    assert.equal(typeof (await tokens.getToken()), "string");
    assert.equal(sandbox.requests().length, 3);
    assert.equal(tokens.status().failures, 0);
  });

  test("there are as many attempts as the option says", async (t) => {
    const sandbox = await sharedSandbox(t);
    sandbox.fault({ kind: "status", status: 503 });

    for (const attempts of [1, 2, 5]) {
      const before = sandbox.requests().length;
      const tokens = managerFor(t, fluz(sandbox, { retry: { attempts, baseMs: 1, maxMs: 1 } }));
      const error = await failure(tokens.getToken());

      assert.equal(error.attempts, attempts);
      assert.equal(sandbox.requests().length - before, attempts);
    }
  });

  test("a thousand calls, one after the other, cost no request until the cool-down is over", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now });
    const tokens = managerFor(t, fluz(sandbox, { retry: { attempts: 1 } }));
    sandbox.fault({ kind: "status", status: 503 });
    const asked = async (/** @type {number} */ ms) => {
      clock.advance(ms);
      for (let call = 0; call < 1_000; call++) await failure(tokens.getToken());
      return sandbox.requests().length;
    };

    assert.equal(await asked(0), 1);
    assert.equal(await asked(4_999), 1, "the cool-down is five seconds");
    assert.equal(await asked(1), 2);
    assert.equal(await asked(9_999), 2, "then ten");
    assert.equal(await asked(1), 3);
  });

  test("a token makes all as it was", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now });
    const tokens = managerFor(t, fluz(sandbox, { retry: { attempts: 1 } }));
    const mend = sandbox.fault({ kind: "status", status: 503 });
    await failure(tokens.getToken());
    mend();

    await failure(tokens.getToken());
    clock.advance(5_000);

    assert.equal(typeof (await tokens.getToken()), "string");
    assert.equal(tokens.status().lastError, undefined);
  });

  test("for refused credentials that have worked the timer asks again after 15 s at the earliest", async (t) => {
    const sandbox = await sharedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox));
    await tokens.getToken();
    sandbox.fault({ kind: "status", status: 401 });
    const before = Date.now();

    await failure(tokens.refresh());

    assert.ok(Number(tokens.status().refreshAt) >= before + 15_000);
    assert.equal(tokens.status().state, "fresh");
  });

  test("for another reason the timer asks again after the cool-down", async (t) => {
    const sandbox = await sharedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox, { retry: { attempts: 1 } }));
    const { expiresAt } = await tokens.getAccessToken();
    sandbox.fault({ kind: "status", status: 503 });

    await failure(tokens.refresh());

    const { refreshAt } = tokens.status();
    assert.ok(refreshAt && refreshAt < expiresAt);
  });

  test("the token held is handed out to its very end, and an error comes only then", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now });
    const tokens = managerFor(t, fluz(sandbox, { retry: { attempts: 1 } }));
    const token = await tokens.getToken();
    sandbox.fault({ kind: "status", status: 503 });

    /** @type {string[]} */
    const got = [];
    for (const advance of [460_000, 60_000, 70_000, 9_000]) {
      clock.advance(advance);
      got.push(await tokens.getToken());
      await new Promise(setImmediate);
    }
    clock.advance(2_000);
    const error = await failure(tokens.getToken());

    assert.deepEqual(got, [token, token, token, token]);
    assert.equal(error.code, "server");
  });
});

describe("Retry-After", () => {
  test("in seconds is obeyed", async (t) => {
    const sandbox = await sharedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox, { retry: { baseMs: 1, maxMs: 60_000 } }));
    sandbox.fault({ kind: "status", status: 429, retryAfter: 20 });

    const retry = next(tokens, "retry");
    const waiting = failure(tokens.getToken());

    const { delayMs, code } = await retry;
    assert.deepEqual([delayMs, code], [20_000, "rate_limited"]);
    await tokens.close();
    await waiting;
  });

  test("as a date is obeyed, by the provider's clock", async (t) => {
    const provider = Date.now() + 86_400_000;
    const sandbox = await sandboxFor(t, { now: () => provider });
    const tokens = managerFor(t, fluz(sandbox, { retry: { baseMs: 1, maxMs: 60_000 } }));
    const retryAfter = new Date(provider + 20_000).toUTCString();
    sandbox.fault({ kind: "status", status: 503, retryAfter });

    const retry = next(tokens, "retry");
    const waiting = failure(tokens.getToken());

    const { delayMs, code } = await retry;
    assert.equal(code, "server");
    assert.ok(Math.abs(delayMs - 20_000) <= 1_500, `${delayMs}`);
    await tokens.close();
    await waiting;
  });

  for (const status of [429, 503]) {
    test(`longer than maxMs, with ${status}: callers reject at once, and it is left alone until then`, async (t) => {
      const clock = simulatedTime(t);
      const sandbox = await sandboxFor(t, { now: clock.now });
      const tokens = managerFor(t, fluz(sandbox));
      sandbox.fault({ kind: "status", status, retryAfter: 120, times: 1 });

      const error = await failure(tokens.getToken());
      clock.advance(100_000);
      const later = await failure(tokens.getToken());
      clock.advance(20_100);
      const token = await tokens.getToken();

      assert.deepEqual([error.code, error.retryAfterMs, error.status], ["rate_limited", 120_000, status]);
      assert.equal(later.code, "rate_limited");
      assert.ok(Math.abs(Number(later.retryAfterMs) - 20_000) < 2_000, `${later.retryAfterMs}`);
      assert.equal(typeof token, "string");
      assert.equal(sandbox.requests().length, 2);
    });
  }
});
