// Failover of Redis to its replica, with each of the clients.

import "../support/guard.js";
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { redisStore } from "graphql-token-manager/stores/redis";
import { listening, portOf } from "../support/server.js";
import { until } from "../support/waiting.js";
import { CLIENTS, redisFor, RedisServer } from "./redis-server.js";
import { eventually, lease, leaseInTime, soon, watched } from "./support.js";

/** @import { TestContext } from "node:test" */

for (const name of CLIENTS) {
  test(`${name}: a failover to a replica preserves the order of fences, even if the last lease was not replicated`, async (t) => {
    // A new replica does not wait for others.
    const primary = await redisFor(t, "--repl-diskless-sync-delay", "0");
    const replica = await redisFor(t);
    const address = await addressFor(t, primary.port);
    const own = await replica.client(t, "redis");
    await own.sendCommand(["REPLICAOF", "127.0.0.1", `${primary.port}`]);
    await eventually(async () =>
      /master_link_status:up/.test(await own.sendCommand(["INFO", "replication"])),
    );
    const store = redisStore(await address.client(t, name), { pollMs: 60_000 });
    const watcher = redisStore(await address.client(t, name));
    const { changed, count, end } = watched(watcher, "key");
    t.after(end);
    await changed;
    const before = count();
    const first = await lease(store, "key");
    await store.set("key", "token", soon(), first.fence);
    await eventually(
      async () => (await own.sendCommand(["EXISTS", "graphql-token-manager:{key}:token"])) === 1,
    );
    await first.release();
    // From here on, the replica receives no updates.
    await own.sendCommand(["REPLICAOF", "NO", "ONE"]);
    const second = await lease(store, "key");
    await store.set("key", "only on the old one", soon(), second.fence);

    address.moveTo(replica.port);
    await primary.stop();

    await eventually(async () => (await store.get("key").catch(() => undefined)) === "token");
    const third = await leaseInTime(store, "key");
    assert.ok(first.fence < second.fence && second.fence < third.fence);
    assert.equal(await store.set("key", "late", soon(), second.fence), false);
    const reported = count();
    assert.equal(await store.set("key", "again", soon(), third.fence), true);
    await eventually(async () => (await watcher.get("key").catch(() => undefined)) === "again");
    await until(() => count() > Math.max(before, reported), "the change is reported");
  });
}

/**
 * Returns a fixed address of a replaceable server, as clients see a failover.
 * @param {TestContext} t
 * @param {number} port
 */
async function addressFor(t, port) {
  let target = port;
  /** @type {Set<import("node:net").Socket>} */
  const sockets = new Set();
  const proxy = createServer((socket) => {
    const behind = connect(target, "127.0.0.1");
    for (const [one, other] of [
      [socket, behind],
      [behind, socket],
    ]) {
      sockets.add(/** @type {import("node:net").Socket} */ (one));
      one?.pipe(/** @type {import("node:net").Socket} */ (other));
      one?.on("error", () => {});
      one?.on("close", () => other?.destroy());
    }
  });
  await listening(t, proxy);
  const cut = () => sockets.forEach((socket) => socket.destroy());
  t.after(cut);
  const server = new RedisServer(portOf(proxy), []);
  return {
    client: server.client.bind(server),
    /** @param {number} next */
    moveTo: (next) => {
      target = next;
      cut();
    },
  };
}
