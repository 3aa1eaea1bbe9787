// Limits the number of distinct scope sets for each identity: each set costs a session, a grant and its refreshes.

import { RateLimit } from "./rate-limit.js";

/** The default time for which a manager keeps an idle session. */
const SPAN_MS = 900_000;

/** Far more sets than the operations of a page need, and far fewer than the subsets of ten scopes. */
const NEW_SETS = { requests: 64, perMs: SPAN_MS };

/** The most sets that are kept. The least recently used is removed, and counts as new when it is used again. */
const REMEMBERED = 10_000;

/** The scope sets that were requested recently, with a rate limit for new ones. */
export class ScopeSets {
  /** The time of the last request for each set. @type {Map<string, number>} */
  #used = new Map();
  #new = new RateLimit(NEW_SETS);

  /**
   * Counts a set, if it is new and the limit permits it.
   *
   * @param {string} identity
   * @param {readonly string[]} scopes
   * @returns {number} 0 if the set is permitted, otherwise the milliseconds after which it would be
   */
  take(identity, scopes) {
    const now = Date.now();
    const set = `${identity} ${[...scopes].sort().join(" ")}`;
    const used = this.#used.get(set);
    const isNew = used === undefined || Math.abs(now - used) > SPAN_MS;
    const wait = isNew ? this.#new.take(identity) : 0;
    if (wait > 0) return wait;
    this.#used.delete(set);
    this.#used.set(set, now);
    if (this.#used.size > REMEMBERED) {
      this.#used.delete(/** @type {string} */ (this.#used.keys().next().value));
    }
    return 0;
  }
}
