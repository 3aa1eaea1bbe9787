// Limited load on a failing provider.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, sandboxFor } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { failure } from "../support/waiting.js";
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
