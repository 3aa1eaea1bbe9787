/**
 * Redis servers of the tests' own: on a free loopback port, nothing on the disk, ended with the test.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createRequire } from "node:module";

import { folderFor, said } from "./support.js";

/** @import { AddressInfo } from "node:net" */
/** @import { TestContext } from "node:test" */

/** Debian's, which `cargo xtask test` installs, or another, as Valkey's. */
const PROGRAM = process.env.REDIS_SERVER ?? "/usr/bin/redis-server";

const require = createRequire(import.meta.url);

/** Packages as users have them: the newest, and the oldest that is supported. */
export const CLIENTS = ["redis", "redis-4", "ioredis", "ioredis-5"];

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

  /** Whether somebody holds a lease of a `redisStore`. */
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
   * A client of one of the packages, which ends with the test.
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
   * The same, for a cluster.
   * @param {{ after: TestContext["after"] }} t
   * @param {string} name
   * @returns {Promise<any>}
   */
  async clusterClient(t, name) {
    const module = require(name);
    const client = isIoredis(name)
      ? new module.Cluster([{ host: "127.0.0.1", port: this.port }])
      : module.createCluster({ rootNodes: [{ url: this.url }] });
    client.on("error", () => {});
    t.after(() => end(client));
    if (!isIoredis(name)) await client.connect();
    return client;
  }
}

/**
 * A cluster of one node, which knows its address and has all the slots.
 * @param {{ after: TestContext["after"] }} t
 */
export async function clusterFor(t) {
  const server = await redisFor(t, "--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1");
  const client = await server.client(t, "redis");
  await client.sendCommand(["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
  while (!`${await client.sendCommand(["CLUSTER", "INFO"])}`.includes("cluster_state:ok")) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { server, client };
}

/**
 * @param {string} name
 * @param {string} url
 * @param {Record<string, unknown>} options
 */
function makeClient(name, url, options) {
  const module = require(name);
  if (isIoredis(name)) return new module(url, { retryStrategy: () => 20, ...options });
  return module.createClient({ url, socket: { reconnectStrategy: 20 }, ...options });
}

/** @param {string} name */
const isIoredis = (name) => name.startsWith("ioredis");

/** @param {any} client */
function end(client) {
  try {
    Promise.resolve(client.destroy?.() ?? client.disconnect()).catch(() => {});
  } catch {
    // It was closed by its test.
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return port;
}
