/** A cache as it is often written: a variable, and a fixed margin before the expiry. */
export class HandWrittenCache {
  #token = { value: "", expiresAt: 0 };
  #logIn;
  #marginMs;

  /**
   * @param {() => Promise<{ value: string, expiresAt: number }>} logIn
   * @param {number} marginMs
   */
  constructor(logIn, marginMs) {
    this.#logIn = logIn;
    this.#marginMs = marginMs;
  }

  async getToken() {
    if (Date.now() < this.#token.expiresAt - this.#marginMs) return this.#token.value;
    this.#token = await this.#logIn();
    return this.#token.value;
  }
}
