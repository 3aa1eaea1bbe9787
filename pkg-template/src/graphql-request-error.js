// The error for a GraphQL response with errors.

import { TokenError } from "./token-error.js";

const CUSTOM = Symbol.for("nodejs.util.inspect.custom");

export class GraphQLRequestError extends TokenError {
  /** Minifiers rename the class, and consoles print its `name`. */
  static name = "GraphQLRequestError";

  name = "GraphQLRequestError";

  // Private, so that logs do not contain them: an API's errors quote the request, and the data is confidential.
  #errors;
  #data;

  /**
   * @param {string} message
   * @param {import("../index.js").GraphQLRequestErrorDetails} details
   */
  constructor(message, { errors, data, ...details }) {
    super("graphql_errors", message, details);
    this.#errors = errors;
    this.#data = data;
  }

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
    const nothing = /** @type {any} */ ({ errors: undefined });
    const shown = Object.assign(new GraphQLRequestError(this.message, nothing), this);
    Object.defineProperty(shown, CUSTOM, { value: undefined });
    shown.stack = this.stack ?? "";
    return inspect(shown, options);
  }

  /**
   * @param {unknown} value
   * @returns {value is GraphQLRequestError}
   */
  static is(value) {
    return TokenError.is(value) && /** @type {TokenError} */ (value).code === "graphql_errors";
  }
}
