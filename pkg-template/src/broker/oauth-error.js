// An OAuth error response (RFC 6749 section 5.2): a status, an error code and a fixed description.

/** An error response of the broker. It is thrown, and converted to a response in one place. */
export class OAuthError {
  /**
   * @param {number} status
   * @param {string} error
   * @param {string} description visible ASCII without `"` and `\`, as RFC 6749 section 5.2 requires
   * @param {Record<string, string>} [headers]
   */
  constructor(status, error, description, headers = {}) {
    this.status = status;
    this.error = error;
    this.description = description;
    this.headers = headers;
  }
}

/** @param {string} description */
export const malformed = (description) => new OAuthError(400, "invalid_request", description);

/** @param {number} retryAfterMs */
export const tooMany = (retryAfterMs) =>
  new OAuthError(
    429,
    TEMPORARILY_UNAVAILABLE,
    "too many requests; make them later",
    retryAfter(retryAfterMs),
  );

/** The only code of RFC 6749 for this case, defined in section 4.1.2.1 for another endpoint. */
export const TEMPORARILY_UNAVAILABLE = "temporarily_unavailable";

/** @param {number} ms */
export const retryAfter = (ms) => ({ "retry-after": String(Math.max(1, Math.ceil(ms / 1000))) });
