// Speaks to the clients `redis` (node-redis) and `ioredis`, told apart by their methods, single or of a cluster.

import { StoreError, unref, wrongOption } from "./common.js";

/** @import { RedisClient } from "./redis.js" */

/**
 * @typedef {object} Connection
 * @property {(key: string, words: string[], what: "read" | "write") => Promise<unknown>} send
 * @property {(script: string, keys: string[], words: string[]) => Promise<unknown>} run
 * @property {(channel: string, listener: Listener) => Subscription} subscribe
 *
 * @typedef {{ heard: (message: string) => void, connected: () => void }} Listener
 * @typedef {{ isHeard: () => boolean, end: () => void }} Subscription
 */

/**
 * @param {RedisClient} client
 * @returns {Connection}
 */
export function connect(client) {
  const send = sender(client);
  return {
    send: (key, words, what) => guarded(() => send(key, words, what)),
    run: (script, keys, words) =>
      guarded(() => send(keys[0] ?? "", ["EVAL", script, `${keys.length}`, ...keys, ...words], "write")),
    subscribe: (channel, listener) => subscribe(client, channel, listener),
  };
}

/**
 * How a client sends a command.
 * @param {any} client
 * @returns {(key: string, words: string[], what: "read" | "write") => Promise<unknown>}
 */
function sender(client) {
  // First: its `sendCommand` takes something else.
  if (isIoredis(client)) return (_key, words) => client.call(...words);
  if (typeof client?.sendCommand !== "function") {
    throw wrongOption("redisStore needs a client of the package `redis` or `ioredis`");
  }
  // Never from a replica, which may not know yet.
  if (isNodeRedisCluster(client)) return (key, words) => client.sendCommand(key, false, words);
  return (_key, words) => client.sendCommand(words);
}

/** @param {any} client */
const isIoredis = (client) => typeof client?.call === "function";

/** @param {any} client */
const isNodeRedisCluster = (client) => Array.isArray(client.slots);

/**
 * Runs a command; what fails says nothing of what was sent.
 * @template T
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
async function guarded(action) {
  try {
    return await action();
  } catch (error) {
    // Neither as the cause: ioredis puts the whole command into its errors.
    const { message, code, name } = /** @type {{ message?: string, code?: string, name?: string }} */ (
      Object(error)
    );
    // The server's own errors start with a word in capitals.
    const word = /^[A-Z]{2,}(?= |$)/.exec(`${message}`)?.[0] ?? code ?? name;
    if (word === "OOM") throw new StoreError("full", "Redis is full (OOM); nothing was written");
    throw new StoreError("unavailable", `Redis did not do what it was asked (${word})`);
  }
}

/**
 * Hears a channel over a connection of its own, for as long as the client can make one.
 * @param {any} client
 * @param {string} channel
 * @param {Listener} listener
 * @returns {Subscription}
 */
function subscribe(client, channel, listener) {
  let isHeard = false;
  let isEnded = false;
  /** @type {any} */
  let own;

  const connected = () => {
    if (isEnded) return;
    isHeard = true;
    listener.connected();
  };
  const heard = (/** @type {unknown} */ message) => {
    if (!isEnded) listener.heard(`${message}`);
  };
  const start = async () => {
    own = duplicate(client);
    // Nobody else listens to these, and an error that nobody listens to ends the process. It connects again by itself.
    own.on("error", () => {});
    for (const event of ["close", "end", "reconnecting"]) own.on(event, () => (isHeard = false));
    let wasHeard = false;
    own.on("ready", () => {
      // The client makes its subscriptions again.
      if (wasHeard) connected();
    });
    await (isIoredis(client) ? hearIoredis(own, channel, heard) : hearNodeRedis(own, channel, heard));
    wasHeard = true;
    connected();
  };
  const end = () => {
    isEnded = true;
    isHeard = false;
    if (own !== undefined) disconnect(own);
  };
  start()
    // Without it the store looks from time to time.
    .catch(() => {
      isHeard = false;
      if (own !== undefined) disconnect(own);
    })
    .then(() => {
      if (isEnded) end();
    });
  return { isHeard: () => isHeard, end };
}

/** @param {any} client */
function duplicate(client) {
  if (!isIoredis(client)) return client.duplicate();
  // A prefix of its own would also go before the channel.
  const options = { keyPrefix: "", enableOfflineQueue: true, lazyConnect: false };
  return client.isCluster ? client.duplicate([], options) : client.duplicate(options);
}

/**
 * @param {any} own
 * @param {string} channel
 * @param {(message: unknown) => void} heard
 */
async function hearIoredis(own, channel, heard) {
  // Each connection's socket, which would keep the process running.
  const letGo = () => unref(own.stream);
  own.on("connect", letGo);
  own.on("message", (/** @type {string} */ of, /** @type {unknown} */ message) => {
    if (of === channel) heard(message);
  });
  await own.subscribe(channel);
  letGo();
}

/**
 * @param {any} own
 * @param {string} channel
 * @param {(message: unknown) => void} heard
 */
async function hearNodeRedis(own, channel, heard) {
  unref(own);
  await own.connect();
  await own.subscribe(channel, heard);
}

/** @param {any} own */
function disconnect(own) {
  try {
    // The name depends on the version; some give a promise.
    const ended = typeof own.destroy === "function" ? own.destroy() : own.disconnect();
    Promise.resolve(ended).catch(() => {});
  } catch {
    // It was not connected.
  }
}
