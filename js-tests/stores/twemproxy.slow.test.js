// Behind twemproxy, which supports neither SUBSCRIBE nor databases, and closes a connection that requests them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { redisStore } from "graphql-token-manager/stores/redis";
import { fluz, managerFor, sandboxFor } from "../support/setup.js";
import { record, until } from "../support/waiting.js";
import { freePort } from "../support/server.js";
import { CLIENTS, redisFor, RedisServer } from "./redis-server.js";
import { eventually, folderFor } from "./support.js";

/** Path of twemproxy. Default: Debian's, which `cargo xtask test --all` installs. */
const PROGRAM = process.env.NUTCRACKER ?? "/usr/sbin/nutcracker";

/** @param {import("node:test").TestContext} t */
async function twemproxyFor(t) {
  const server = await redisFor(t);
  const [port, stats] = [await freePort(), await freePort()];
  const folder = await folderFor(t);
  const file = join(folder, "nutcracker.yml");
  const pool = `  listen: 127.0.0.1:${port}\n  redis: true\n  hash_tag: "{}"`;
  await writeFile(file, `pool:\n${pool}\n  servers:\n   - 127.0.0.1:${server.port}:1\n`);
  const args = ["--conf-file", file, "--stats-addr", "127.0.0.1", "--stats-port", `${stats}`];
  const child = spawn(PROGRAM, [...args, "--mbuf-size", "16384"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const isOpen = () =>
    new Promise((/** @type {(value: boolean) => void} */ resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
  await eventually(isOpen);
  /** Returns the number of accepted connections. */
  const connections = async () => {
    const chunks = [];
    for await (const chunk of connect(stats, "127.0.0.1")) chunks.push(chunk);
    return Number(JSON.parse(Buffer.concat(chunks).toString()).total_connections);
  };
  return { proxy: new RedisServer(port, []), server, connections };
}

/** Options that omit the first commands of a client, which twemproxy does not support. @type {Record<string, {}>} */
const HANDSHAKES = {
  redis: { disableClientInfo: true, RESP: 2 },
  "redis-5": { disableClientInfo: true },
  "redis-4": { disableClientInfo: true },
  ioredis: { enableReadyCheck: false, disableClientInfo: true, protocol: 2 },
  "ioredis-5": { enableReadyCheck: false, disableClientInfo: true },
};

for (const name of CLIENTS) {
  test(`${name}: holders share a token, and connections are not reopened rapidly`, async (t) => {
    const { proxy, server, connections } = await twemproxyFor(t);
    const sandbox = await sandboxFor(t);
    const options = HANDSHAKES[name];
    const client = await proxy.client(t, name, options);
    const one = managerFor(t, fluz(sandbox, { store: redisStore(client, { pollMs: 20 }) }));
    const other = managerFor(t, fluz(sandbox, { store: redisStore(await server.client(t, name)) }));
    const events = record(one);

    assert.equal(await one.getToken(), await other.getToken());
    const before = await connections();
    const begin = performance.now();
    const { value } = await other.refresh();
    await until(() => one.peek()?.value === value, "the change is found by looking");
    await new Promise((resolve) => setTimeout(resolve, 3_000));

    // At most one connection per backoff, of which the first is 250 ms; a reconnect storm has 20 per second.
    const rate = ((await connections()) - before) / ((performance.now() - begin) / 1000);
    assert.ok(rate < 4, `${rate} connections a second`);
    assert.deepEqual(
      events.filter(({ type }) => type === "warning"),
      [],
    );
  });
}
