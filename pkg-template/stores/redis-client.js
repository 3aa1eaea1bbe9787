// Sends commands through clients of the packages `redis` (node-redis) and `ioredis`: single clients, clusters,
// sentinels and pools. An unusable client is rejected when the store is created, where that can be detected.

import { wrongOption } from "./common.js";
import { describeFailures } from "./redis-errors.js";
import { Subscription } from "./redis-subscription.js";

/** @import { RedisClient } from "./redis.js" */
/** @import { Listener } from "./redis-subscription.js" */

/**
 * @typedef {object} Connection
 * @property {(key: string, words: string[]) => Promise<unknown>} send
 * @property {(script: string, keys: string[], words: string[]) => Promise<unknown>} run
 * @property {(channel: string, listener: Listener) => Subscription} subscribe
 *
 * @typedef {"ioredis" | "ioredis-cluster" | "single" | "pool" | "cluster" | "sentinel"} Kind
 */

/**
 * @param {RedisClient} client
 * @returns {Connection}
 */
export function connect(client) {
  const kind = kindOf(client);
  const send = sender(client, kind);
  const run = (/** @type {string} */ script, /** @type {string[]} */ keys, /** @type {string[]} */ words) =>
    describeFailures(() => send(keys[0] ?? "", ["EVAL", script, `${keys.length}`, ...keys, ...words]));
  return {
    // A cluster client of ioredis may read from replicas, which lag behind; scripts always run on the primary.
    send: readsFromReplicas(client, kind)
      ? (key, words) => run(callScript(words), [key], [])
      : (key, words) => describeFailures(() => send(key, words)),
    run,
    subscribe: (channel, listener) => new Subscription(client, kind, channel, listener),
  };
}

/**
 * Identifies a client by its methods rather than its class, because several copies and versions of each package may be
 * installed.
 *
 * @param {any} client
 * @returns {Kind}
 * @throws StoreError `invalid_options` for an object that cannot send commands
 */
function kindOf(client) {
  if (typeof client?.then === "function") {
    throw wrongOption(
      "redisStore received a promise of a client; pass the client, after `await client.connect()`",
    );
  }
  if (typeof client?.call === "function") return kindOfIoredis(client);
  if (typeof client?.sendCommand !== "function") {
    throw wrongOption(
      "redisStore needs a client of the package `redis` (createClient, createClientPool, createCluster, " +
        "createSentinel) or `ioredis` (Redis, Cluster)",
    );
  }
  if (Array.isArray(client.slots)) return "cluster";
  if (typeof client.getSentinelNode === "function") return "sentinel";
  if (typeof client.execAsPipeline === "function") {
    throw wrongOption("redisStore received a transaction (`multi()`); pass the client itself");
  }
  if (client.options?.legacyMode === true) {
    throw wrongOption("redisStore cannot use a client in `legacyMode`; create one without it");
  }
  // `sendCommand(words, options)`. More parameters mean another signature: redis 3, or a leased client of a sentinel.
  if (client.sendCommand.length > 2) {
    throw wrongOption(
      "redisStore does not know this client's `sendCommand`; pass a client of the package `redis` (4 or later) itself",
    );
  }
  return typeof client.execute === "function" && typeof client.duplicate !== "function" ? "pool" : "single";
}

/**
 * @param {any} client
 * @returns {Kind}
 */
function kindOfIoredis(client) {
  if (client.isPipeline === true) {
    throw wrongOption("redisStore received a pipeline of ioredis; pass the client itself");
  }
  if (client.mode === "subscriber" || client.mode === "monitor") {
    throw wrongOption(
      `redisStore received a client of ioredis in ${client.mode} mode, which sends no other commands; ` +
        "pass another client, or its `duplicate()`",
    );
  }
  if (client.options?.role === "slave") {
    throw wrongOption('redisStore cannot write to a replica; create the client without `role: "slave"`');
  }
  return client.isCluster === true ? "ioredis-cluster" : "ioredis";
}

/**
 * @param {any} client
 * @param {Kind} kind
 * @returns {(key: string, words: string[]) => Promise<unknown>}
 */
function sender(client, kind) {
  switch (kind) {
    case "ioredis":
    case "ioredis-cluster":
      return (_key, words) => client.call(...words);
    // `false` excludes replicas, which may lag behind.
    case "cluster":
      return (key, words) => client.sendCommand(key, false, words);
    case "sentinel":
      return (_key, words) => client.sendCommand(false, words);
    default:
      return (_key, words) => client.sendCommand(words);
  }
}

/**
 * @param {any} client
 * @param {Kind} kind
 */
function readsFromReplicas(client, kind) {
  const from = client.options?.scaleReads;
  return kind === "ioredis-cluster" && from !== undefined && from !== "master";
}

/** Returns a script that runs one command, with the key as its first argument. @param {string[]} words */
function callScript([name, , ...rest]) {
  const quoted = rest.map((word) => `, '${word.replace(/[^\w-]/g, "")}'`);
  return `return redis.call('${name}', KEYS[1]${quoted.join("")})`;
}
