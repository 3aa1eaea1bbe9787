// The one class of errors, and what can be told of an error of another copy.

import { causeOf } from "./fetch-failure.js";

/** @typedef {import("../index.js").TokenErrorCode} TokenErrorCode */
/** @typedef {import("../index.js").TokenErrorDetails} TokenErrorDetails */

/** The same in every realm and every copy of the package, so that `is` works across them. */
const BRAND = Symbol.for("graphql-token-manager.TokenError");

/** Codes of failures that time can mend. */
const RETRYABLE = new Set([
  "credentials_unavailable",
  "rate_limited",
  "network",
  "timeout",
  "server",
  "store",
  "internal",
]);

/** What an error may carry besides its code and message. */
const DETAILS = /** @type {const} */ ([
  "provider",
  "status",
  "requestId",
  "retryAfterMs",
  "missingScopes",
  "attempts",
]);

export class TokenError extends Error {
  /** Bundlers shorten names, and the class's own is what consoles print. */
  static name = "TokenError";

  /**
   * @param {TokenErrorCode} code
   * @param {string} message
   * @param {TokenErrorDetails} [details]
   */
  constructor(code, message, details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "TokenError";
    this.code = code;
    this.retryable = details.retryable ?? RETRYABLE.has(code);
    for (const key of DETAILS) {
      // The types promise a list of scopes for the code that is about them.
      const value =
        details[key] ?? (key === "missingScopes" && code === "insufficient_scope" ? [] : undefined);
      if (value !== undefined) Object.assign(this, { [key]: value });
    }
  }

  get [BRAND]() {
    return true;
  }

  /**
   * @param {unknown} value
   * @returns {value is TokenError}
   */
  static is(value) {
    try {
      return /** @type {any} */ (value)?.[BRAND] === true;
    } catch {
      // A proxy may throw at anything.
      return false;
    }
  }
}

/**
 * Makes an error of the fields that the core gives.
 *
 * @param {{ code: TokenErrorCode, message: string } & TokenErrorDetails} fields
 */
export function errorOf({ code, message, cause, ...details }) {
  const known = typeof cause === "string" ? causeOf(cause) : cause;
  return new TokenError(code, message, { ...details, cause: known });
}

/**
 * The fields of an error for the core; `undefined` if it is no `TokenError`.
 *
 * @param {unknown} thrown
 */
export function fieldsOf(thrown) {
  if (!TokenError.is(thrown)) return undefined;
  try {
    const { code, message, retryable, ...details } = /** @type {any} */ (thrown);
    const { status, requestId, retryAfterMs } = details;
    const missingScopes = Array.isArray(details.missingScopes) ? [...details.missingScopes] : undefined;
    return { code, message, retryable, status, requestId, retryAfterMs, missingScopes };
  } catch {
    // It only looked like one.
    return undefined;
  }
}
