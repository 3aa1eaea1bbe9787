// Receives the notices of a channel over a separate connection.
//
// The client's own reconnection is disabled: a server or a proxy that closes the connection at SUBSCRIBE would be
// contacted many times a second. It is opened again after a delay that doubles with each failure.

import { unref } from "./common.js";

/** @import { Kind } from "./redis-client.js" */

/**
 * `heard` receives each message; `connected` is called once messages are received.
 *
 * @typedef {{ heard: (message: string) => void, connected: () => void }} Listener
 * @typedef {{ message: (message: unknown) => void, lost: () => void, changed: () => void }} Events
 * @typedef {(events: Events) => Promise<() => unknown>} Open Resolves with a function that closes the connection.
 */

const FIRST_PAUSE_MS = 250;
/** Limits the connections to about one a minute where subscriptions are impossible. */
const MAX_PAUSE_MS = 60_000;

export class Subscription {
  #open;
  #listener;
  #isHeard = false;
  #isEnded = false;
  #pauseMs = FIRST_PAUSE_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Resolves the wait for the loss of the connection. */
  #lost = () => {};

  /**
   * @param {any} client
   * @param {Kind} kind
   * @param {string} channel
   * @param {Listener} listener
   */
  constructor(client, kind, channel, listener) {
    this.#open = opener(client, kind, channel);
    this.#listener = listener;
    void this.#run();
  }

  /** Returns whether every message since the last call of `connected` was received. */
  isHeard() {
    return this.#isHeard;
  }

  end() {
    this.#isEnded = true;
    this.#isHeard = false;
    clearTimeout(this.#timer);
    this.#lost();
  }

  async #run() {
    const since = Date.now();
    await this.#listen().catch(() => {});
    this.#isHeard = false;
    if (this.#isEnded) return;
    const lastedLong = Date.now() - since > MAX_PAUSE_MS;
    this.#pauseMs = lastedLong ? FIRST_PAUSE_MS : Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
    this.#timer = setTimeout(() => void this.#run(), this.#pauseMs * (0.5 + Math.random() / 2));
    unref(this.#timer);
  }

  /** Opens the connection. Resolves or rejects when it is lost. */
  async #listen() {
    const lost = new Promise((/** @type {(value: void) => void} */ resolve) => (this.#lost = resolve));
    const opening = this.#open({
      message: (message) => {
        if (!this.#isEnded) this.#listener.heard(`${message}`);
      },
      lost: () => this.#lost(),
      changed: () => {
        if (!this.#isEnded) this.#listener.connected();
      },
    });
    const close = await opening;
    try {
      if (this.#isEnded) return;
      this.#isHeard = true;
      this.#listener.connected();
      await lost;
    } finally {
      await close();
    }
  }
}

/**
 * @param {any} client
 * @param {Kind} kind
 * @param {string} channel
 * @returns {Open}
 */
function opener(client, kind, channel) {
  switch (kind) {
    case "ioredis":
      return (events) => openIoredis(client, channel, events);
    case "ioredis-cluster":
      // A message reaches every node of a cluster, so any node will do.
      return (events) => openIoredis(anyOf(client.nodes("master")), channel, events);
    case "single":
      return (events) => openNodeRedis(client, channel, events);
    case "pool":
      return async (events) =>
        openNodeRedis(await client.execute(async (/** @type {any} */ one) => one), channel, events);
    case "cluster":
      return async (events) =>
        openNodeRedis(await client.nodeClient(client.getRandomNode()), channel, events);
    case "sentinel":
      return (events) => openSentinel(client, channel, events);
  }
}

/** @param {any[]} nodes */
const anyOf = (nodes) => nodes[Math.floor(Math.random() * nodes.length)];

/**
 * @param {any} client
 * @param {string} channel
 * @param {Events} events
 */
async function openIoredis(client, channel, { message, lost }) {
  const own = client.duplicate({
    // A prefix would also apply to the channel.
    keyPrefix: "",
    lazyConnect: true,
    enableOfflineQueue: true,
    retryStrategy: null,
    sentinelRetryStrategy: null,
    reconnectOnError: null,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
  });
  own.on("message", (/** @type {string} */ of, /** @type {unknown} */ text) => {
    if (of === channel) message(text);
  });
  // The socket would keep the process running.
  own.on("connect", () => unref(own.stream));
  await subscribed(own, lost, async () => {
    await own.connect();
    await own.subscribe(channel);
  });
  return () => own.disconnect();
}

/**
 * @param {any} client
 * @param {string} channel
 * @param {Events} events
 */
async function openNodeRedis(client, channel, { message, lost }) {
  const own = client.duplicate({ socket: { ...client.options?.socket, reconnectStrategy: false } });
  unref(own);
  await subscribed(own, lost, async () => {
    await own.connect();
    await own.subscribe(channel, message);
  });
  return () => disconnect(own);
}

/**
 * Subscribes over a new connection. Rejects if the connection is lost first.
 *
 * @param {any} own
 * @param {() => void} lost
 * @param {() => Promise<void>} subscribe
 */
async function subscribed(own, lost, subscribe) {
  const broken = new Promise((_, reject) => {
    // An error event without a listener ends the process.
    for (const event of ["error", "close", "end"]) {
      own.on(event, () => {
        lost();
        reject(new Error("the connection was lost"));
      });
    }
  });
  broken.catch(() => {});
  const subscribing = subscribe();
  try {
    // Some clients never settle the subscription after the connection was closed.
    await Promise.race([subscribing, broken]);
  } catch (error) {
    subscribing.catch(() => {});
    disconnect(own);
    throw error;
  }
}

/**
 * A sentinel client already has a connection for subscriptions, which follows the primary.
 *
 * @param {any} client
 * @param {string} channel
 * @param {Events} events
 */
async function openSentinel(client, channel, { message, changed }) {
  // A closed client would open a connection that is never closed.
  if (!client.isOpen) throw new Error("the client is not connected");
  await client.subscribe(channel, message);
  // Messages between the loss of one primary and the subscription to the next are missed.
  client.on("topology-change", changed);
  return async () => {
    client.off("topology-change", changed);
    if (client.isOpen) await client.unsubscribe(channel, message).catch(() => {});
  };
}

/** @param {any} own */
function disconnect(own) {
  try {
    // The method's name depends on the version, and some versions return a promise.
    const ended = typeof own.destroy === "function" ? own.destroy() : own.disconnect();
    Promise.resolve(ended).catch(() => {});
  } catch {
    // The client was not connected.
  }
}
