// The status of a session: one frozen object until something of it changes, and the `change` event that says so.

import { microtask } from "./microtask.js";
import { startTimer, stopTimer } from "./outside.js";

/** @typedef {import("../index.js").Status} Status */
/** @typedef {import("./desk.js").Desk} Desk */

/**
 * The status that a desk returned last, and what it was made of.
 *
 * @typedef {object} Shown
 * @property {Status} status
 * @property {string} text
 * @property {Desk["held"]} held
 * @property {number | undefined} dueAt when the token becomes due for a refresh, by the device's clock
 */

/**
 * The status of a desk: the object that it returned last where all fields are the same, else a new one.
 *
 * @param {Desk} desk
 * @param {any} fields as `status_view` of src/js/views.rs has them
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
    // Changes all the time, and so is computed where it is read.
    const get = () => (desk.held === held ? Math.max(0, desk.validUntil - desk.office.now()) : 0);
    Object.defineProperty(fields, "expiresInMs", { enumerable: true, get });
  }
  Object.freeze(fields.lastError?.missingScopes);
  Object.freeze(fields.lastError);
  return Object.freeze(fields);
}

/**
 * The desks whose status has listeners.
 *
 * The core reports each event that may have changed something; the status is then compared with the one that listeners
 * know, once for any number of events. What changes by the clock alone has a timer of its own, at most one for each desk.
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
   * @returns {() => void} ends it
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

  /** Something may have changed. */
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

  /** The core itself wakes at the expiry; when a refresh is due only where it is to refresh then. @param {Desk} desk */
  #arm(desk) {
    const entry = this.#desks.get(desk);
    if (entry === undefined) return;
    stopTimer(entry.timer);
    entry.timer = undefined;
    const { status, dueAt } = desk.shown ?? {};
    // No timer outlives a request in Workers.
    if (status?.state !== "fresh" || dueAt === undefined || desk.office.ioEndsWithRequest) return;
    // At least a second, should the timer's clock be ahead.
    const delay = Math.min(Math.max(dueAt - Date.now(), 1_000), 2 ** 31 - 1);
    entry.timer = startTimer(() => this.#compare(desk), delay, false);
  }
}
