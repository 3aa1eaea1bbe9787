// GCRA rate limiter: a burst of `requests`, replenished evenly over `perMs`.

/** The number of busy subjects that are kept. */
const KEPT = 10_000;

/** Above this number, the least busy subjects are removed. The margin makes that rare, because it requires a sort. */
const FULL = KEPT + KEPT / 10;

/**
 * The state of a subject.
 *
 * @typedef {object} Usage
 * @property {number} busyUntil GCRA's theoretical arrival time, in ms of `Date.now()`
 * @property {number} requests number of requests since the subject was last idle, including rejected ones
 */

/** A rate limiter for many subjects. */
export class RateLimit {
  /** @type {Map<string, Usage>} */
  #usage = new Map();
  #perMs;
  #paceMs;

  /** @param {{ requests: number, perMs: number }} limit */
  constructor({ requests, perMs }) {
    this.#perMs = perMs;
    this.#paceMs = perMs / requests;
  }

  /**
   * Counts a request of a subject, if the limit permits it.
   *
   * @param {string} subject
   * @returns {number} 0 if the request is permitted, otherwise the milliseconds after which it would be
   */
  take(subject) {
    const now = Date.now();
    const known = this.#usage.get(subject);
    const isBusy = known !== undefined && known.busyUntil > now;
    // Limited to one span ahead, so that subjects do not wait until a clock that was set back has caught up.
    const busyUntil = isBusy ? Math.min(known.busyUntil, now + this.#perMs) : now;
    const wait = busyUntil + this.#paceMs - this.#perMs - now;
    // Tolerates fractions of a millisecond.
    const isAllowed = wait <= 0.5;
    this.#usage.set(subject, {
      busyUntil: isAllowed ? busyUntil + this.#paceMs : busyUntil,
      requests: isBusy ? known.requests + 1 : 1,
    });
    if (this.#usage.size > FULL) this.#forget(now);
    return isAllowed ? 0 : wait;
  }

  /**
   * Removes idle subjects, which have their full burst again, and the least busy if there are too many. A client that
   * invents subjects therefore cannot reset its own limit.
   *
   * @param {number} now
   */
  #forget(now) {
    for (const [subject, { busyUntil }] of this.#usage) if (busyUntil <= now) this.#usage.delete(subject);
    const surplus = this.#usage.size - KEPT;
    if (surplus <= 0) return;
    const leastBusy = [...this.#usage].sort(
      ([, one], [, other]) => one.requests - other.requests || one.busyUntil - other.busyUntil,
    );
    for (const [subject] of leastBusy.slice(0, surplus)) this.#usage.delete(subject);
  }
}
