// Whole programs with a Redis store, which must not keep them running.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { run } from "../support/child.js";
import { CLIENTS, redisFor, withoutSubscriptions } from "./redis-server.js";

/**
 * Watches a key, waits for one notice, and closes its own client; with `given.pause`, it first waits until the
 * subscription is about to be retried. Timers that keep the process running afterwards are printed on standard error.
 */
const PROGRAM = `
  import { createRequire } from "node:module";
  import { redisStore } from "graphql-token-manager/stores/redis";
  const pending = new Map();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  globalThis.setTimeout = (callback, delay, ...rest) => {
    const goOff = (...args) => (pending.delete(timer), callback(...args));
    const timer = set(goOff, delay, ...rest);
    // Two seconds are what ioredis gives a connection to close.
    if (delay >= 100 && delay !== 2_000) pending.set(timer, delay);
    return timer;
  };
  globalThis.clearTimeout = (timer) => (pending.delete(timer), clear(timer));
  const module = createRequire(process.cwd() + "/")(given.name);
  const isIoredis = given.name.startsWith("ioredis");
  const client = isIoredis ? new module(given.url) : module.createClient({ url: given.url });
  client.on("error", () => {});
  if (!isIoredis) await client.connect();
  const store = redisStore(client, { pollMs: given.pollMs });
  await new Promise((resolve) => store.watch("key", resolve));
  await store.set("key", "token", Date.now() + 60_000);
  await client.quit();
  await new Promise(setImmediate);
  while (given.pause && pending.size === 0) await new Promise((resolve) => set(resolve, 1));
  console.log("quit");
  for (const [timer, delay] of pending) if (timer.hasRef()) console.error("held by a timer of " + delay + " ms");`;

describe("a program that watches a store exits after it closed its client", { concurrency: 2 }, () => {
  for (const name of CLIENTS) {
    test(`${name}, while subscribed`, async (t) => {
      const { url } = await redisFor(t);

      const { status, stdout, stderr } = await run(PROGRAM, { given: { name, url, pollMs: 60_000 } });

      assert.deepEqual([status, stdout, stderr], [0, "quit\n", ""]);
    });

    test(`${name}, while polling because subscriptions are closed`, async (t) => {
      const server = await redisFor(t);
      const { port } = await withoutSubscriptions(t, server.port);
      const url = `redis://127.0.0.1:${port}`;

      const { status, stdout, stderr } = await run(PROGRAM, {
        given: { name, url, pollMs: 20, pause: true },
      });

      assert.deepEqual([status, stdout, stderr], [0, "quit\n", ""]);
    });
  }
});
