// The status of a session, which is the same frozen object until a field changes, and the `change` event.

import { microtask } from "./microtask.js";
import { startTimer, stopTimer } from "./timers.js";

/** @typedef {import("../index.js").Status} Status */
/** @typedef {import("./session-handle.js").SessionHandle} SessionHandle */

/**
 * The status that a session returned last, and the values it was computed from.
 *
 * @typedef {object} LastStatus
 * @property {Status} status
 * @property {string} text
 * @property {SessionHandle["token"]} token
 * @property {number | undefined} dueAt when the token becomes due for a refresh, by the device's clock
 */

/**
 * Returns the status of a session: the previous object if all fields are equal, otherwise a new one.
 *
 * @param {SessionHandle} handle
 * @param {any} fields the result of `status_to_js` in src/js/convert.rs
 * @returns {Status}
 */
export function statusOf(handle, { dueAt, ...fields }) {
  const { token, lastStatus } = handle;
  const text = JSON.stringify(fields);
  const status =
    lastStatus?.text === text && lastStatus.token === token ? lastStatus.status : frozen(handle, fields);
  handle.lastStatus = { status, text, token, dueAt };
  return status;
}

/**
 * @param {SessionHandle} handle
 * @param {any} fields
 * @returns {Status}
 */
function frozen(handle, fields) {
  const { token } = handle;
  if (token !== undefined) {
    // This value changes continuously, so it is computed when it is read.
    const get = () => (handle.token === token ? Math.max(0, handle.validUntil - handle.runtime.now()) : 0);
    Object.defineProperty(fields, "expiresInMs", { enumerable: true, get });
  }
  Object.freeze(fields.lastError?.missingScopes);
  fields.lastError?.providerErrors?.forEach(Object.freeze);
  Object.freeze(fields.lastError?.providerErrors);
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
  /** @type {Map<SessionHandle, { listeners: number, known: Status, timer: any }>} */
  #handles = new Map();
  #isScheduled = false;
  #notify;

  /** @param {(handle: SessionHandle) => void} notify */
  constructor(notify) {
    this.#notify = notify;
  }

  /**
   * @param {SessionHandle} handle
   * @returns {() => void} stops watching
   */
  watch(handle) {
    const entry = this.#handles.get(handle) ?? { listeners: 0, known: handle.status(), timer: undefined };
    entry.listeners++;
    this.#handles.set(handle, entry);
    this.#arm(handle);
    let isEnded = false;
    return () => {
      if (isEnded) return;
      isEnded = true;
      entry.listeners--;
      if (entry.listeners > 0) return;
      stopTimer(entry.timer);
      this.#handles.delete(handle);
    };
  }

  /** Schedules a comparison. Called after an event that may have changed a status. */
  check() {
    if (this.#handles.size === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    microtask(() => {
      this.#isScheduled = false;
      for (const handle of [...this.#handles.keys()]) this.#compare(handle);
    });
  }

  clear() {
    for (const { timer } of this.#handles.values()) stopTimer(timer);
    this.#handles.clear();
  }

  /** @param {SessionHandle} handle */
  #compare(handle) {
    const entry = this.#handles.get(handle);
    if (entry === undefined || handle.isClosed) return;
    const status = handle.status();
    this.#arm(handle);
    if (status === entry.known) return;
    entry.known = status;
    this.#notify(handle);
  }

  /**
   * Sets the timer for the time at which a refresh becomes due. The core has a timer for that only where it refreshes
   * in the background, and always one for the expiry.
   *
   * @param {SessionHandle} handle
   */
  #arm(handle) {
    const entry = this.#handles.get(handle);
    if (entry === undefined) return;
    stopTimer(entry.timer);
    entry.timer = undefined;
    const { status, dueAt } = handle.lastStatus ?? {};
    // In Workers, timers end with their request.
    if (status?.state !== "fresh" || dueAt === undefined || handle.runtime.ioEndsWithRequest) return;
    // At least one second, in case the timer fires early by the wall clock. At most the largest delay of a timer.
    const delay = Math.min(Math.max(dueAt - Date.now(), 1_000), 2 ** 31 - 1);
    entry.timer = startTimer(() => this.#compare(handle), delay, false);
  }
}
