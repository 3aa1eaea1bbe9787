// The status of a session, which is the same frozen object until a field changes, and the `change` event.

import { microtask } from "./microtask.js";
import { startTimer, stopTimer } from "./host-bindings.js";

/** @typedef {import("../index.js").Status} Status */
/** @typedef {import("./session-handle.js").Desk} Desk */

/**
 * The status that a session returned last, and the values it was computed from.
 *
 * @typedef {object} Shown
 * @property {Status} status
 * @property {string} text
 * @property {Desk["held"]} held
 * @property {number | undefined} dueAt when the token becomes due for a refresh, by the device's clock
 */

/**
 * Returns the status of a session: the previous object if all fields are equal, otherwise a new one.
 *
 * @param {Desk} desk
 * @param {any} fields the result of `status_view` in src/js/views.rs
 * @returns {Status}
 */
export function statusOf(desk, { dueAt, ...fields }) {
  const { held, shown } = desk;
  const text = JSON.stringify(fields);
  const status = shown?.text === text && shown.held === held ? shown.status : frozen(desk, fields);
  desk.shown = { status, text, held, dueAt };
  return status;
}

/**
 * @param {Desk} desk
 * @param {any} fields
 * @returns {Status}
 */
function frozen(desk, fields) {
  const { held } = desk;
  if (held !== undefined) {
    // This value changes continuously, so it is computed when it is read.
    const get = () => (desk.held === held ? Math.max(0, desk.validUntil - desk.office.now()) : 0);
    Object.defineProperty(fields, "expiresInMs", { enumerable: true, get });
  }
  Object.freeze(fields.lastError?.missingScopes);
  Object.freeze(fields.lastError);
  return Object.freeze(fields);
}

/**
 * The sessions with listeners for `change`.
 *
 * After any number of events that may have changed a status, the statuses are compared once with those that listeners
 * received last. A change by the passing of time alone has a timer, at most one for each session.
 */
export class StatusChanges {
  /** @type {Map<Desk, { listeners: number, known: Status, timer: any }>} */
  #desks = new Map();
  #isScheduled = false;
  #notify;

  /** @param {(desk: Desk) => void} notify */
  constructor(notify) {
    this.#notify = notify;
  }

  /**
   * @param {Desk} desk
   * @returns {() => void} stops watching
   */
  watch(desk) {
    const entry = this.#desks.get(desk) ?? { listeners: 0, known: desk.status(), timer: undefined };
    entry.listeners++;
    this.#desks.set(desk, entry);
    this.#arm(desk);
    let isEnded = false;
    return () => {
      if (isEnded) return;
      isEnded = true;
      entry.listeners--;
      if (entry.listeners > 0) return;
      stopTimer(entry.timer);
      this.#desks.delete(desk);
    };
  }

  /** Schedules a comparison. Called after an event that may have changed a status. */
  check() {
    if (this.#desks.size === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    microtask(() => {
      this.#isScheduled = false;
      for (const desk of [...this.#desks.keys()]) this.#compare(desk);
    });
  }

  clear() {
    for (const { timer } of this.#desks.values()) stopTimer(timer);
    this.#desks.clear();
  }

  /** @param {Desk} desk */
  #compare(desk) {
    const entry = this.#desks.get(desk);
    if (entry === undefined || desk.closed) return;
    const status = desk.status();
    this.#arm(desk);
    if (status === entry.known) return;
    entry.known = status;
    this.#notify(desk);
  }

  /**
   * Sets the timer for the time at which a refresh becomes due. The core has a timer for that only where it refreshes
   * in the background, and always one for the expiry.
   *
   * @param {Desk} desk
   */
  #arm(desk) {
    const entry = this.#desks.get(desk);
    if (entry === undefined) return;
    stopTimer(entry.timer);
    entry.timer = undefined;
    const { status, dueAt } = desk.shown ?? {};
    // In Workers, timers end with their request.
    if (status?.state !== "fresh" || dueAt === undefined || desk.office.ioEndsWithRequest) return;
    // At least one second, in case the timer fires early by the wall clock. At most the largest delay of a timer.
    const delay = Math.min(Math.max(dueAt - Date.now(), 1_000), 2 ** 31 - 1);
    entry.timer = startTimer(() => this.#compare(desk), delay, false);
  }
}
