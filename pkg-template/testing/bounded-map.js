/**
 * A map of limited size, whose oldest entries make room for new ones.
 *
 * @module
 */

/**
 * @template T
 * @extends {Map<string, T>}
 */
export class BoundedMap extends Map {
  #most;

  /** @param {number} [most] Most entries kept. 1,000 holds every object that a test makes. */
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
      // A Map iterates in the order of insertion, so the first key is the oldest.
      for (const oldest of this.keys()) {
        this.delete(oldest);
        break;
      }
    }
    return this;
  }
}
