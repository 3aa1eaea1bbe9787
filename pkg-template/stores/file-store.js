// A store in a folder that the processes of one machine share.
//
// This module defines the meaning of the files; `entry-directory.js` reads and writes them. Files are never modified in
// place, and no lock file can outlive a crash. Each lease has a number, its fence, and a write under the lease
// replaces the file of that number. The next lease first carries the entry over to a file of its own number; from then
// on, readers ignore the old file. A late write is therefore lost, even if its process was suspended between checking
// and writing.

import {
  checkFence,
  checkSpan,
  checkValue,
  isHeld,
  isOver,
  uniqueName,
  Watchers,
  wrongOption,
} from "./common.js";
import { Folder } from "./entry-directory.js";
import { isProcessGone, ownProcess } from "./process-identity.js";
import { FolderWatch } from "./file-watch.js";

/** @import { Lease, SharedStore } from "graphql-token-manager" */
/** @import { FileStoreOptions } from "./file.js" */

/**
 * See `file.d.ts`.
 * @param {FileStoreOptions} options
 * @returns {SharedStore}
 */
export function fileStore(options) {
  return new FileStore(options);
}

/** Number of leases that a write without a fence follows. One lease during a write is rare; two are a coincidence. */
const MAX_FOLLOWED = 20;

/** @implements {SharedStore} */
class FileStore {
  #folder;
  #pollMs;
  #watchers = new Watchers();
  /**
   * The watch of each folder that contains watched keys, and these keys by the prefix of their file names.
   * @type {Map<string, { watch: FolderWatch, keys: Map<string, string> }>}
   */
  #places = new Map();
  /**
   * The last known stamp of each watched key, so that only changes are reported, and not those of this store.
   * @type {Map<string, string | undefined>}
   */
  #seen = new Map();
  /**
   * The previous stamp of each key that this store is writing: readers may still find it during the write.
   * @type {Map<string, { stamp: string | undefined }>}
   */
  #replacing = new Map();

  /** @param {FileStoreOptions} options */
  constructor({ path, pollMs = 5_000, onWarning }) {
    if (typeof path !== "string" || path === "") throw wrongOption("`path` must name a folder");
    if (!(pollMs > 0)) throw wrongOption("`pollMs` must be a number of milliseconds above 0");
    this.#folder = new Folder(path, onWarning);
    this.#pollMs = pollMs;
  }

  /** @param {string} key */
  async get(key) {
    const entry = await this.#folder.newest(key);
    return entry === undefined || isOver(entry.expiresAt) ? undefined : entry.value;
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
    if (fence === undefined) return this.#write(key, value, expiresAt);
    await this.#folder.make(key);
    if ((await this.#folder.list(key)).last > fence) return false;
    return (await this.#put(key, fence, value, expiresAt)) === undefined;
  }

  /** @param {string} key */
  async delete(key) {
    if ((await this.#folder.list(key)).value === 0) return;
    await this.#write(key, undefined, 0);
  }

  /**
   * @param {string} key
   * @param {number} ttlMs
   * @returns {Promise<Lease | undefined>}
   */
  async acquire(key, ttlMs) {
    checkSpan(ttlMs);
    const folder = this.#folder;
    await folder.make(key);
    const before = await folder.list(key);
    if (before.lease === before.last && (await this.#isTaken(key, before.lease))) return undefined;

    // Exactly one of the processes that saw the same files creates the file of this number.
    const fence = (before.last || (await folder.epoch(key))) + 1;
    const until = Date.now() + ttlMs;
    if (!(await folder.addLease(key, fence, { ...ownProcess(), until, ttlMs }))) return undefined;
    // A process with an outdated listing may have created a file for a number that is already superseded.
    const granted = await this.#migrateRecord(key, fence).catch((error) => error);
    if (granted !== true || Date.now() >= until) {
      await folder.removeLease(key, fence);
      if (typeof granted !== "boolean") throw granted;
      return undefined;
    }
    await folder.removeBelow(key, fence);
    /** @type {Promise<void> | undefined} */
    let released;
    return { fence, release: () => (released ??= folder.removeLease(key, fence)) };
  }

  /**
   * @param {string} key
   * @param {() => void} changed
   */
  watch(key, changed) {
    if (!this.#watchers.has(key)) this.#startWatching(key);
    const end = this.#watchers.add(key, changed);
    return () => {
      end();
      if (!this.#watchers.has(key)) this.#endWatching(key);
    };
  }

  /** @param {string} key */
  #startWatching(key) {
    const path = this.#folder.place(key);
    let place = this.#places.get(path);
    if (place === undefined) {
      this.#folder.makeNow(key);
      /** @type {Map<string, string>} */
      const keys = new Map();
      const watch = new FolderWatch(path, this.#pollMs, (prefix) => this.#look(keys, prefix));
      this.#places.set(path, (place = { watch, keys }));
      watch.start();
    }
    place.keys.set(this.#folder.prefix(key), key);
    this.#seen.set(key, this.#folder.stampNow(key));
  }

  /** @param {string} key */
  #endWatching(key) {
    const path = this.#folder.place(key);
    const place = this.#places.get(path);
    place?.keys.delete(this.#folder.prefix(key));
    this.#seen.delete(key);
    if (place?.keys.size !== 0) return;
    place.watch.stop();
    this.#places.delete(path);
  }

  /**
   * @param {string} key
   * @param {number} number
   */
  async #isTaken(key, number) {
    if (number === 0) return false;
    const lease = await this.#folder.lease(key, number);
    // Lease files are created atomically: a damaged one outlived a crash of the machine, which ended its holder.
    return lease !== undefined && isHeld(lease) && !isProcessGone(lease);
  }

  /**
   * Carries the current entry over to this lease. Returns whether no other lease was granted meanwhile.
   * @param {string} key
   * @param {number} fence
   */
  async #migrateRecord(key, fence) {
    const { value, last } = await this.#folder.list(key);
    if (last !== fence || value >= fence) return false;
    return this.#folder.migrateRecord(key, value, fence);
  }

  /**
   * Writes an entry regardless of leases.
   * @param {string} key
   * @param {string | undefined} value
   * @param {number} expiresAt
   */
  async #write(key, value, expiresAt) {
    await this.#folder.make(key);
    let number = (await this.#folder.list(key)).value || (await this.#folder.epoch(key));
    for (let count = 0; count < MAX_FOLLOWED; count += 1) {
      const later = await this.#put(key, number, value, expiresAt);
      if (later === undefined) return true;
      number = later;
    }
    return false;
  }

  /**
   * Writes the entry of a number. Returns the number that readers use instead, if a later one superseded it.
   * @param {string} key
   * @param {number} number
   * @param {string | undefined} value
   * @param {number} expiresAt
   */
  async #put(key, number, value, expiresAt) {
    const stamp = uniqueName();
    // Updated before a watcher can read the file.
    if (this.#seen.has(key)) {
      this.#replacing.set(key, { stamp: this.#seen.get(key) });
      this.#seen.set(key, stamp);
    }
    const putting = this.#folder.put(key, number, { value, expiresAt, stamp });
    const file = await putting.finally(() => this.#replacing.delete(key));
    const { value: newest } = await this.#folder.list(key);
    // If the next lease carried this file over, readers still find it.
    return newest > number && !(await this.#folder.isSame(key, newest, file)) ? newest : undefined;
  }

  /**
   * Notifies the watchers of a key if it changed; checks all keys if the changed one is unknown.
   * @param {Map<string, string>} keys
   * @param {string | undefined} prefix
   */
  async #look(keys, prefix) {
    const named = prefix === undefined ? [...keys.values()] : [keys.get(prefix)];
    for (const key of named) {
      if (key === undefined) continue;
      const before = this.#seen.get(key);
      const replaced = this.#replacing.get(key);
      const stamp = await this.#folder.newest(key).then(
        (entry) => entry?.stamp,
        () => undefined,
      );
      if (replaced !== undefined && stamp === replaced.stamp) continue;
      // Ignored if this store wrote the key while it was read, or if the key is no longer watched.
      if (stamp === before || this.#seen.get(key) !== before || !this.#seen.has(key)) continue;
      this.#seen.set(key, stamp);
      this.#watchers.tell(key);
    }
  }
}
