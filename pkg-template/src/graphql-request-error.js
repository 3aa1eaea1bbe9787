// Errors with the errors and the data of a response, which are not printed.

import { TokenError } from "./token-error.js";

const CUSTOM = Symbol.for("nodejs.util.inspect.custom");

/**
 * The details of an error, and what the response has.
 *
 * @typedef {import("../index.js").TokenErrorDetails & { errors?: readonly any[] | undefined, data?: unknown }} AnswerDetails
 */

/** The error for a response that was read. Its class is private: by its type it is a {@link TokenError}. */
export class AnswerError extends TokenError {
  /** Consoles print it. */
  static name = "TokenError";

  // Private, so that logs do not contain them: an API's errors quote the request, and the data is confidential.
  #errors;
  #data;

  /**
   * @param {import("../index.js").TokenErrorCode} code
   * @param {string} message
   * @param {AnswerDetails} details
   */
  constructor(code, message, { errors, data, ...details }) {
    super(code, message, details);
    this.#errors = errors;
    this.#data = data;
  }

  /** @type {any} */
  get errors() {
    return this.#errors;
  }

  get data() {
    return this.#data;
  }

  /**
   * Prints the error without `errors`: Node's own inspection would show them, even through a getter.
   *
   * @param {number} _depth
   * @param {object} options
   * @param {(value: unknown, options: object) => string} inspect
   */
  [CUSTOM](_depth, options, inspect) {
    const shown = Object.assign(Reflect.construct(Error, [this.message], this.constructor), this);
    for (const name of ["errors", "data", CUSTOM]) Object.defineProperty(shown, name, { value: undefined });
    shown.stack = this.stack ?? "";
    return inspect(shown, options);
  }
}

/** The error for a GraphQL response with errors. */
export class GraphQLRequestError extends AnswerError {
  /** Minifiers rename the class, and consoles print its `name`. */
  static name = "GraphQLRequestError";

  name = "GraphQLRequestError";

  /**
   * @param {string} message
   * @param {import("../index.js").GraphQLRequestErrorDetails} details
   */
  constructor(message, details) {
    super("graphql_errors", message, details);
  }

  /**
   * @param {unknown} value
   * @returns {value is GraphQLRequestError}
   */
  static is(value) {
    return TokenError.is(value) && /** @type {TokenError} */ (value).code === "graphql_errors";
  }
}
