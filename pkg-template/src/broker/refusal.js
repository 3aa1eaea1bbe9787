// Why a page gets no token: a status, a code of RFC 6749 and a sentence that is ours.

export class Refusal {
  /**
   * @param {number} status
   * @param {string} error
   * @param {string} description visible ASCII without `"` and `\`, as RFC 6749 section 5.2 has it
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
export const malformed = (description) => new Refusal(400, "invalid_request", description);

/** @param {number} retryAfterMs */
export const tooMany = (retryAfterMs) =>
  new Refusal(429, TRY_LATER, "too many requests; make them later", retryAfter(retryAfterMs));

/** RFC 6749 has no other word for it, and this one only in section 4.1.2.1. */
export const TRY_LATER = "temporarily_unavailable";

/** @param {number} ms */
export const retryAfter = (ms) => ({ "retry-after": String(Math.max(1, Math.ceil(ms / 1000))) });
