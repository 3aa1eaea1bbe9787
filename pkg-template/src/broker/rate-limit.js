// GCRA rate limiter: a burst of `requests`, replenished evenly over `perMs`.

/** How many subjects are remembered at least, if so many are busy. */
const KEPT = 10_000;

/** One more than this, and the least busy are forgotten: rarely, because that takes a sort. */
const FULL = KEPT + KEPT / 10;

/**
 * @typedef {object} Usage
 * @property {number} busyUntil when all that was allowed would be through at an even pace: the theoretical arrival time
 * @property {number} requests how many were made since it was idle, rejected ones included
 */

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
   * Counts a request of a subject, if it may be made.
   *
   * @param {string} subject
   * @returns {number} 0, or after how many milliseconds it may be made
   */
  take(subject) {
    const now = Date.now();
    const known = this.#usage.get(subject);
    const isBusy = known !== undefined && known.busyUntil > now;
    // Never further ahead than the span: where the clock was set back, nobody waits for it to catch up.
    const busyUntil = isBusy ? Math.min(known.busyUntil, now + this.#perMs) : now;
    const wait = busyUntil + this.#paceMs - this.#perMs - now;
    // Parts of a millisecond are not waited for.
    const isAllowed = wait <= 0.5;
    this.#usage.set(subject, {
      busyUntil: isAllowed ? busyUntil + this.#paceMs : busyUntil,
      requests: isBusy ? known.requests + 1 : 1,
    });
    if (this.#usage.size > FULL) this.#forget(now);
    return isAllowed ? 0 : wait;
  }

  /**
   * Forgets subjects that are idle, for whom nothing changes, and the least busy of too many: a subject that makes
   * others up cannot have its own limit forgotten.
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
