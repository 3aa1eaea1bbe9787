/**
 * A map of limited size that evicts its oldest entries.
 *
 * @module
 */

/**
 * @template T
 * @extends {Map<string, T>}
 */
export class BoundedMap extends Map {
  #most;

  /** @param {number} [most] Maximum number of entries. 1,000 is more than a test creates. */
  constructor(most = 1_000) {
    super();
    this.#most = most;
  }

  /**
   * @param {string} key
   * @param {T} value
   * @override
   */
  set(key, value) {
    super.set(key, value);
    if (this.size > this.#most) {
      // A Map iterates in insertion order, so the first key is the oldest.
      for (const oldest of this.keys()) {
        this.delete(oldest);
        break;
      }
    }
    return this;
  }
}
