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
  "providerErrors",
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
      const given =
        details[key] ?? (key === "missingScopes" && code === "insufficient_scope" ? [] : undefined);
      const value = key === "providerErrors" ? frozenErrors(given) : given;
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

/** @param {string} message */
export function invalidOptions(message) {
  return new TokenError("invalid_options", message);
}

/** The lines of a stack as V8 formats them, which it does when the stack is read. */
const FRAMES = /\n {4}at [^]*/;

/**
 * Whether stacks were found to have such lines. In other engines, the stacks of calls are unknown. A negative result is
 * not kept, because `Error.stackTraceLimit` and `Error.prepareStackTrace` change.
 */
let hasFrames = false;

/**
 * Records the stack of a call, where it has {@link FRAMES}.
 *
 * @param {Function} omitted the function whose frame, and those above, are left out
 * @returns {{ stack?: unknown }}
 */
export function traceOf(omitted) {
  const trace = {};
  try {
    hasFrames ||= FRAMES.test(`${new Error().stack}`);
    if (hasFrames) Error.captureStackTrace(trace, omitted);
  } catch {
    // The stack may be exhausted, or the function replaced.
  }
  return trace;
}

/**
 * Returns a copy of a `TokenError` that has the stack of a call, where that is known; other values as they are. The stack
 * of the original leads into the core, not to the caller.
 *
 * @param {{ stack?: unknown }} trace
 * @param {unknown} error
 */
export function errorAt(trace, error) {
  if (!(error instanceof TokenError)) return error;
  const { code, message } = error;
  const copy = () => new TokenError(code, message, /** @type {any} */ (error));
  if (!("stack" in trace)) return copy();
  const own = withoutStack(copy);
  try {
    const [frames] = FRAMES.exec(`${trace.stack}`) ?? [""];
    // Not an accessor: the consoles of browsers would show no stack.
    const value = `TokenError: ${message}${frames}`;
    Object.defineProperty(own, "stack", { value, configurable: true, writable: true });
  } catch {
    // V8 formats the stack now, and `Error.prepareStackTrace` may throw.
  }
  return own;
}

/**
 * Creates an error whose stack is not recorded, where `Error.stackTraceLimit` can be read and set.
 *
 * @param {() => TokenError} create
 */
function withoutStack(create) {
  /** @type {number | undefined} */
  let limit;
  try {
    limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
  } catch {
    return create();
  }
  const error = create();
  try {
    Error.stackTraceLimit = limit;
  } catch {
    // It was set above, so only an accessor of the application can throw.
  }
  return error;
}

/**
 * Returns a frozen copy of `providerErrors`, which may come from a user-supplied function.
 *
 * @param {any} given
 * @returns {readonly import("../index.js").ProviderError[] | undefined}
 */
function frozenErrors(given) {
  return Array.isArray(given)
    ? Object.freeze(given.slice(0, 5).map((error) => Object.freeze({ ...error })))
    : undefined;
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
    // As JSON, which is how the core keeps them.
    const providerErrors = JSON.stringify(frozenErrors(details.providerErrors));
    return { code, message, retryable, status, requestId, retryAfterMs, missingScopes, providerErrors };
  } catch {
    // The object has the brand, but its members cannot be read.
    return undefined;
  }
}
