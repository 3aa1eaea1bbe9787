// An instance of the core, and the detection of a crash.

import { microtask } from "./microtask.js";

/** @typedef {typeof import("#glue").NativeManager} NativeManagerClass */

/**
 * An instance of the WebAssembly module.
 *
 * A panic in Rust, an exhausted stack or a replaced built-in that throws ends a call in the middle of a state change.
 * The memory of the instance may then be inconsistent, so the instance is not called again, and its users start
 * another.
 */
export class CoreInstance {
  /** Set once the instance has crashed. */
  failed = false;

  /** @type {Set<() => void>} */
  #watchers = new Set();

  /** @param {NativeManagerClass} NativeManager */
  constructor(NativeManager) {
    this.NativeManager = NativeManager;
  }

  /**
   * Calls `failed` in a microtask after the instance has crashed.
   *
   * @param {() => void} failed
   * @returns {() => void} removes the callback
   */
  watch(failed) {
    this.#watchers.add(failed);
    return () => this.#watchers.delete(failed);
  }

  /**
   * Wraps the exports of the instance so that none of them runs once one of them has thrown. An error that Rust returns
   * is thrown by the glue, outside these wrappers, and does not count as a crash.
   *
   * @param {WebAssembly.Exports} exports
   * @returns {object}
   */
  guarded(exports) {
    const guard = (/** @type {[string, unknown]} */ [name, value]) => {
      if (typeof value !== "function") return [name, value];
      // Timers, promises, events and finalizers call these exports, where an exception would be uncaught.
      const byEngine = /closure|free/.test(name);
      return [
        name,
        (/** @type {unknown[]} */ ...args) => {
          // The glue destructures the result of a closure, so an array must be returned.
          if (this.failed && byEngine) return [];
          if (this.failed) throw new Error("this core crashed");
          try {
            return value(...args);
          } catch (error) {
            // Set before anything is called, because the stack may be exhausted.
            this.failed = true;
            microtask(() => this.#notify());
            if (!byEngine) throw error;
            return [];
          }
        },
      ];
    };
    return Object.fromEntries(Object.entries(exports).map(guard));
  }

  /** Notifies the watchers of a crash. */
  #notify() {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
