// Each change that another holder announces is read, even with a slow store.
//
// `REFRESHES=1000 node --test js-tests/stores/notices.test.js` sets the number of refreshes.

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { redisStore } from "graphql-token-manager/stores/redis";
import { listening, portOf } from "../support/server.js";
import { fluz, managerFor, sandboxFor } from "../support/setup.js";
import { until } from "../support/waiting.js";
import { CLIENTS, redisFor, RedisServer } from "./redis-server.js";

/** @import { TestContext } from "node:test" */

const REFRESHES = Number(process.env.REFRESHES ?? 25);

for (const name of CLIENTS) {
  test(`${name}: of ${REFRESHES} refreshes over a slow connection, none is missed`, async (t) => {
    const sandbox = await sandboxFor(t);
    const server = await redisFor(t);
    const slow = new RedisServer(await slowAddress(t, server.port), []);
    const writer = managerFor(t, fluz(sandbox, { store: redisStore(await server.client(t, name)) }));
    const reader = managerFor(t, fluz(sandbox, { store: redisStore(await slow.client(t, name)) }));
    await writer.getToken();
    await reader.getToken();

    let missed = 0;
    for (let refresh = 0; refresh < REFRESHES; refresh += 1) {
      const { value } = await writer.refresh();
      await until(() => reader.peek()?.value === value, "the other holder has read it").catch(() => missed++);
    }

    assert.equal(missed, 0);
  });
}

/**
 * Starts a proxy that delays the responses of the server, and returns its address.
 * @param {TestContext} t
 * @param {number} port
 */
async function slowAddress(t, port) {
  const proxy = createServer((socket) => {
    const behind = connect(port, "127.0.0.1");
    socket.pipe(behind);
    let sent = Promise.resolve();
    behind.on("data", (piece) => {
      sent = sent.then(() => delay(Math.random() * 8)).then(() => void socket.write(piece));
    });
    for (const [one, other] of /** @type {const} */ ([
      [socket, behind],
      [behind, socket],
    ])) {
      one.on("error", () => {});
      one.on("close", () => other.destroy());
    }
    t.after(() => socket.destroy());
  });
  await listening(t, proxy);
  return portOf(proxy);
}
