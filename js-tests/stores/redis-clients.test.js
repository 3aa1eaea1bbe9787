// Kinds of Redis clients: of sentinels, of clusters, of pools, behind proxies, and unsupported ones.

import "../support/guard.js";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { redisStore } from "graphql-token-manager/stores/redis";
import { thrown, until } from "../support/waiting.js";
import {
  CLIENTS,
  clusterFor,
  redisFor,
  RedisServer,
  sentinelClient,
  sentinelFor,
  withoutSubscriptions,
} from "./redis-server.js";
import { eventually, lease, leaseInTime, soon, watched } from "./support.js";

/** @import { TestContext } from "node:test" */
/** @import { Store } from "./support.js" */

const require = createRequire(import.meta.url);

/**
 * Tests the operations of a holder: a lease, a write under it, a read, and a notice to the other.
 * @param {TestContext} t
 * @param {Store} one
 * @param {Store} other
 * @param {string} key
 */
async function testSharing(t, one, other, key) {
  const { changed, count, end } = watched(one, key);
  t.after(end);
  await changed;
  const before = count();

  const held = await lease(other, key);
  assert.equal(await one.acquire(key, 1_000), undefined);
  assert.equal(await other.set(key, "token", soon(), held.fence), true);
  assert.equal(await one.get(key), "token");
  await until(() => count() > before, "the change is reported");
  await held.release();
  assert.ok((await lease(one, key)).fence > held.fence);
  end();
}

// Each test has servers of its own, and mostly waits for them.
describe("a client of Redis", { concurrency: 4 }, () => {
  for (const name of ["redis", "redis-5", "ioredis", "ioredis-5"]) {
    test(`${name}: connects through a sentinel, also to the next primary`, async (t) => {
      const { replica, sentinel } = await sentinelFor(t);
      const plain = await sentinel.client(t, "redis");
      await eventually(async () => {
        const replicas = await plain.sendCommand(["SENTINEL", "REPLICAS", "primary"]);
        return /"master-link-status"[,:]"ok"/.test(JSON.stringify(replicas));
      });
      const [one, other] = [
        redisStore(await sentinelClient(t, name, sentinel)),
        redisStore(await sentinelClient(t, name, sentinel)),
      ];
      await testSharing(t, one, other, "key");

      await eventually(async () => {
        // No replica may be eligible yet.
        const asked = plain.sendCommand(["SENTINEL", "FAILOVER", "primary"]);
        return asked.then(
          () => true,
          () => false,
        );
      });
      await eventually(async () => {
        const [, port] = await plain.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "primary"]);
        return port === `${replica.port}`;
      });

      const { count, end } = watched(one, "another");
      t.after(end);
      await eventually(async () => {
        const held = await other.acquire("another", 60_000).catch(() => undefined);
        return (
          held !== undefined && (await other.set("another", "token", soon(), held.fence).catch(() => false))
        );
      });
      await eventually(async () => (await one.get("another").catch(() => undefined)) === "token");
      // Notified, or detected after the reconnect.
      await until(() => count() > 0, "the change is reported");
    });
  }

  for (const name of CLIENTS) {
    test(`${name}: works on a cluster of three nodes, whichever has the key`, async (t) => {
      const { server, clients } = await clusterFor(t, 3);
      const [one, other] = [
        redisStore(await server.clusterClient(t, name)),
        redisStore(await server.clusterClient(t, name)),
      ];

      for (let number = 0; number < 6; number += 1) await testSharing(t, one, other, `ke}{y ${number}`);

      const sizes = await Promise.all(clients.map((client) => client.sendCommand(["DBSIZE"])));
      assert.ok(sizes.filter((size) => Number(size) > 0).length > 1, `${sizes}`);
    });
  }

  for (const name of ["ioredis", "ioredis-5"]) {
    test(`${name}: works on a cluster with a prefix and reads from replicas`, async (t) => {
      const { server, client } = await clusterFor(t);
      const options = { keyPrefix: "service:", scaleReads: "all" };
      const [one, other] = [
        redisStore(await server.clusterClient(t, name, options)),
        redisStore(await server.clusterClient(t, name, options)),
      ];

      await testSharing(t, one, other, "key");

      const keys = await client.sendCommand(["KEYS", "*"]);
      assert.ok(
        keys.every((/** @type {string} */ key) => key.startsWith("service:graphql-token-manager:")),
        `${keys}`,
      );
    });
  }

  for (const name of ["redis", "redis-5"]) {
    test(`${name}: works with a pool`, async (t) => {
      const server = await redisFor(t);
      const poolFor = async () => {
        const pool = require(name).createClientPool({ url: server.url });
        pool.on("error", () => {});
        t.after(() => pool.destroy());
        return redisStore(await pool.connect());
      };

      await testSharing(t, await poolFor(), await poolFor(), "key");
    });
  }

  test("an unsuitable client is rejected when the store is created", async (t) => {
    const server = await redisFor(t);
    const ioredis = await server.client(t, "ioredis");
    // With RESP3, version 6 can send other commands as well.
    const subscriber = await server.client(t, "ioredis-5");
    await subscriber.subscribe("channel");
    const replica = new (require("ioredis"))({ role: "slave", lazyConnect: true });
    const legacy = require("redis-4").createClient({ legacyMode: true });
    for (const client of [
      undefined,
      null,
      {},
      "redis://127.0.0.1",
      Promise.resolve(ioredis),
      ioredis.pipeline(),
      ioredis.multi(),
      require("redis").createClient().multi(),
      subscriber,
      replica,
      legacy,
      // The interface of redis 3 and deno-redis.
      {
        sendCommand: async (/** @type {any} */ _name, /** @type {any} */ _words, /** @type {any} */ _done) =>
          "OK",
      },
    ]) {
      const error = thrown(() => redisStore(/** @type {any} */ (client)));
      assert.deepEqual([error.name, error.code], ["StoreError", "invalid_options"]);
    }
  });

  test("a client that proves unsuitable is rejected at its first use", async (t) => {
    const server = await redisFor(t);
    const callbacks = (await server.client(t, "redis-5")).legacy();
    // While subscribed, node-redis may send other commands with RESP3 only.
    const subscriber = await server.client(t, "redis-4");
    await subscriber.subscribe("channel", () => {});
    for (const client of [callbacks, subscriber]) {
      const store = redisStore(client);
      await assert.rejects(store.get("key"), { name: "StoreError", code: "invalid_options" });
      await assert.rejects(store.acquire("key", 1_000), { name: "StoreError", code: "invalid_options" });
    }
  });

  for (const name of CLIENTS) {
    test(`${name}: if the connection is closed at SUBSCRIBE, changes are detected by polling`, async (t) => {
      const server = await redisFor(t);
      const { port, subscriptions } = await withoutSubscriptions(t, server.port);
      const one = redisStore(await new RedisServer(port, []).client(t, name), { pollMs: 20 });
      const other = redisStore(await server.client(t, name));
      const begin = performance.now();
      const { changed, count, end } = watched(one, "key");
      t.after(end);

      await changed;
      const before = count();
      await other.set("key", "token", soon());
      await until(() => count() > before, "the change is found");

      // Three pauses of at least 250, 500 and 1,000 ms.
      await until(() => subscriptions() >= 4, "it tried again");
      assert.ok(performance.now() - begin > 1_700, `${performance.now() - begin} ms`);
    });
  }

  for (const name of CLIENTS) {
    test(`${name}: a lease whose release failed can be acquired again by its holder only`, async (t) => {
      const server = await redisFor(t);
      const plain = await server.client(t, "redis");
      const store = redisStore(await server.client(t, name));
      const other = redisStore(await server.client(t, name));
      const first = await lease(store, "key");

      // The state of the old primary after a failover.
      await plain.sendCommand(["REPLICAOF", "127.0.0.1", "1"]);
      await assert.rejects(first.release(), { code: "unavailable" });
      await plain.sendCommand(["REPLICAOF", "NO", "ONE"]);

      assert.equal(await other.acquire("key", 1_000), undefined);
      const second = await lease(store, "key");
      assert.ok(second.fence > first.fence);
      // The lease is held, although by this same holder.
      assert.equal(await store.acquire("key", 1_000), undefined);
      assert.equal(await other.acquire("key", 1_000), undefined);
      await second.release();
      await (await lease(other, "key")).release();
    });
  }

  test("a lease whose reply was lost can be acquired again by its holder only", async (t) => {
    const server = await redisFor(t);
    const client = await server.client(t, "redis");
    let loses = true;
    const losing = {
      sendCommand: async (/** @type {string[]} */ words) => {
        const reply = await client.sendCommand(words);
        if (loses) throw new Error("the connection was lost");
        return reply;
      },
    };
    const store = redisStore(losing);
    await assert.rejects(store.acquire("key", 60_000), { code: "unavailable" });
    loses = false;

    assert.equal(await redisStore(client).acquire("key", 1_000), undefined);
    await leaseInTime(store, "key");
    assert.equal(await store.acquire("key", 1_000), undefined);
  });
});
