// Who is told what has happened.

import { TokenError, errorOf } from "./token-error.js";

/** @typedef {import("../index.js").TokenEvent} TokenEvent */
/** @typedef {(event: any) => unknown} Listener */

const TYPES = ["token", "retry", "error", "expired", "warning", "close"];

export class Listeners {
  /** @type {{ type: string, listener: Listener }[]} */
  #entries = [];

  /**
   * @param {string} type
   * @param {Listener} listener
   * @returns {() => void}
   */
  add(type, listener) {
    if (!TYPES.includes(type)) {
      throw new TokenError("invalid_options", `there is no such event; give one of ${TYPES.join(", ")}`);
    }
    if (typeof listener !== "function") {
      throw new TokenError("invalid_options", `the listener for \`${type}\` is no function; give one`);
    }
    const entry = { type, listener };
    this.#entries = [...this.#entries, entry];
    return () => {
      this.#entries = this.#entries.filter((other) => other !== entry);
    };
  }

  /**
   * Tells all who listen now, and still do when it is their turn. One that throws, at
   * once or later, disturbs nobody; a `warning` says so.
   *
   * @param {any} fields
   */
  notify(fields) {
    const event = Object.freeze(fields.error ? { ...fields, error: errorOf(fields.error) } : fields);
    for (const entry of this.#entries) {
      const { type, listener } = entry;
      if (type !== event.type || !this.#entries.includes(entry)) continue;
      const report = () => this.#report(type);
      try {
        const result = /** @type {any} */ (listener(event));
        if (typeof result?.then === "function") Promise.resolve(result).catch(report);
      } catch {
        report();
      }
    }
  }

  clear() {
    this.#entries = [];
  }

  /** @param {string} type */
  #report(type) {
    // A listener for warnings that throws would be told of itself for ever.
    if (type === "warning") return;
    const message = `a listener for \`${type}\` threw; catch errors in it`;
    this.notify({ type: "warning", code: "listener_failed", message });
  }
}
