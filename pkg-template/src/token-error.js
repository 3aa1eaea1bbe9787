// The error class of the package, and the conversion of errors to and from the core.

import { RETRYABLE } from "./tables.js";

/** @typedef {import("../index.js").TokenErrorCode} TokenErrorCode */
/** @typedef {import("../index.js").TokenErrorDetails} TokenErrorDetails */

/** Shared by every realm and every copy of the package, so that `is` works across them. */
const BRAND = Symbol.for("graphql-token-manager.TokenError");

/** The optional fields of an error. */
const DETAILS = /** @type {const} */ ([
  "provider",
  "status",
  "requestId",
  "retryAfterMs",
  "missingScopes",
  "attempts",
]);

export class TokenError extends Error {
  /** Minifiers rename the class, and consoles print its `name`. */
  static name = "TokenError";

  /** A field and no assignment, which throws where `Error.prototype` is frozen. @type {string} */
  name = "TokenError";

  /**
   * @param {TokenErrorCode} code
   * @param {string} message
   * @param {TokenErrorDetails} [details]
   */
  constructor(code, message, details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? RETRYABLE.includes(code);
    for (const key of DETAILS) {
      // By its type, an `insufficient_scope` error always has `missingScopes`.
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
      // A proxy may throw at any access.
      return false;
    }
  }
}

/**
 * Creates an error from the fields that the core returns.
 *
 * @param {{ code: TokenErrorCode, message: string } & TokenErrorDetails} fields
 */
export function errorOf({ code, message, cause, ...details }) {
  const known = typeof cause === "string" ? causeOf(cause) : cause;
  return new TokenError(code, message, { ...details, cause: known });
}

/**
 * Creates the `cause` of an error.
 *
 * @param {string} text `cause` of a FetchFailure (fetch-failure.js)
 */
export function causeOf(text) {
  const { name, message, code, stack } = JSON.parse(text);
  const cause = new Error(message);
  Object.defineProperty(cause, "name", { value: name, configurable: true, writable: true });
  Object.defineProperty(cause, "stack", {
    value: stack || `${name}: ${message}`,
    configurable: true,
    writable: true,
  });
  return code === undefined ? cause : Object.assign(cause, { code });
}

/**
 * Returns the fields of an error for the core; `undefined` if it is not a `TokenError`.
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
    // The object has the brand, but its members cannot be read.
    return undefined;
  }
}
