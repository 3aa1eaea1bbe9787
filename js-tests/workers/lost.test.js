/**
 * Requests of a Worker that end while others wait for their I/O.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DATES, LONG, ask, grants, workerFor } from "./support.js";

for (const compatibilityDate of DATES) {
  test(`the grant of a request that has ended is taken over, at ${compatibilityDate}`, async (t) => {
    const worker = await workerFor(t, { compatibilityDate, extra: LONG });
    worker.sandbox.fault({ kind: "delay", ms: 700, times: 1 });

    assert.equal((await ask(worker, "/leave")).text, "left");
    const answers = await Promise.all([ask(worker), ask(worker), ask(worker)]);

    for (const { status, text } of answers) assert.equal(status, 200, text);
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    assert.ok(grants(worker.sandbox) <= 2);
  });

  test(`a client that leaves during the first grant harms no other, at ${compatibilityDate}`, async (t) => {
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

test("a refresh goes on after the response where `waitUntil` is given", async (t) => {
  const worker = await workerFor(t, {
    sandbox: { lifetimes: { fluz: 60_000 } },
    imports: 'import { waitUntil } from "cloudflare:workers";',
    extra: "waitUntil, refreshWindow: 0.9",
  });
  const first = await ask(worker);
  const status = async () => JSON.parse((await ask(worker, "/status")).text);
  while ((await status()).state !== "refresh-due") await new Promise((resolve) => setTimeout(resolve, 100));
  worker.sandbox.fault({ kind: "delay", ms: 1_000, times: 1 });

  const during = await ask(worker);

  assert.equal(during.text, first.text, "the token held is handed out at once");
  // Nothing else requests a token or waits for one.
  while ((await status()).events.length < 2) await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual((await status()).events, ["initial", "proactive"]);
  assert.equal(grants(worker.sandbox), 2);
});
