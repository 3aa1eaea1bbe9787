// A store in IndexedDB. Each operation is one transaction, so that no other write comes between its reads and writes.

import {
  checkFence,
  checkSpan,
  checkValue,
  isFence,
  isHeld,
  isOver,
  isSmall,
  nextFence,
  Watchers,
  wrongOption,
} from "./common.js";
import { Channel } from "./web-channel.js";
import { Database, requested } from "./web-database.js";
import { leaseByLock, locksOf } from "./web-locks.js";
import { DatabaseKey } from "./web-key.js";

/** @import { Lease, SharedStore } from "graphql-token-manager" */
/** @import { IndexedDbOptions } from "./web.js" */
/** @import { LeaseRecord } from "./web-locks.js" */
/** @import { Sealed } from "./aes-gcm.js" */

/**
 * See `web.d.ts`.
 * @param {IndexedDbOptions} [options]
 * @returns {SharedStore}
 */
export function indexedDbStore(options) {
  return new IndexedDbStore(options);
}

/** @typedef {{ value?: string, sealed?: Sealed, expiresAt: number }} Entry */

/** @implements {SharedStore} */
class IndexedDbStore {
  #database;
  #scope;
  #key;
  #watchers = new Watchers();
  /** @type {Channel | undefined} */
  #channel;

  /** @param {IndexedDbOptions} [options] */
  constructor({ name = "graphql-token-manager", encrypt = false } = {}) {
    if (typeof name !== "string" || name === "") throw wrongOption("`name` must be the name of a database");
    if (typeof encrypt !== "boolean") throw wrongOption("`encrypt` must be true or false");
    // The prefix of locks and channels, which differs from that of a web storage with the same name.
    this.#scope = `database:${name}:`;
    this.#database = new Database(name);
    this.#key = encrypt ? new DatabaseKey(this.#database, name) : undefined;
  }

  /** @param {string} key */
  async get(key) {
    const read = (/** @type {IDBTransaction} */ transaction) =>
      requested(transaction.objectStore("tokens").get(key));
    const entry = /** @type {Partial<Entry>} */ (
      Object(await this.#database.run("readonly", ["tokens"], read))
    );
    if (typeof entry.expiresAt !== "number" || isOver(entry.expiresAt)) return undefined;
    const value = this.#key === undefined ? entry.value : await this.#key.open(key, entry.sealed);
    return typeof value === "string" && isSmall(value) ? value : undefined;
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
    // Encrypted before the transaction, which commits as soon as no request is pending.
    const content = this.#key === undefined ? { value } : { sealed: await this.#key.seal(key, value) };
    const written = await this.#database.run("readwrite", ["tokens", "leases"], async (transaction) => {
      if (fence !== undefined) {
        const last = await lastLease(transaction, key);
        if (last.fence > fence) return false;
        if (last.fence < fence) putLease(transaction, key, { fence, until: 0, ttlMs: 0 });
      }
      transaction.objectStore("tokens").put({ ...content, expiresAt }, key);
      return true;
    });
    if (written) this.#announce(key);
    return written;
  }

  /** @param {string} key */
  async delete(key) {
    await this.#database.run("readwrite", ["tokens"], async (transaction) => {
      transaction.objectStore("tokens").delete(key);
    });
    this.#announce(key);
  }

  /**
   * @param {string} key
   * @param {number} ttlMs
   * @returns {Promise<Lease | undefined>}
   */
  async acquire(key, ttlMs) {
    checkSpan(ttlMs);
    const run = (/** @type {(transaction: IDBTransaction) => Promise<any>} */ action) =>
      this.#database.run("readwrite", ["leases"], action);
    const grant = async (/** @type {IDBTransaction} */ transaction, /** @type {number} */ until) => {
      const fence = nextFence((await lastLease(transaction, key)).fence);
      putLease(transaction, key, { fence, until, ttlMs });
      return fence;
    };
    const record = {
      read: () => run((transaction) => lastLease(transaction, key)),
      grant: (/** @type {number} */ until) => run((transaction) => grant(transaction, until)),
      extend: (/** @type {number} */ fence, /** @type {number} */ until) =>
        run(async (transaction) => {
          const last = await lastLease(transaction, key);
          if (last.fence === fence && last.until !== 0) putLease(transaction, key, { fence, until, ttlMs });
        }),
      release: (/** @type {number} */ fence) =>
        run(async (transaction) => {
          if ((await lastLease(transaction, key)).fence !== fence) return;
          putLease(transaction, key, { fence, until: 0, ttlMs: 0 });
        }),
    };
    if (locksOf() !== undefined) return leaseByLock(this.#scope + key, ttlMs, record);

    const fence = await run(async (transaction) =>
      isHeld(await lastLease(transaction, key)) ? undefined : grant(transaction, Date.now() + ttlMs),
    );
    return fence === undefined ? undefined : { fence, release: () => record.release(fence) };
  }

  /**
   * @param {string} key
   * @param {() => void} changed
   */
  watch(key, changed) {
    this.#channel ??= new Channel(this.#scope, (name) => this.#watchers.tell(name));
    const end = this.#watchers.add(key, changed);
    return () => {
      end();
      if (!this.#watchers.empty) return;
      this.#channel?.close();
      this.#channel = undefined;
    };
  }

  /** @param {string} key */
  #announce(key) {
    if (this.#channel !== undefined) return this.#channel.post(key);
    const channel = new Channel(this.#scope);
    channel.post(key);
    channel.close();
  }
}

/**
 * @param {IDBTransaction} transaction
 * @param {string} key
 * @returns {Promise<LeaseRecord>}
 */
async function lastLease(transaction, key) {
  const { fence, until, ttlMs } = Object(await requested(transaction.objectStore("leases").get(key)));
  // A damaged fence starts at 0, but the lease is held for the recorded time.
  const isRight = Number.isFinite(until) && Number.isFinite(ttlMs);
  return isRight ? { fence: isFence(fence) ? fence : 0, until, ttlMs } : { fence: 0, until: 0, ttlMs: 0 };
}

/**
 * @param {IDBTransaction} transaction
 * @param {string} key
 * @param {LeaseRecord} lease
 */
function putLease(transaction, key, lease) {
  transaction.objectStore("leases").put(lease, key);
}
