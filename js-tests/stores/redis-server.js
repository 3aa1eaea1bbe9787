/**
 * Redis servers for tests: on a free loopback port, without persistence, until the end of the test.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { createRequire } from "node:module";
import { join } from "node:path";

import { freePort, listening, portOf } from "../support/server.js";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { until } from "../support/waiting.js";
import { folderFor, said } from "./support.js";

/** @import { TestContext } from "node:test" */

/** Path of the server. Default: Debian's, which `cargo xtask test` installs; Valkey's works as well. */
const PROGRAM = process.env.REDIS_SERVER ?? "/usr/bin/redis-server";

const require = createRequire(import.meta.url);

/** Client packages: each supported major version. */
export const CLIENTS = ["redis", "redis-5", "redis-4", "ioredis", "ioredis-5"];

/**
 * @param {{ after: TestContext["after"] }} t
 * @param {string[]} options
 */
export async function redisFor(t, ...options) {
  const folder = await folderFor(t);
  const server = new RedisServer(await freePort(), ["--dir", folder, ...options]);
  t.after(() => server.stop());
  await server.start();
  return server;
}

export class RedisServer {
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #child;

  /**
   * @param {number} port
   * @param {string[]} options
   */
  constructor(port, options) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.options = options;
  }

  async start() {
    const quiet = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const args = ["--port", `${this.port}`, ...quiet, ...this.options];
    const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    await said(child, /Ready to accept connections/);
  }

  async stop() {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Returns true if any lease of a `redisStore` is held. */
  async holdsLease() {
    const client = makeClient("redis", this.url, {});
    await client.connect();
    const leases = await client.sendCommand(["KEYS", "*:lease"]);
    end(client);
    return leases.length > 0;
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child?.kill(signal);
  }

  /**
   * Connects a client of one of the packages until the end of the test.
   * @param {{ after: TestContext["after"] }} t
   * @param {string} name
   * @param {Record<string, unknown>} [options]
   * @returns {Promise<any>}
   */
  async client(t, name, options = {}) {
    const client = makeClient(name, this.url, options);
    client.on("error", () => {});
    t.after(() => end(client));
    if (!isIoredis(name)) await client.connect();
    return client;
  }

  /**
   * Connects a cluster client until the end of the test.
   * @param {{ after: TestContext["after"] }} t
   * @param {string} name
   * @param {Record<string, unknown>} [options] of ioredis
   * @returns {Promise<any>}
   */
  async clusterClient(t, name, options = {}) {
    const module = require(name);
    const client = isIoredis(name)
      ? new module.Cluster([{ host: "127.0.0.1", port: this.port }], options)
      : module.createCluster({ rootNodes: [{ url: this.url }] });
    client.on("error", () => {});
    t.after(() => end(client));
    if (!isIoredis(name)) await client.connect();
    return client;
  }
}

/**
 * Starts a cluster of nodes that share the slots.
 * @param {{ after: TestContext["after"] }} t
 * @param {number} [size]
 */
export async function clusterFor(t, size = 1) {
  const nodes = await Promise.all(Array.from({ length: size }, () => clusterNode(t)));
  const clients = await Promise.all(nodes.map((node) => node.client(t, "redis")));
  const share = Math.ceil(16_384 / size);
  for (const [index, client] of clients.entries()) {
    const last = Math.min((index + 1) * share, 16_384) - 1;
    await client.sendCommand(["CLUSTER", "ADDSLOTSRANGE", `${index * share}`, `${last}`]);
    const [first] = nodes;
    if (index > 0 && first !== undefined) {
      await client.sendCommand(["CLUSTER", "MEET", "127.0.0.1", `${first.port}`, `${first.busPort}`]);
    }
  }
  const isReady = async (/** @type {any} */ client) => {
    const info = `${await client.sendCommand(["CLUSTER", "INFO"])}`;
    return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${size}`);
  };
  for (const client of clients) {
    await until(() => isReady(client), "the cluster is ready");
  }
  return { server: /** @type {RedisServer} */ (nodes[0]), client: clients[0], clients };
}

/** @param {{ after: TestContext["after"] }} t */
async function clusterNode(t) {
  // The default is the port plus 10,000, which may be above 65,535.
  const busPort = await freePort();
  const options = ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"];
  const server = await redisFor(t, ...options, "--cluster-port", `${busPort}`);
  return Object.assign(server, { busPort });
}

/**
 * Starts a primary, its replica, and a sentinel that monitors them.
 * @param {{ after: TestContext["after"] }} t
 */
export async function sentinelFor(t) {
  const primary = await redisFor(t, "--repl-diskless-sync-delay", "0");
  const replica = await redisFor(t, "--replicaof", "127.0.0.1", `${primary.port}`);
  const folder = await folderFor(t);
  const file = join(folder, "sentinel.conf");
  const port = await freePort();
  const monitor = ["sentinel monitor primary 127.0.0.1", primary.port, 1].join(" ");
  await writeFile(file, `port ${port}\nbind 127.0.0.1\ndir ${folder}\n${monitor}\n`);
  const child = spawn(PROGRAM, [file, "--sentinel"], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  await said(child, /monitor master primary/);
  return { primary, replica, sentinel: new RedisServer(port, []) };
}

/**
 * Connects a client that discovers the primary through a sentinel.
 * @param {{ after: TestContext["after"] }} t
 * @param {string} name
 * @param {RedisServer} sentinel
 */
export async function sentinelClient(t, name, { port }) {
  const module = require(name);
  const nodes = [{ host: "127.0.0.1", port }];
  const client = isIoredis(name)
    ? new module({ name: "primary", sentinels: nodes })
    : module.createSentinel({ name: "primary", sentinelRootNodes: nodes });
  client.on("error", () => {});
  t.after(() => end(client));
  if (!isIoredis(name)) await client.connect();
  return client;
}

/**
 * Starts a proxy that closes a connection at SUBSCRIBE, as twemproxy does.
 * @param {{ after: TestContext["after"] }} t
 * @param {number} target
 */
export async function withoutSubscriptions(t, target) {
  let subscriptions = 0;
  const proxy = createServer((socket) => {
    const behind = connect(target, "127.0.0.1");
    socket.on("data", (piece) => {
      if (!/subscribe/i.test(piece.toString("latin1"))) return behind.write(piece);
      subscriptions += 1;
      return socket.destroy();
    });
    behind.pipe(socket);
    for (const [from, to] of /** @type {const} */ ([
      [socket, behind],
      [behind, socket],
    ])) {
      from.on("error", () => {});
      from.on("close", () => to.destroy());
    }
    t.after(() => socket.destroy());
  });
  await listening(t, proxy);
  return { port: portOf(proxy), subscriptions: () => subscriptions };
}

/**
 * @param {string} name
 * @param {string} url
 * @param {Record<string, unknown>} options
 */
function makeClient(name, url, options) {
  const module = require(name);
  if (isIoredis(name)) return new module(url, { retryStrategy: () => 20, ...options });
  // The default of 5 s is too short on a busy machine.
  const socket = { reconnectStrategy: 20, connectTimeout: TEST_TIMEOUT_MS };
  return module.createClient({ url, socket, ...options });
}

/** @param {string} name */
const isIoredis = (name) => name.startsWith("ioredis");

/** @param {any} client */
function end(client) {
  try {
    Promise.resolve(client.destroy?.() ?? client.disconnect()).catch(() => {});
  } catch {
    // The test has already closed it.
  }
}
