/**
 * A store for managers in one process.
 *
 * @module
 */

import assert from "node:assert/strict";

/**
 * An in-memory store with leases and notices. Its methods are those of a class, so they depend on `this`.
 */
export class SharedMap {
  /** @type {Map<string, string>} */
  entries = new Map();
  /** The fences of the leases that are held, by key. @type {Map<string, number>} */
  leases = new Map();
  /** The last fence of each key. @type {Map<string, number>} */
  fences = new Map();
  /** Names of the calls, in order. @type {string[]} */
  calls = [];
  /** @type {Set<() => void>} */
  watchers = new Set();
  /** Awaited before each call. @type {(method: string) => unknown} */
  before = () => undefined;

  /** @param {string} key */
  async get(key) {
    this.calls.push("get");
    await this.before("get");
    return this.entries.get(key);
  }

  /** @param {string} key @param {string} value @param {number} expiresAt @param {number} [fence] */
  async set(key, value, expiresAt, fence) {
    this.calls.push("set");
    await this.before("set");
    assert.ok(expiresAt > Date.now());
    if (fence !== undefined && fence < (this.fences.get(key) ?? 0)) return false;
    this.entries.set(key, value);
    for (const changed of this.watchers) changed();
    return true;
  }

  /** @param {string} key */
  async delete(key) {
    this.entries.delete(key);
  }

  /** @param {string} key @param {number} ttlMs */
  async acquire(key, ttlMs) {
    this.calls.push("acquire");
    await this.before("acquire");
    assert.ok(ttlMs > 0);
    if (this.leases.has(key)) return undefined;
    const fence = (this.fences.get(key) ?? 0) + 1;
    this.fences.set(key, fence);
    this.leases.set(key, fence);
    return {
      fence,
      release: async () => {
        this.calls.push("release");
        if (this.leases.get(key) === fence) this.leases.delete(key);
      },
    };
  }

  /** Whether a holder has a lease. */
  get isLeased() {
    return this.leases.size > 0;
  }

  /** @param {string} _key @param {() => void} changed */
  watch(_key, changed) {
    this.watchers.add(changed);
    return () => void this.watchers.delete(changed);
  }
}
