/**
 * Steady traffic of a Worker with token lifetimes of seconds, which `simulated-traffic.test.js` has in simulated time.
 * `WORKERS_TRAFFIC_MS=600000` runs it for ten minutes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, askBroker, grants, workerFor } from "./support.js";

const LIFETIME = 8_000;
const SPAN = Number(process.env.WORKERS_TRAFFIC_MS ?? 26_000);

for (const [compatibilityDate, asked] of /** @type {[string, typeof askBroker][]} */ ([
  ["2023-01-01", ask],
  ["2026-04-01", askBroker],
])) {
  test(`no request fails with tokens of 8 s, at ${compatibilityDate}, by ${asked.name}()`, async (t) => {
    const worker = await workerFor(t, { compatibilityDate, sandbox: { lifetimes: { fluz: LIFETIME } } });
    const startedAt = performance.now();
    /** @type {Promise<{ status: number, text: string }>[]} */
    const answers = [];
    while (performance.now() < startedAt + SPAN) {
      answers.push(asked(worker));
      if (answers.length % 5 === 0) answers.push(asked(worker), asked(worker));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }

    for (const { status, text } of await Promise.all(answers)) assert.equal(status, 200, text);
    const lifetimes = (performance.now() - startedAt) / LIFETIME;
    const count = grants(worker.sandbox);
    t.diagnostic(`${answers.length} requests, ${count} grants in ${lifetimes.toFixed(1)} lifetimes`);
    assert.ok(count >= Math.floor(lifetimes), `${count} grants: no refresh was crossed`);
    assert.ok(count <= 1.5 * lifetimes + 1, `${count} grants in ${lifetimes} lifetimes`);
  });
}
