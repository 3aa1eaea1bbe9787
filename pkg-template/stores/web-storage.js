// A store in `localStorage` or `sessionStorage`.
//
// Best effort: browsers propagate writes to other tabs with a delay, so that a tab may read an outdated entry or
// fence. Leases are nevertheless exclusive, because they are Web Locks.

import {
  checkFence,
  checkSpan,
  checkValue,
  isFence,
  isHeld,
  isOver,
  isSmall,
  nextFence,
  StoreError,
  uniqueName,
  Watchers,
  wrongOption,
} from "./common.js";
import { Channel } from "./web-channel.js";
import { withLock, leaseByLock, locksOf } from "./web-locks.js";

/** @import { Lease, SharedStore } from "graphql-token-manager" */
/** @import { WebStorageOptions } from "./web.js" */
/** @import { LeaseRecord } from "./web-locks.js" */

/**
 * See `web.d.ts`.
 * @param {Storage | (() => Storage)} storage
 * @param {WebStorageOptions} [options]
 * @returns {SharedStore}
 */
export function webStorageStore(storage, options) {
  return new WebStorageStore(storage, options);
}

/** @typedef {{ value: string, expiresAt: number }} Entry */

/**
 * Without Web Locks: time in ms after which a tab checks that its claim was not overwritten, because browsers
 * propagate writes with a delay.
 */
const CLAIM_MS = 50;

/** @implements {SharedStore} */
class WebStorageStore {
  #open;
  #prefix;
  #watchers = new Watchers();
  /** @type {Channel | undefined} */
  #channel;
  #onStorage = (/** @type {StorageEvent} */ event) => this.#stored(event);

  /**
   * @param {Storage | (() => Storage)} storage
   * @param {WebStorageOptions} [options]
   */
  constructor(storage, { prefix = "graphql-token-manager:" } = {}) {
    // A page without permission to use storage fails at the expression `localStorage` itself.
    this.#open = typeof storage === "function" ? storage : () => storage;
    if (typeof storage !== "function" && typeof storage?.getItem !== "function") {
      throw wrongOption(
        "webStorageStore needs `localStorage`, `sessionStorage`, or a function that returns one",
      );
    }
    this.#prefix = prefix;
  }

  /** @param {string} key */
  async get(key) {
    const entry = parse(this.#read("token", key));
    const { value, expiresAt } = /** @type {Partial<Entry>} */ (entry);
    if (typeof value !== "string" || typeof expiresAt !== "number" || isOver(expiresAt)) return undefined;
    return value;
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
    const write = () => {
      if (fence !== undefined) {
        const last = this.#lease(key);
        if (last.fence > fence) return false;
        // If the storage was cleared meanwhile, the next lease has to continue from this fence.
        if (last.fence < fence) this.#write("lease", key, { fence, until: 0, ttlMs: 0 });
      }
      // JSON has no Infinity.
      const end = Math.min(expiresAt, Number.MAX_SAFE_INTEGER);
      this.#write("token", key, { value, expiresAt: end });
      this.#announce(key);
      return true;
    };
    return fence === undefined ? write() : withLock(this.#name(key), write);
  }

  /** @param {string} key */
  async delete(key) {
    this.#guarded((storage) => storage.removeItem(this.#item("token", key)));
    this.#announce(key);
  }

  /**
   * @param {string} key
   * @param {number} ttlMs
   * @returns {Promise<Lease | undefined>}
   */
  async acquire(key, ttlMs) {
    checkSpan(ttlMs);
    const record = {
      read: async () => this.#lease(key),
      grant: async (/** @type {number} */ until) => {
        const fence = nextFence(this.#lease(key).fence);
        this.#write("lease", key, { fence, until, ttlMs });
        return fence;
      },
      extend: async (/** @type {number} */ fence, /** @type {number} */ until) => {
        const last = this.#lease(key);
        if (last.fence === fence && last.until !== 0) this.#write("lease", key, { fence, until, ttlMs });
      },
      release: async (/** @type {number} */ fence) => {
        if (this.#lease(key).fence === fence) this.#write("lease", key, { fence, until: 0, ttlMs: 0 });
      },
    };
    if (locksOf() !== undefined) return leaseByLock(this.#name(key), ttlMs, record);
    return this.#leaseByClaim(key, ttlMs);
  }

  /**
   * @param {string} key
   * @param {() => void} changed
   */
  watch(key, changed) {
    if (this.#watchers.empty) {
      globalThis.addEventListener?.("storage", /** @type {EventListener} */ (this.#onStorage));
      this.#channel = this.#listen();
    }
    const end = this.#watchers.add(key, changed);
    return () => {
      end();
      if (!this.#watchers.empty) return;
      globalThis.removeEventListener?.("storage", /** @type {EventListener} */ (this.#onStorage));
      this.#channel?.close();
      this.#channel = undefined;
    };
  }

  #listen() {
    try {
      return new Channel(this.#scope(), (name) => this.#watchers.tell(name));
    } catch {
      // Storage is blocked, which the other methods report, so no change can be received.
      return undefined;
    }
  }

  /**
   * Acquires a lease without Web Locks: a tab that finds its own claim after a delay has the lease. If the browser
   * takes longer to propagate the claims, two tabs may both have it, and the fence decides.
   * @param {string} key
   * @param {number} ttlMs
   * @returns {Promise<Lease | undefined>}
   */
  async #leaseByClaim(key, ttlMs) {
    const before = this.#lease(key);
    if (isHeld(before)) return undefined;
    const owner = uniqueName();
    const fence = nextFence(before.fence);
    this.#write("lease", key, { fence, until: Date.now() + ttlMs, ttlMs, owner });
    await new Promise((resolve) => setTimeout(resolve, Math.min(CLAIM_MS, ttlMs)));
    const isOwn = () => this.#lease(key).owner === owner;
    if (!isOwn()) return undefined;
    return {
      fence,
      release: async () => {
        if (isOwn()) this.#write("lease", key, { fence, until: 0, ttlMs: 0 });
      },
    };
  }

  /** @param {StorageEvent} event */
  #stored({ storageArea, key }) {
    const storage = this.#guarded((own) => own);
    if (storageArea !== null && storageArea !== storage) return;
    // `key` is null after `clear()`.
    if (key === null) return this.#watchers.tellAll();
    const start = this.#item("token", "");
    if (key.startsWith(start)) this.#watchers.tell(key.slice(start.length));
  }

  /** @param {string} key */
  #announce(key) {
    if (this.#channel !== undefined) return this.#channel.post(key);
    const channel = new Channel(this.#scope());
    channel.post(key);
    channel.close();
  }

  /** Returns the scope of this storage: the origin, or the tab. */
  #scope() {
    return this.#guarded((storage) => {
      const { sessionStorage } = /** @type {{ sessionStorage?: Storage }} */ (globalThis);
      if (storage !== sessionStorage) return `storage:${this.#prefix}`;
      const item = `${this.#prefix}tab`;
      let tab = storage.getItem(item);
      if (tab === null) storage.setItem(item, (tab = uniqueName()));
      return `storage:${this.#prefix}${tab}:`;
    });
  }

  /** Returns the name of the locks of a key. @param {string} key */
  #name(key) {
    return this.#scope() + key;
  }

  /**
   * @param {string} key
   * @returns {LeaseRecord & { owner?: string }}
   */
  #lease(key) {
    const { fence, until, ttlMs, owner } = /** @type {any} */ (parse(this.#read("lease", key)));
    // A damaged fence starts at 0, but the lease is held for the recorded time.
    const isRight = Number.isFinite(until) && Number.isFinite(ttlMs);
    return isRight
      ? { fence: isFence(fence) ? fence : 0, until, ttlMs, owner }
      : { fence: 0, until: 0, ttlMs: 0 };
  }

  /**
   * @param {"token" | "lease"} kind
   * @param {string} key
   */
  #read(kind, key) {
    return this.#guarded((storage) => storage.getItem(this.#item(kind, key)));
  }

  /**
   * @param {"token" | "lease"} kind
   * @param {string} key
   * @param {object} content
   */
  #write(kind, key, content) {
    this.#guarded((storage) => storage.setItem(this.#item(kind, key), JSON.stringify(content)));
  }

  /**
   * @param {"token" | "lease"} kind
   * @param {string} key
   */
  #item(kind, key) {
    return `${this.#prefix}${kind}:${key}`;
  }

  /**
   * @template T
   * @param {(storage: Storage) => T} action
   * @returns {T}
   */
  #guarded(action) {
    try {
      const storage = this.#open();
      // Some embedded browsers have no storage.
      if (!storage) throw new Error("there is no storage");
      return action(storage);
    } catch (error) {
      const { name } = /** @type {{ name?: string }} */ (Object(error));
      if (name === "QuotaExceededError" || name === "NS_ERROR_DOM_QUOTA_REACHED") {
        throw new StoreError("full", `the page's storage is full (${name}); nothing was written`);
      }
      throw new StoreError("blocked", `the browser does not let this page use its storage (${name})`);
    }
  }
}

/**
 * @param {string | null} text
 * @returns {object}
 */
function parse(text) {
  if (text === null || !isSmall(text.slice(0, text.length - OVERHEAD))) return {};
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** Largest size of an entry without its value, in characters. */
const OVERHEAD = 64;
