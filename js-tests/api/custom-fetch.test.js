// Unreachable endpoints and user-supplied `fetch` functions. `faults` has the failures of a provider.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { fluz, managerFor, sharedSandbox, unreachable } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { failure, next } from "../support/waiting.js";

describe("an unreachable endpoint", () => {
  test("rejects with network and the system's error code", async (t) => {
    const sandbox = await sharedSandbox(t);
    const endpoint = await unreachable();
    const { origin } = new URL(endpoint);
    const tokens = managerFor(t, fluz(sandbox, { endpoint }));

    const error = await failure(tokens.getToken());

    assert.equal(error.code, "network");
    for (const part of [origin, "ECONNREFUSED", "`endpoint`"]) assert.ok(error.message.includes(part), part);
    assert.equal(error.attempts, 3);
    assertHoldsNone(error, secretsOf(sandbox));
  });

  test("is named without its path, which may contain a key", async (t) => {
    const sandbox = await sharedSandbox(t);
    const tokens = managerFor(
      t,
      fluz(sandbox, { endpoint: `${await unreachable()}/planted-key?key=planted-key` }),
    );

    assertHoldsNone(await failure(tokens.getToken()), ["planted-key"]);
  });
});

describe("a user-supplied fetch", () => {
  const secretive = Object.assign(new Error("planted-message"), { cause: new Error("planted-cause") });
  const headers = new Headers();
  /** `faults/misbehaving.test.js` has what is not a Response. @type {[title: string, fetch: () => unknown, code: string][]} */
  const rows = [
    ["rejects", () => Promise.reject(secretive), "fetch_threw"],
    ["rejects with a system's code", () => Promise.reject({ code: "EHOSTUNREACH" }), "network"],
    ["rejects with another code", () => Promise.reject({ code: "planted-message" }), "fetch_threw"],
    ["returns null", () => null, "protocol"],
    ["returns a body that is a number", () => ({ status: 200, headers, body: 7 }), "protocol"],
    ["returns text that is a number", () => ({ status: 200, headers, text: () => 7 }), "protocol"],
    [
      "returns a body that fails",
      () => new Response(new ReadableStream({ pull: (it) => it.error(secretive) })),
      "fetch_threw",
    ],
    ["returns an opaque redirect", () => ({ status: 0, headers, text: () => "" }), "protocol"],
    ["returns bytes that are not text", () => new Response(new Uint8Array([0xff, 0xfe, 0x00])), "protocol"],
  ];
  for (const [title, fetch, code] of rows) {
    test(`that ${title} causes ${code}`, async (t) => {
      const sandbox = await sharedSandbox(t);
      const tokens = managerFor(t, fluz(sandbox, { fetch }));

      const error = await failure(tokens.getToken());

      assert.equal(error.code, code);
      assertHoldsNone(error, [...secretsOf(sandbox)]);
    });
  }

  test("that never settles times out in each attempt that `retry` allows", async (t) => {
    let asked = 0;
    const fetch = () => (asked++, new Promise(() => {}));
    const tokens = managerFor(t, fluz(await sharedSandbox(t), { fetch, timeoutMs: 20 }));

    const error = await failure(tokens.getToken());

    assert.deepEqual([error.code, error.attempts, asked], ["timeout", 3, 3]);
  });

  test("whose body never ends times out", async (t) => {
    const fetch = () => new Response(new ReadableStream());
    const options = { timeoutMs: 20, retry: { attempts: 1 } };
    const tokens = managerFor(t, fluz(await sharedSandbox(t), { fetch, ...options }));

    assert.equal((await failure(tokens.getToken())).code, "timeout");
  });

  test("may call the manager without a deadlock", async (t) => {
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

describe("Retry-After", () => {
  test("in seconds is respected", async (t) => {
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
});
