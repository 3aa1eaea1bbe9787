// How often somebody may ask: so many times at once, and so many again in each span.

/** How many are kept in mind; whoever asked longest ago goes first. */
const MOST = 10_000;

export class RateLimit {
  /** For each, when all that was asked for would be through at an even pace (GCRA). @type {Map<string, number>} */
  #through = new Map();
  #perMs;
  #paceMs;

  /** @param {{ requests: number, perMs: number }} limit */
  constructor({ requests, perMs }) {
    this.#perMs = perMs;
    this.#paceMs = perMs / requests;
  }

  /**
   * Counts a request, if it may be made.
   *
   * @param {string} who
   * @returns {number} 0, or after how many milliseconds it may be made
   */
  take(who) {
    const now = Date.now();
    // Never further ahead than the span: where the clock was set back, nobody waits for it to catch up.
    const through = Math.min(Math.max(this.#through.get(who) ?? now, now), now + this.#perMs);
    const wait = through + this.#paceMs - this.#perMs - now;
    // Parts of a millisecond are not waited for.
    if (wait > 0.5) return wait;
    this.#through.delete(who);
    this.#through.set(who, through + this.#paceMs);
    if (this.#through.size > MOST)
      this.#through.delete(/** @type {string} */ (this.#through.keys().next().value));
    return 0;
  }
}
