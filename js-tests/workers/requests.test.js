/**
 * Concurrent requests of a Worker share state, but never I/O.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { DATES, LONG, ask, askBroker, grants, workerFor } from "./support.js";

// Each test has a Worker of its own, and mostly waits for delayed responses.
describe("a Worker", { concurrency: 3 }, () => {
  for (const compatibilityDate of DATES) {
    test(`fifty requests at a cold start share one grant, at ${compatibilityDate}`, async (t) => {
      const worker = await workerFor(t, { compatibilityDate, extra: LONG });
      worker.sandbox.fault({ kind: "delay", ms: 300, times: 1 });

      const answers = await Promise.all(Array.from({ length: 50 }, () => ask(worker)));

      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]), answers[0].text);
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
      assert.equal(grants(worker.sandbox), 1);
    });

    test(`fifty pages at a cold start of a broker share one grant, at ${compatibilityDate}`, async (t) => {
      const worker = await workerFor(t, { compatibilityDate, extra: LONG });
      worker.sandbox.fault({ kind: "delay", ms: 300, times: 1 });

      const answers = await Promise.all(Array.from({ length: 50 }, () => askBroker(worker)));

      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]), answers[0].text);
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
      assert.equal(grants(worker.sandbox), 1);
    });

    test(`requests and sessions succeed after rejections and retries, at ${compatibilityDate}`, async (t) => {
      const worker = await workerFor(t, {
        compatibilityDate,
        extra: `${LONG}, retry: { baseMs: 50, maxMs: 100 }`,
      });
      worker.sandbox.fault({ kind: "status", status: 503, times: 1 });

      const first = await Promise.all([ask(worker), ask(worker, "/data"), ask(worker)]);
      worker.sandbox.revoke();
      const second = await Promise.all([ask(worker, "/data"), ask(worker, "/data"), ask(worker, "/data")]);
      const others = await Promise.all(
        ["PURCHASE_GIFTCARD", "MAKE_DEPOSIT"].map((scope) => ask(worker, `/other?scope=${scope}`)),
      );

      for (const { status, text } of [...first, ...second, ...others]) assert.equal(status, 200, text);
      assert.equal(new Set(others.map(({ text }) => text)).size, 2);
    });

    test(`a call in module scope, where the host has no timers, does not affect requests, at ${compatibilityDate}`, async (t) => {
      const statements = `for (const call of [() => tokens.getToken(), () => tokens.request("{ __typename }")])
      call().catch((error) => events.push(error.code));`;
      const worker = await workerFor(t, { compatibilityDate, statements });

      const answers = await Promise.all([ask(worker), ask(worker), ask(worker, "/data")]);

      for (const { status, text } of answers) assert.equal(status, 200, text);
      const { events } = JSON.parse((await ask(worker, "/status")).text);
      assert.deepEqual(events, ["unsupported", "unsupported", "initial"]);
    });

    test(`after a sign-out in one request, pending calls of others receive a later token, at ${compatibilityDate}`, async (t) => {
      const worker = await workerFor(t, { compatibilityDate, extra: LONG });
      const first = await ask(worker);
      worker.sandbox.fault({ kind: "delay", ms: 2 * TEST_TIMEOUT_MS, times: 1 });

      const cleared = await ask(worker, "/clear");
      const waiting = [ask(worker), ask(worker)];
      const again = await ask(worker, "/clear");
      const answers = await Promise.all(waiting);

      for (const { status, text } of [cleared, again, ...answers]) assert.equal(status, 200, text);
      assert.equal(answers[0]?.text, answers[1]?.text);
      assert.notEqual(answers[0]?.text, first.text);
    });

    test(`a sign-out waits for the leases of all sessions, at ${compatibilityDate}`, async (t) => {
      const imports = `
      const denied = new Set();
      const entries = new Map();
      const store = {
        get: (key) => entries.get(key),
        set: (key, value) => void entries.set(key, value),
        delete: (key) => void entries.delete(key),
        acquire: async (key) => {
          if (globalThis.now !== 1 || denied.has(key)) return { fence: 1, release: async () => {} };
          denied.add(key);
          return undefined;
        },
      };`;
      const worker = await workerFor(t, { compatibilityDate, extra: `${LONG}, store`, imports });
      await Promise.all([ask(worker), ask(worker, "/other?scope=MAKE_DEPOSIT")]);

      const { status, text } = await ask(worker, "/clear?now=1");

      assert.equal(`${status} ${text}`, "200 cleared");
    });

    test(`closing a manager in one request rejects pending calls of others, at ${compatibilityDate}`, async (t) => {
      const worker = await workerFor(t, { compatibilityDate, extra: LONG });
      worker.sandbox.fault({ kind: "delay", ms: 2 * TEST_TIMEOUT_MS, times: 1 });

      const waiting = [ask(worker), ask(worker)];
      const closed = await ask(worker, "/close");
      const answers = await Promise.all(waiting);

      assert.equal(closed.status, 200, closed.text);
      for (const { status, text } of answers) assert.equal(`${status} ${text.split(":")[0]}`, "500 closed");
    });
  }
});
