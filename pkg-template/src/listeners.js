// Event listeners of a manager and its sessions.

import { inRootContext } from "./root-context.js";
import { EVENT_TYPES } from "./tables.js";
import { TokenError, errorOf } from "./token-error.js";
import { handled } from "../stores/foreign-promise.js";

/** @typedef {import("../index.js").TokenEvent} TokenEvent */
/** @typedef {(event: any, target: any) => unknown} Listener */

/**
 * @typedef {object} Entry
 * @property {string} type
 * @property {Listener} listener
 * @property {unknown} selector of the session to which the listener is limited; `undefined` for all sessions
 * @property {{ deref(): object | undefined }} target the manager or session that it was added to, unless it was
 *   collected
 */

/** The listeners of a manager and its sessions. */
export class Listeners {
  /** @type {Entry[]} */
  #entries = [];
  #warned;

  /** @param {(warning: object) => void} warned called before the listeners of a warning that originates here */
  constructor(warned) {
    this.#warned = warned;
  }

  /**
   * @param {Entry} entry
   * @returns {() => void} removes the listener
   */
  add(entry) {
    const { type, listener } = entry;
    if (!EVENT_TYPES.includes(type)) {
      throw new TokenError(
        "invalid_options",
        `there is no such event; give one of ${EVENT_TYPES.join(", ")}`,
      );
    }
    if (typeof listener !== "function") {
      throw new TokenError("invalid_options", `the listener for \`${type}\` is no function; give one`);
    }
    this.#entries = [...this.#entries, entry];
    return () => {
      this.#entries = this.#entries.filter((other) => other !== entry);
    };
  }

  /**
   * Returns whether an event would reach a listener.
   *
   * @param {string} type
   * @param {unknown} selector of the event's session
   */
  has(type, selector) {
    return this.#entries.some(
      (entry) => entry.type === type && (entry.selector === undefined || entry.selector === selector),
    );
  }

  /**
   * Calls the listeners that were added before the event and are not removed by an earlier one. The failure of a
   * listener, by an exception or a rejected promise, emits a `warning` and does not affect the others.
   *
   * @param {any} fields
   * @param {unknown} selector of the event's session; `undefined` for all
   */
  notify(fields, selector) {
    const event = Object.freeze(fields.error ? { ...fields, error: errorOf(fields.error) } : fields);
    for (const entry of this.#entries) {
      const { type } = entry;
      const isOfSession =
        entry.selector === undefined || selector === undefined || entry.selector === selector;
      if (type === event.type && isOfSession && this.#entries.includes(entry)) this.#call(entry, event);
    }
  }

  /**
   * Emits `close` to the listeners of one session and removes them.
   *
   * @param {unknown} selector
   */
  end(selector) {
    const ended = this.#entries.filter((entry) => entry.selector === selector);
    for (const entry of ended)
      if (entry.type === "close") this.#call(entry, Object.freeze({ type: "close" }));
    this.#entries = this.#entries.filter((entry) => !ended.includes(entry));
  }

  clear() {
    this.#entries = [];
  }

  /** Calls a listener and reports its failure. @param {Entry} entry @param {any} event */
  #call(entry, event) {
    const { type, listener } = entry;
    const target = entry.target.deref();
    // The target was collected. Its manager will be closed, and only that event is still delivered.
    if (target === undefined && type !== "close") return;
    const report = () => this.#report(type);
    let result;
    try {
      result = inRootContext(() => listener(event, target));
    } catch {
      report();
      return;
    }
    // Not `Promise.resolve`: it returns a promise unchanged, and the class or `then` of a user-supplied promise may
    // throw.
    if (Object(result) === result) new Promise((resolve) => resolve(handled(result))).then(undefined, report);
  }

  /** Emits a warning for the failure of a listener. @param {string} type */
  #report(type) {
    // A listener for warnings that throws would cause warnings without end.
    if (type === "warning") return;
    const message = `a listener for \`${type}\` threw; catch errors in it`;
    const warning = { type: "warning", code: "listener_failed", message };
    this.#warned(warning);
    this.notify(warning, undefined);
  }
}
