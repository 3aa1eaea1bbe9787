// Machines that share a Redis server, with each of the clients.

import "../support/guard.js";
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { after, describe, test } from "node:test";
import { redisStore } from "graphql-token-manager/stores/redis";
import { Redis } from "ioredis";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import { until } from "../support/waiting.js";
import { testConformance } from "./conformance.js";
import { CLIENTS, redisFor } from "./redis-server.js";
import { eventually, holderFor, lease, leaseInTime, soon, stopHolder, watched } from "./support.js";

/** @import { TestContext } from "node:test" */

/** Registers cleanup after all tests of the file. */
const file = { after: /** @type {TestContext["after"]} */ (after) };
const server = await redisFor(file);

/** Sends a command. @param {...string} words */
const command = async (...words) => (await asking).sendCommand(words);
const asking = server.client(file, "redis");

/**
 * @param {TestContext} t
 * @param {string} name
 * @param {Record<string, unknown>} [options]
 */
async function storeFor(t, name, options) {
  return redisStore(await server.client(t, name), { prefix: `${t.name}:`, ...options });
}

for (const name of CLIENTS) {
  describe(`${name}: the store contract`, async () => {
    const clients = [server.client(file, name), server.client(file, name)];
    let opened = 0;
    testConformance(async () => {
      opened += 1;
      return redisStore(/** @type {any} */ (await clients[opened % 2]), { prefix: `${name}:` });
    });
  });

  test(`${name}: a flushed database preserves the order of fences, and an earlier late write is rejected`, async (t) => {
    const store = await storeFor(t, name);
    const first = await lease(store, "key");
    await store.set("key", "token", soon(), first.fence);

    await command("FLUSHALL");
    assert.equal(await store.get("key"), undefined);
    const second = await lease(store, "key");

    assert.ok(second.fence > first.fence);
    assert.equal(await store.set("key", "late", soon(), first.fence), false);
    await command("FLUSHALL");
    assert.equal(await store.set("key", "token", soon(), second.fence), true);
    assert.equal(await store.set("key", "late", soon(), first.fence), false);
  });

  test(`${name}: after an outage the store continues, and reports missed changes`, async (t) => {
    const own = await redisFor(t);
    const store = redisStore(await own.client(t, name), { pollMs: 60_000 });
    const { changed, count, end } = watched(store, "key");
    t.after(end);
    await changed;
    const before = count();
    const first = await lease(store, "key");

    await own.stop();
    const waiting = store.get("key").catch(() => undefined);
    await own.start();
    const other = redisStore(await own.client(t, name));
    await other.set("key", "token", soon());

    await waiting;
    await until(() => count() > before, "the change is reported");
    await eventually(async () => (await store.get("key").catch(() => undefined)) === "token");
    assert.ok((await leaseInTime(store, "key")).fence > first.fence);
  });
}

test("the types of the clients are accepted", () => {
  const lazy = new Redis({ lazyConnect: true });

  const sentinel = createSentinel({ name: "primary", sentinelRootNodes: [{ host: "127.0.0.1", port: 1 }] });
  for (const client of [
    createClient(),
    createClientPool(),
    createCluster({ rootNodes: [] }),
    sentinel,
    lazy,
  ]) {
    assert.equal(typeof redisStore(client).acquire, "function");
  }
});

test("an entry and a lease expire in the server, a fence much later", async (t) => {
  const store = await storeFor(t, "redis");
  const held = await lease(store, "key", 5_000);
  await store.set("key", "token", Date.now() + 7_000, held.fence);

  const left = async (/** @type {string} */ of) => Number(await command("PTTL", `${t.name}:{key}:${of}`));

  assert.ok((await left("lease")) > 3_000 && (await left("lease")) <= 5_000);
  assert.ok((await left("token")) > 5_000 && (await left("token")) <= 7_000);
  assert.ok((await left("fence")) > 24 * 3_600_000);
});

test("malformed values are missing, do not block, and are replaced", async (t) => {
  const store = await storeFor(t, "ioredis");
  const key = (/** @type {string} */ of) => `${t.name}:{key}:${of}`;
  const malformed = [
    ["SET", "x"],
    ["SET", `1:${"x".repeat(1024 * 1024 + 1)}`],
    ["LPUSH", "x"],
    ["SADD", "x"],
  ];
  for (const [verb, ...words] of malformed) {
    for (const of of ["token", "lease", "fence"]) {
      await command("DEL", key(of));
      await command(`${verb}`, key(of), ...words);
    }

    assert.equal(await store.get("key"), undefined);
    const held = await lease(store, "key");
    assert.equal(await store.set("key", "token", soon(), held.fence), true);
    assert.equal(await store.get("key"), "token");
    await held.release();
  }
});

test("errors contain neither the value nor the command", async (t) => {
  for (const name of CLIENTS) {
    const own = await redisFor(t, "--maxmemory", "1");
    const client = await own.client(t, name);
    const store = redisStore(client);

    const error = await store.set("key", "a-secret-token", soon()).catch((error) => error);

    assert.deepEqual([error.name, error.code], ["StoreError", "full"], name);
    const shown = inspect(error, { depth: Infinity, showHidden: true });
    assert.doesNotMatch(shown, /a-secret-token/, name);
  }
  assert.throws(() => redisStore(/** @type {any} */ ({})), { code: "invalid_options" });
  assert.throws(() => redisStore(SILENT, { prefix: "{}" }), { code: "invalid_options" });
});

/** A minimal valid client, for tests of other invalid options. */
const SILENT = { call: async () => null };

test("without a separate connection for subscriptions, changes are detected by polling", async (t) => {
  const client = await server.client(t, "redis");
  const sendCommand = (/** @type {string[]} */ words) => client.sendCommand(words);
  const prefix = `${t.name}:`;
  const store = redisStore({ sendCommand }, { prefix, pollMs: 20 });
  const other = redisStore(client, { prefix });
  const { changed, count, end } = watched(store, "key");
  t.after(end);
  await changed;
  const before = count();

  await store.set("key", "own", soon());
  await other.set("other", "token", soon());
  await other.set("key", "token", soon());

  await until(() => count() > before, "the change is reported");
  assert.equal(count(), before + 1);
});

test("while a server does not reply, no more polls are sent than are answered", async () => {
  let sent = 0;
  /** @type {(reply: unknown) => void} */
  let reply = () => {};
  const sendCommand = () => {
    sent += 1;
    return new Promise((resolve) => (reply = resolve));
  };
  const polls = fakeIntervals();
  const store = redisStore({ sendCommand });
  const end = store.watch?.("key", () => {});
  polls.restore();

  polls.tick();
  polls.tick();
  assert.equal(sent, 1);
  reply(null);
  await new Promise((resolve) => setImmediate(resolve));
  polls.tick();
  assert.equal(sent, 2);
  end?.();
});

/** Replaces `setInterval` until `restore` is called; `tick` calls the callbacks that were set meanwhile. */
function fakeIntervals() {
  const real = globalThis.setInterval;
  /** @type {(() => void)[]} */
  const callbacks = [];
  globalThis.setInterval = /** @type {any} */ (
    (/** @type {() => void} */ callback) => {
      callbacks.push(callback);
      return real(() => {}, 2 ** 31 - 1).unref();
    }
  );
  return {
    tick: () => callbacks.forEach((callback) => callback()),
    restore: () => void (globalThis.setInterval = real),
  };
}

test("own changes are not reported, nor are those of another key", async (t) => {
  for (const name of CLIENTS) {
    const prefix = `${t.name}:${name}:`;
    const store = redisStore(await server.client(t, name), { prefix });
    const other = redisStore(await server.client(t, name), { prefix });
    const { changed, count, end } = watched(store, "key");
    t.after(end);
    await changed;
    const before = count();

    await store.set("key", "own", soon());
    await store.delete("key");
    await other.set("another", "token", soon());
    await other.set("key", "token", soon());
    await until(() => count() > before, "the change is reported");

    // Notices arrive in order.
    assert.equal(count(), before + 1, name);
  }
});

test("clients that may not publish or subscribe still share", async (t) => {
  await command("ACL", "SETUSER", "mute", "on", "nopass", "~*", "resetchannels", "+@all", "-subscribe");
  for (const name of CLIENTS) {
    const client = await server.client(t, name, { username: "mute", password: "any" });
    const prefix = `${t.name}:${name}:`;
    const store = redisStore(client, { prefix, pollMs: 20 });
    const { changed, end } = watched(store, "key");
    t.after(end);

    assert.equal(await store.set("key", "token", soon()), true, name);
    const other = redisStore(await server.client(t, name), { prefix });
    await other.set("key", "other", soon());

    await changed;
  }
});

test("a client with a key prefix or binary replies works", async (t) => {
  const prefixed = redisStore(await server.client(t, "ioredis", { keyPrefix: "service:" }), {
    prefix: t.name,
  });
  const other = redisStore(await server.client(t, "ioredis", { keyPrefix: "service:" }), { prefix: t.name });
  const { changed, count, end } = watched(prefixed, "key");
  t.after(end);
  await changed;
  const before = count();
  const held = await lease(other, "key");
  await other.set("key", "token", soon(), held.fence);
  await until(() => count() > before, "the change is reported");
  assert.equal(await prefixed.get("key"), "token");
  assert.equal(Number(await command("EXISTS", `service:${t.name}{key}:token`)), 1);

  const bytes = await server.client(t, "redis", { commandOptions: { typeMapping: { 36: Buffer } } });
  const store = redisStore(bytes, { prefix: `${t.name}bytes:` });
  const { fence, release } = await lease(store, "key");
  assert.equal(await store.set("key", "tökén", soon(), fence), true);
  assert.equal(await store.get("key"), "tökén");
  await release();
  assert.ok((await lease(store, "key")).fence > fence);
});

test("a lease that was granted too late to be used is released", async (t) => {
  const own = await redisFor(t);
  const store = redisStore(await own.client(t, "redis"));
  own.signal("SIGSTOP");

  const asked = store.acquire("key", 50);
  await new Promise((resolve) => setTimeout(resolve, 80));
  own.signal("SIGCONT");

  assert.equal(await asked, undefined);
});

test("eight processes count under the lease, while holders are killed, and no increment is lost", async (t) => {
  const own = await redisFor(t);
  const place = /** @type {const} */ ({ kind: "redis", url: own.url });
  const holders = await Promise.all(Array.from({ length: 8 }, () => holderFor(t, place)));
  const store = redisStore(await own.client(t, "ioredis"));
  const killed = holders.splice(0, 2);

  const counting = holders.map((holder) => holder.do("count", "key", 20));
  for (const holder of killed) {
    await holder.do("acquireInTime", "key", 300);
    await holder.kill("SIGKILL");
  }
  const fences = (await Promise.all(counting)).flat();

  assert.equal(await store.get("key"), "120");
  assert.equal(new Set(fences).size, 120);
});

test("a stopped process loses its lease when it expires, and its late write is rejected", async (t) => {
  const own = await redisFor(t);
  await stopHolder(t, { kind: "redis", url: own.url }, redisStore(await own.client(t, "redis")));
});
