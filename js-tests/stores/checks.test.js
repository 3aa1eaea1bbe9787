// The store checks detect incorrect stores.

import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkStore, storeChecks } from "graphql-token-manager/testing";
import { testConformance } from "./conformance.js";

/** @import { TokenStore } from "graphql-token-manager" */

/** State shared by the holders of an in-memory store. */
class Memory {
  /** @type {Map<string, { value: string, expiresAt: number }>} */
  entries = new Map();
  /** @type {Map<string, { fence: number, until: number }>} */
  leases = new Map();
  /** @type {Set<{ key: string, holder: object, changed: () => void }>} */
  watchers = new Set();
}

/** A minimal correct store. @implements {TokenStore} */
class MemoryStore {
  /** @param {Memory} memory */
  constructor(memory) {
    this.memory = memory;
  }

  /** @param {string} key */
  get(key) {
    const { value, expiresAt = 0 } = this.memory.entries.get(key) ?? {};
    return expiresAt > Date.now() ? value : undefined;
  }

  /**
   * @param {string} key
   * @param {string} value
   * @param {number} expiresAt
   * @param {number} [fence]
   */
  async set(key, value, expiresAt, fence = Infinity) {
    if (value.length > 1024 * 1024) throw new Error("too large");
    if (fence < (this.memory.leases.get(key)?.fence ?? 0)) return false;
    this.memory.entries.set(key, { value, expiresAt });
    this.notify(key);
    return true;
  }

  /** @param {string} key */
  delete(key) {
    this.memory.entries.delete(key);
    this.notify(key);
  }

  /**
   * @param {string} key
   * @param {number} ttlMs
   */
  async acquire(key, ttlMs) {
    const before = this.memory.leases.get(key) ?? { fence: 0, until: 0 };
    if (before.until > Date.now()) return undefined;
    const lease = { fence: before.fence + 1, until: Date.now() + ttlMs };
    this.memory.leases.set(key, lease);
    return { fence: lease.fence, release: async () => void (lease.until = 0) };
  }

  /**
   * @param {string} key
   * @param {() => void} changed
   */
  watch(key, changed) {
    const watcher = { key, holder: this, changed };
    this.memory.watchers.add(watcher);
    return () => void this.memory.watchers.delete(watcher);
  }

  /** @param {string} key */
  notify(key) {
    for (const watcher of this.memory.watchers) {
      if (watcher.key === key && watcher.holder !== this) queueMicrotask(() => attempt(watcher.changed));
    }
  }
}

/** @param {() => void} action */
function attempt(action) {
  try {
    action();
  } catch {
    // Errors of a watcher are ignored.
  }
}

describe("a valid store", () => {
  const memory = new Memory();

  testConformance(() => new MemoryStore(memory));

  test("may lack leases and notifications", async () => {
    const checks = storeChecks(() => {
      const { get, set, delete: remove } = MemoryStore.prototype;
      const notify = () => {};
      return /** @type {any} */ ({ memory, get, set, delete: remove, notify });
    });

    const results = await Promise.all(checks.map(({ run }) => run()));

    assert.ok(results.includes("passed") && results.includes("not applicable"));
  });
});

/** @type {Record<string, (store: any) => void>} */
const MISTAKES = {
  "a value that does not expire": (store) => {
    store.get = (/** @type {string} */ key) => store.memory.entries.get(key)?.value;
  },
  "a separate store for each holder": (store) => {
    store.memory = new Memory();
  },
  "keys that collide": (store) => {
    const { get, set } = MemoryStore.prototype;
    store.get = (/** @type {string} */ key) => get.call(store, key.toLowerCase());
    store.set = (/** @type {string} */ key, /** @type {any[]} */ ...rest) =>
      set.call(store, key.toLowerCase(), .../** @type {[string, number]} */ (rest));
  },
  "no size limit": (store) => {
    store.set = (/** @type {string} */ key, /** @type {string} */ value, /** @type {any[]} */ ...rest) =>
      value.length > 1024 * 1024
        ? true
        : MemoryStore.prototype.set.call(store, key, value, .../** @type {[number]} */ (rest));
  },
  "a delete that does nothing": (store) => {
    store.delete = () => {};
  },
  "a fence that is ignored": (store) => {
    store.set = (/** @type {string} */ key, /** @type {string} */ value, /** @type {number} */ expiresAt) =>
      MemoryStore.prototype.set.call(store, key, value, expiresAt);
  },
  "a fence that takes effect only after a write": (store) => {
    const { acquire } = MemoryStore.prototype;
    store.acquire = async (/** @type {string} */ key, /** @type {number} */ ttlMs) => {
      const last = store.memory.leases.get(key)?.fence ?? 0;
      const lease = await acquire.call(store, key, ttlMs);
      if (lease !== undefined) store.memory.leases.get(key).fence = last;
      return lease;
    };
  },
  "a lease that is not exclusive": (store) => {
    store.acquire = async (/** @type {string} */ key, /** @type {number} */ ttlMs) => {
      store.memory.leases.get(key)?.until && (store.memory.leases.get(key).until = 0);
      return MemoryStore.prototype.acquire.call(store, key, ttlMs);
    };
  },
  "a lease that never ends": (store) => {
    store.acquire = (/** @type {string} */ key) => MemoryStore.prototype.acquire.call(store, key, Infinity);
  },
  "a lease that any holder releases": (store) => {
    store.acquire = async (/** @type {string} */ key, /** @type {number} */ ttlMs) => {
      const lease = await MemoryStore.prototype.acquire.call(store, key, ttlMs);
      return lease && { ...lease, release: async () => void (store.memory.leases.get(key).until = 0) };
    };
  },
  "fences that restart": (store) => {
    store.acquire = async (/** @type {string} */ key, /** @type {number} */ ttlMs) => {
      const lease = await MemoryStore.prototype.acquire.call(store, key, ttlMs);
      return lease && { ...lease, release: async () => void store.memory.leases.delete(key) };
    };
  },
  "a delete that removes the fence": (store) => {
    store.delete = (/** @type {string} */ key) => {
      MemoryStore.prototype.delete.call(store, key);
      store.memory.leases.delete(key);
    };
  },
  "no notifications": (store) => {
    store.watch = () => () => {};
  },
  "a watch that does not end": (store) => {
    store.watch = (/** @type {string} */ key, /** @type {() => void} */ changed) => {
      MemoryStore.prototype.watch.call(store, key, changed);
      return () => {};
    };
  },
};

describe("a faulty store is rejected:", { concurrency: true }, () => {
  for (const [name, breakStore] of Object.entries(MISTAKES)) {
    test(name, async () => {
      const memory = new Memory();
      const open = () => {
        const store = new MemoryStore(memory);
        breakStore(store);
        return store;
      };

      await assert.rejects(checkStore(open, { timeoutMs: 400 }), /does not do what stores promise:\n- /);
    });
  }
});
