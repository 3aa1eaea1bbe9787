// Limited load on a failing provider.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, sandboxFor } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { failure, next } from "../support/waiting.js";
import { APIS, NAMES, RETRY, asked } from "./providers.js";

/** @import { FaultSpec } from "graphql-token-manager/testing" */

const HOUR = 3_600_000;

describe("ten thousand calls against a provider that", () => {
  for (const [title, fault, requests] of /** @type {[string, FaultSpec, number][]} */ ([
    ["is out of order", { kind: "status", status: 503 }, 3],
    ["cuts connections", { kind: "drop" }, 3],
    ["asks for fewer requests", { kind: "status", status: 429 }, 3],
    ["asks to be left alone for an hour", { kind: "status", status: 429, retryAfter: 3_600 }, 1],
    ["refuses the credentials", { kind: "status", status: 401 }, 1],
    ["answers with pages", { kind: "html" }, 3],
  ])) {
    test(`${title} cost it ${requests} requests, and all get one error`, async (t) => {
      const sandbox = await sandboxFor(t);
      sandbox.fault(fault);
      await Promise.all(
        NAMES.map(async (name) => {
          const tokens = managerFor(t, APIS[name].options(sandbox, { retry: RETRY }));
          const half = name === "fluz" ? 5_000 : 500;

          const together = Array.from({ length: half }, () => failure(tokens.getToken()));
          const errors = new Set(await Promise.all(together));
          const codes = new Set();
          for (let call = 0; call < half; call++) {
            codes.add((await failure(tokens.getToken())).code);
            if (call % 100 === 0) assert.equal(asked(sandbox, name).length, requests);
          }

          assert.equal(errors.size, 1);
          assert.deepEqual([...codes], [[...errors][0]?.code]);
          assert.equal(asked(sandbox, name).length, requests);
          assert.equal(tokens.status().failures, 1);
        }),
      );
    });
  }

  test("is out of order for an hour of calls cost it a request or three a minute", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now });
    sandbox.fault({ kind: "status", status: 503 });
    const tokens = managerFor(t, APIS.fluz.options(sandbox, { retry: RETRY }));

    for (let second = 0; second < 3_600; second++) {
      await failure(tokens.getToken());
      clock.advance(1_000);
    }

    // After 5, 10, 20, 40 and then every 60 seconds, with three attempts each.
    const flights = sandbox.requests().length / 3;
    assert.ok(flights >= 60 && flights <= 66, `${flights}`);
  });
});

describe("a long Retry-After", () => {
  for (const [title, retryAfter] of /** @type {[string, (now: number) => number | string][]} */ ([
    ["in seconds", () => 3_600],
    ["as an HTTP-date", (now) => new Date(now + HOUR).toUTCString()],
  ])) {
    test(`${title} rejects callers at once, tells how long, and neither calls nor the timer ask before`, async (t) => {
      const clock = simulatedTime(t);
      const sandbox = await sandboxFor(t, { now: clock.now });
      await Promise.all(
        NAMES.map(async (name) => {
          const tokens = managerFor(t, APIS[name].options(sandbox));
          const end = sandbox.fault({
            kind: "status",
            status: 503,
            retryAfter: retryAfter(clock.now()),
            provider: name,
          });

          const error = await failure(tokens.getToken());
          end();

          assert.equal(error.code, "rate_limited");
          assert.ok(Math.abs(Number(error.retryAfterMs) - HOUR) < 2_500, `${error.retryAfterMs}`);
          assert.equal(asked(sandbox, name).length, 1);
          assert.equal((await failure(tokens.getToken())).code, "rate_limited");
          return tokens;
        }),
      ).then(async (managers) => {
        clock.advance(HOUR - 10_000);
        for (const tokens of managers) {
          const { code, retryAfterMs } = await failure(tokens.getToken());
          assert.equal(code, "rate_limited");
          assert.ok(Number(retryAfterMs) > 5_000 && Number(retryAfterMs) < 15_000, `${retryAfterMs}`);
        }
        assert.equal(sandbox.requests().length, NAMES.length);
        clock.advance(13_000);
        for (const tokens of managers) assert.equal(typeof (await tokens.getToken()), "string");
      });
    });
  }

  test("while a token is held is no concern of callers, and puts the timer off", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 2 * HOUR } });
    const tokens = managerFor(t, APIS.fluz.options(sandbox, { lifetimeMs: 2 * HOUR, refreshWindow: 0.9 }));
    const held = await tokens.getToken();
    sandbox.fault({ kind: "status", status: 429, retryAfter: 7_000 });

    await failure(tokens.refresh());

    assert.equal(await tokens.getToken(), held);
    assert.ok(Number(tokens.status().refreshAt) - Date.now() > 6_900_000);
  });

  for (const retryAfter of ["Thu, 01 Jan 2015 00:00:00 GMT", "soon", "-1", "1e9", 0]) {
    test(`of ${JSON.stringify(retryAfter)} is none`, async (t) => {
      const sandbox = await sandboxFor(t);
      const tokens = managerFor(t, APIS.toggle.options(sandbox, { retry: RETRY }));
      sandbox.fault({ kind: "status", status: 429, retryAfter, times: 1 });
      const retry = next(tokens, "retry");

      assert.equal(typeof (await tokens.getToken()), "string");
      assert.ok((await retry).delayMs <= RETRY.maxMs);
    });
  }
});

test("attempts and pauses are bounded in all: a hundred attempts of a millisecond end", async (t) => {
  const sandbox = await sandboxFor(t);
  sandbox.fault({ kind: "drop" });
  const tokens = managerFor(
    t,
    APIS.braintree.options(sandbox, { retry: { attempts: 100, baseMs: 1, maxMs: 2 } }),
  );

  const error = await failure(tokens.getToken());

  assert.deepEqual([error.code, error.attempts, sandbox.requests().length], ["network", 100, 100]);
});
