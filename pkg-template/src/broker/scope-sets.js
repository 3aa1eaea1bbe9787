// Limits how many different scope sets are asked for of one identity: each is a session, a grant and its refreshes.

import { RateLimit } from "./rate-limit.js";

/** As long as a manager keeps an idle session by default. */
const SPAN_MS = 900_000;

/** Far more than the operations of a page need, and far fewer than the subsets of some ten scopes. */
const NEW_SETS = { requests: 64, perMs: SPAN_MS };

/** How many sets are remembered; the least recently used is forgotten, and counts as new when it comes back. */
const REMEMBERED = 10_000;

export class ScopeSets {
  /** When each set was last asked for. @type {Map<string, number>} */
  #used = new Map();
  #new = new RateLimit(NEW_SETS);

  /**
   * Counts a set, if it is new and may be asked for.
   *
   * @param {string} identity
   * @param {readonly string[]} scopes
   * @returns {number} 0, or after how many milliseconds it may be asked for
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
