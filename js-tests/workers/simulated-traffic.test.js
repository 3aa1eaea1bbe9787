/**
 * Ten minutes of traffic with token lifetimes of eight seconds. The clock advances between requests, so that a slow
 * machine does not affect the result.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { claims } from "../support/setup.js";
import { ask, askBroker, DATES, SIMULATED_CLOCK, workerFor } from "./support.js";

const LIFETIME = 8_000;
const SPAN = 600_000;
const STEP = 1_000;
const START = 1_800_000_000_000;

/** Sends concurrent requests: from pages to the broker, and from the Worker to the API. */
const PATHS = ["/token", "/token", "/data", "/"];

for (const compatibilityDate of [DATES[0], DATES.at(-1)]) {
  test(`no request fails in ten minutes with tokens of 8 s, at ${compatibilityDate}`, async (t) => {
    let now = START;
    const worker = await workerFor(t, {
      compatibilityDate,
      imports: SIMULATED_CLOCK,
      sandbox: { lifetimes: { fluz: LIFETIME }, now: () => now },
    });

    let answered = 0;
    for (; now < START + SPAN; now += STEP) {
      const answers = await Promise.all(PATHS.map((path) => answerOf(worker, path, now)));
      for (const { path, status, text } of answers) {
        assert.equal(status, 200, `${path} at ${now - START} ms: ${text}`);
        if (path !== "/data") assert.ok(claims(text).exp * 1000 > now, `${path} answers with a valid token`);
      }
      answered += answers.length;
    }

    const lifetimes = SPAN / LIFETIME;
    const { grants, refreshes } = worker.sandbox.counts().fluz;
    const count = grants + refreshes;
    t.diagnostic(`${answered} requests, ${count} grants in ${lifetimes} lifetimes`);
    assert.ok(count >= lifetimes, `${count} grants: the clock does not count`);
    assert.ok(count <= 1.5 * lifetimes, `${count} grants in ${lifetimes} lifetimes`);
  });
}

/**
 * @param {{ url: URL }} worker
 * @param {string} path
 * @param {number} now
 */
async function answerOf(worker, path, now) {
  const asked = path === "/token" ? askBroker : ask;
  return { path, ...(await asked(worker, `${path}?now=${now}`)) };
}
