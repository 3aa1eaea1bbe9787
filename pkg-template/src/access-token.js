// The public token object. It is frozen, and its printed forms do not contain the token.

/** An access token. */
export class AccessToken {
  /** Minifiers rename the class, and consoles print its `name`. */
  static name = "AccessToken";

  #value;

  /**
   * @param {string} value
   * @param {readonly string[]} scopes
   * @param {number} issuedAt
   * @param {number} expiresAt
   * @param {string} tokenType
   */
  constructor(value, scopes, issuedAt, expiresAt, tokenType) {
    this.#value = value;
    this.tokenType = tokenType;
    this.scopes = Object.freeze(scopes);
    this.issuedAt = issuedAt;
    this.expiresAt = expiresAt;
    Object.freeze(this);
  }

  get value() {
    return this.#value;
  }

  toString() {
    return `AccessToken [redacted] until ${new Date(this.expiresAt).toISOString()}`;
  }

  toJSON() {
    const { tokenType, scopes, issuedAt, expiresAt } = this;
    return { value: /** @type {const} */ ("[redacted]"), tokenType, scopes, issuedAt, expiresAt };
  }

  [Symbol.for("nodejs.util.inspect.custom")]() {
    return this.toString();
  }
}
