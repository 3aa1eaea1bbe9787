// A store in Redis or Valkey, which several machines share.
//
// Each operation is one command or one script, which the server runs atomically.

import {
  checkFence,
  checkSpan,
  checkValue,
  isFence,
  isSmall,
  MAX_BYTES,
  uniqueName,
  unref,
  Watchers,
  wrongOption,
} from "./common.js";
import { connect } from "./redis-client.js";
import { ACQUIRE, DELETE, RELEASE, SET } from "./redis-scripts.js";

/** @import { Lease, SharedStore } from "graphql-token-manager" */
/** @import { RedisClient, RedisStoreOptions } from "./redis.js" */

/**
 * See `redis.d.ts`.
 * @param {RedisClient} client
 * @param {RedisStoreOptions} [options]
 * @returns {SharedStore}
 */
export function redisStore(client, options) {
  return new RedisStore(client, options);
}

/** Format prefix of values. A value without it was written by another program. */
const FORMAT = "1:";
/** Longest lifetime in ms (100 years), close to the limit of Redis. */
const MAX_MS = 100 * 365 * 24 * 3_600_000;

/** @implements {SharedStore} */
class RedisStore {
  #client;
  #prefix;
  #pollMs;
  /** Identifies the notices of this store, which it ignores. */
  #name = uniqueName();
  #watchers = new Watchers();
  /**
   * The last known value of each watched key; null means no value. A key without an entry may have changed.
   * @type {Map<string, string | null>}
   */
  #seen = new Map();
  /** @type {{ end: () => void } | undefined} */
  #watching;
  /** The number of searches for changes that are in progress. */
  #looking = 0;
  #unconfirmed = new UnconfirmedLeases();

  /**
   * @param {RedisClient} client
   * @param {RedisStoreOptions} [options]
   */
  constructor(client, { prefix = "graphql-token-manager:", pollMs = 2_000 } = {}) {
    if (typeof prefix !== "string") throw wrongOption("`prefix` must be text");
    // Empty braces are not a hash tag: the keys of an entry would be on different nodes.
    if (/^[^{]*\{\}/.test(prefix)) throw wrongOption("`prefix` must not hold `{}`");
    if (!(pollMs > 0)) throw wrongOption("`pollMs` must be a number of milliseconds above 0");
    this.#client = connect(client);
    this.#prefix = prefix;
    this.#pollMs = pollMs;
  }

  /** @param {string} key */
  async get(key) {
    const text = await this.#read(key);
    return text === null ? undefined : text;
  }

  /**
   * @param {string} key
   * @param {string} value
   * @param {number} expiresAt
   * @param {number} [fence]
   */
  async set(key, value, expiresAt, fence) {
    checkValue(value);
    checkFence(fence);
    const lastsMs = Math.min(Math.floor(expiresAt - Date.now()), MAX_MS);
    const { token, fence: last, lease } = this.#keys(key);
    const words = [FORMAT + value, `${lastsMs}`, fence === undefined ? "" : `${fence}`, ...this.#notice(key)];
    const written = await this.#client.run(SET, [token, last, lease], words);
    if (Number(written) !== 1) return false;
    if (this.#watchers.has(key)) this.#seen.set(key, lastsMs > 0 ? value : null);
    return true;
  }

  /** @param {string} key */
  async delete(key) {
    await this.#client.run(DELETE, [this.#keys(key).token], this.#notice(key));
    if (this.#watchers.has(key)) this.#seen.set(key, null);
  }

  /**
   * @param {string} key
   * @param {number} ttlMs
   * @returns {Promise<Lease | undefined>}
   */
  async acquire(key, ttlMs) {
    checkSpan(ttlMs);
    const { lease, fence: last } = this.#keys(key);
    const owner = uniqueName();
    const until = Date.now() + ttlMs;
    const words = [owner, `${Math.max(1, Math.floor(ttlMs))}`, ...this.#unconfirmed.of(key)];
    const granted = await this.#client.run(ACQUIRE, [lease, last], words).catch((error) => {
      // The lease may have been granted although the reply was lost.
      this.#unconfirmed.add(key, owner, until);
      throw error;
    });
    const fence = Number(text(granted));
    if (!isFence(fence) || fence === 0) return undefined;
    /** @type {Promise<void> | undefined} */
    let released;
    const release = () => (released ??= this.#release(key, owner, until));
    // The command may have waited for a connection until the caller stopped waiting.
    if (Date.now() < until) return { fence, release };
    await release();
    return undefined;
  }

  /**
   * @param {string} key
   * @param {string} owner
   * @param {number} until
   */
  async #release(key, owner, until) {
    this.#unconfirmed.add(key, owner, until);
    await this.#client.run(RELEASE, [this.#keys(key).lease], [owner]);
    this.#unconfirmed.delete(owner);
  }

  /**
   * @param {string} key
   * @param {() => void} changed
   */
  watch(key, changed) {
    const end = this.#watchers.add(key, changed);
    this.#watching ??= this.#startWatching();
    return () => {
      end();
      if (this.#watchers.has(key)) return;
      this.#seen.delete(key);
      if (!this.#watchers.empty) return;
      this.#watching?.end();
      this.#watching = undefined;
    };
  }

  /**
   * Subscribes to notices, and polls while the subscription is interrupted.
   */
  #startWatching() {
    const timer = setInterval(() => {
      // While the server is unavailable, clients keep commands and send them all when it is back.
      if (!subscription.isHeard() && this.#looking === 0) void this.#look();
    }, this.#pollMs);
    unref(timer);
    const subscription = this.#client.subscribe(this.#channel(), {
      heard: (message) => this.#hear(message),
      // Changes before this moment may have been missed.
      connected: () => void this.#look(),
    });
    const end = () => {
      clearInterval(timer);
      subscription.end();
    };
    return { end };
  }

  /** @param {string} message */
  #hear(message) {
    const space = message.indexOf(" ");
    const key = message.slice(space + 1);
    if (space < 1 || message.slice(0, space) === this.#name || !this.#watchers.has(key)) return;
    this.#seen.delete(key);
    this.#watchers.tell(key);
  }

  async #look() {
    this.#looking++;
    for (const key of this.#watchers.keys()) {
      const before = this.#seen.get(key);
      const value = await this.#read(key).catch(() => undefined);
      // The server is unavailable, or this store wrote the key meanwhile.
      if (value === undefined || value === before || this.#seen.get(key) !== before) continue;
      if (!this.#watchers.has(key)) continue;
      this.#seen.set(key, value);
      this.#watchers.tell(key);
    }
    this.#looking--;
  }

  /**
   * @param {string} key
   * @returns {Promise<string | null>}
   */
  async #read(key) {
    const limit = FORMAT.length + MAX_BYTES;
    const { token } = this.#keys(key);
    const found = await this.#client.send(token, ["GETRANGE", token, "0", `${limit}`]).catch((error) => {
      // The key contains a list, a set or another type, written by another program.
      if (/WRONGTYPE/.test(error.message)) return "";
      throw error;
    });
    const content = text(found);
    if (!content.startsWith(FORMAT)) return null;
    const value = content.slice(FORMAT.length);
    return isSmall(value) ? value : null;
  }

  /**
   * Returns the keys of an entry. The hash tag in braces places them in one slot of a cluster.
   * @param {string} key
   */
  #keys(key) {
    const tag = key.replace(/[%{}]/g, (character) => encodeURIComponent(character)) || "%";
    const start = `${this.#prefix}{${tag}}:`;
    return { token: `${start}token`, lease: `${start}lease`, fence: `${start}fence` };
  }

  #channel() {
    return `${this.#prefix}changed`;
  }

  /** Returns the channel and the text of the notice to other holders. @param {string} key */
  #notice(key) {
    return [this.#channel(), `${this.#name} ${key}`];
  }
}

/**
 * Leases of this store that the server may still hold although they are unused: their release failed, or the reply to
 * their request was lost. This store can acquire them again at once; other holders wait until they expire.
 */
class UnconfirmedLeases {
  /** By owner. @type {Map<string, { key: string, until: number }>} */
  #leases = new Map();

  /**
   * @param {string} key
   * @param {string} owner
   * @param {number} until
   */
  add(key, owner, until) {
    const now = Date.now();
    for (const [known, lease] of this.#leases) if (lease.until <= now) this.#leases.delete(known);
    this.#leases.set(owner, { key, until });
  }

  /** @param {string} owner */
  delete(owner) {
    this.#leases.delete(owner);
  }

  /** Returns the latest owners of a key. @param {string} key */
  of(key) {
    const owners = [...this.#leases].filter(([, lease]) => lease.key === key).map(([owner]) => owner);
    return owners.slice(-MAX_OWNERS);
  }
}

/** Exceeded only if every reply is lost for the duration of a lease. */
const MAX_OWNERS = 16;

/**
 * Converts a reply to text. Clients may be configured to return bytes.
 * @param {unknown} answer
 */
function text(answer) {
  if (answer instanceof Uint8Array) return new TextDecoder().decode(answer);
  return answer === null || answer === undefined ? "" : `${answer}`;
}
