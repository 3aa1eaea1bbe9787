/**
 * Requests of a Worker that end while others wait for their I/O.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { until } from "../support/waiting.js";
import { DATES, LONG, ask, grants, workerFor } from "./support.js";

/** Lifetime of the token, long enough that it does not expire during the test on a busy machine. */
const LIFETIME = 60_000;

/**
 * A store in the memory of the isolate, each of whose operations takes a timer of the request that calls it. Leases last
 * for as long as a manager asks, which is longer than the tests wait.
 */
const STORE = `
  const entries = new Map();
  globalThis.leases = new Map();
  globalThis.replyMs = 0;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const store = {
    get: async (key) => (await pause(1), entries.get(key)),
    set: async (key, value) => (await pause(1), entries.set(key, value), true),
    delete: async (key) => (await pause(1), entries.delete(key)),
    async acquire(key) {
      await pause(1);
      if (leases.has(key)) return undefined;
      const lease = { fence: Date.now(), release: async () => (await pause(100), leases.delete(key)) };
      leases.set(key, lease);
      await pause(replyMs);
      return lease;
    },
  };
`;

// Each test has a Worker of its own, and mostly waits for delayed responses.
describe("a Worker", { concurrency: 3 }, () => {
  for (const compatibilityDate of DATES) {
    test(`the grant of an ended request is replaced, at ${compatibilityDate}`, async (t) => {
      const worker = await workerFor(t, { compatibilityDate, extra: LONG });
      worker.sandbox.fault({ kind: "delay", ms: 700, times: 1 });

      assert.equal((await ask(worker, "/leave")).text, "left");
      const answers = await Promise.all([ask(worker), ask(worker), ask(worker)]);

      for (const { status, text } of answers) assert.equal(status, 200, text);
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
      assert.ok(grants(worker.sandbox) <= 2);
    });

    test(`a client that disconnects during the first grant does not affect others, at ${compatibilityDate}`, async (t) => {
      const worker = await workerFor(t, { compatibilityDate, extra: LONG });
      worker.sandbox.fault({ kind: "delay", ms: 1_000, times: 1 });
      const leaving = new AbortController();

      const left = ask(worker, "/", { signal: leaving.signal }).catch(({ name }) => name);
      const waiting = [ask(worker), ask(worker)];
      leaving.abort();
      assert.equal(await left, "AbortError");

      for (const { status, text } of [...(await Promise.all(waiting)), await ask(worker)]) {
        assert.equal(status, 200, text);
      }
    });
  }

  test("a refresh continues after the response if `waitUntil` is set", async (t) => {
    const worker = await workerFor(t, {
      sandbox: { lifetimes: { fluz: LIFETIME } },
      imports: 'import { waitUntil } from "cloudflare:workers";',
      extra: "waitUntil, refreshWindow: 0.9",
    });
    const first = await ask(worker);
    const status = async () => JSON.parse((await ask(worker, "/status")).text);
    // A second after the grant, the manager's rate limit allows another one ahead of expiry.
    const isDue = async () => {
      const { state, expiresInMs } = await status();
      return state === "refresh-due" && expiresInMs < LIFETIME - 2_000;
    };
    await until(isDue, "the refresh is due");
    worker.sandbox.fault({ kind: "delay", ms: 1_000, times: 1 });

    const during = await ask(worker);

    assert.equal(during.text, first.text, "the cached token is returned at once");
    // Nothing else requests a token or waits for one.
    await until(async () => (await status()).events.length >= 2, "the token is refreshed");
    assert.deepEqual((await status()).events, ["initial", "proactive"]);
    assert.equal(grants(worker.sandbox), 2);
  });

  for (const compatibilityDate of [DATES[0], DATES.at(-1)]) {
    test(`a request lasts until it has released its lease, at ${compatibilityDate}`, async (t) => {
      const worker = await workerFor(t, { compatibilityDate, imports: STORE, extra: "store" });

      const first = await ask(worker);
      await ask(worker, "/invalidate");
      const second = await ask(worker);

      assert.deepEqual([first.status, second.status], [200, 200], `${first.text} ${second.text}`);
      assert.notEqual(first.text, second.text);
      const { leases } = JSON.parse((await ask(worker, "/status")).text);
      assert.equal(leases, 0);
    });

    test(`a lease granted to an ended request does not block others, at ${compatibilityDate}`, async (t) => {
      const worker = await workerFor(t, {
        compatibilityDate,
        imports: `${STORE} globalThis.replyMs = ${10 * TEST_TIMEOUT_MS};`,
        extra: `store, storeTimeoutMs: ${10 * TEST_TIMEOUT_MS}, ${LONG}`,
      });

      assert.equal((await ask(worker, "/leave")).text, "left");
      const answers = await Promise.all([ask(worker), ask(worker)]);

      for (const { status, text } of answers) assert.equal(status, 200, text);
      const { leases } = JSON.parse((await ask(worker, "/status")).text);
      assert.equal(leases, 1, "the lease of the ended request is still held");
    });
  }
});
