// An instance of the core that may break off, and whoever wants to know of it.

import { microtask } from "./microtask.js";

/** @typedef {typeof import("#glue").NativeManager} NativeManagerClass */

/**
 * An instance of the module.
 *
 * A panic in Rust, an exhausted stack or a built-in that was replaced by one that
 * throws breaks off in the middle of a change. What is in memory then cannot be
 * trusted: the instance is left as it is, and whoever used it starts another.
 */
export class Running {
  /** Whether it broke off. */
  failed = false;

  /** @type {Set<() => void>} */
  #watchers = new Set();

  /** @param {NativeManagerClass} NativeManager */
  constructor(NativeManager) {
    this.NativeManager = NativeManager;
  }

  /**
   * Calls `failed` when it breaks off.
   *
   * @param {() => void} failed
   * @returns {() => void} ends it
   */
  watch(failed) {
    this.#watchers.add(failed);
    return () => this.#watchers.delete(failed);
  }

  /**
   * The exports of the instance, which no longer run once one of them has thrown.
   * What Rust returns as an error is thrown by the glue, and so does not come here.
   *
   * @param {WebAssembly.Exports} exports
   * @returns {object}
   */
  guarded(exports) {
    const guard = (/** @type {[string, unknown]} */ [name, value]) => {
      if (typeof value !== "function") return [name, value];
      // Timers, promises, events and finalizers call these: an exception would be uncaught.
      const byEngine = /closure|free/.test(name);
      return [
        name,
        (/** @type {unknown[]} */ ...args) => {
          // The glue takes errors out of what closures return.
          if (this.failed && byEngine) return [];
          if (this.failed) throw new Error("this core broke off");
          try {
            return value(...args);
          } catch (error) {
            // First of all, and without a call: the stack may be exhausted.
            this.failed = true;
            microtask(() => this.#tell());
            if (!byEngine) throw error;
            return [];
          }
        },
      ];
    };
    return Object.fromEntries(Object.entries(exports).map(guard));
  }

  #tell() {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
