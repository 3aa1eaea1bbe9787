// A GraphQL answer with errors, as an error.

import { TokenError } from "./token-error.js";

const CUSTOM = Symbol.for("nodejs.util.inspect.custom");

export class GraphQLRequestError extends TokenError {
  /** Bundlers shorten names, and the class's own is what consoles print. */
  static name = "GraphQLRequestError";

  // Private, and so in no log: errors of an API quote what they were sent, and data is the user's.
  #errors;
  #data;

  /**
   * @param {string} message
   * @param {import("../index.js").GraphQLRequestErrorDetails} details
   */
  constructor(message, { errors, data, ...details }) {
    super("graphql_errors", message, details);
    this.name = "GraphQLRequestError";
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
   * Node would print `errors`, wherever they are kept.
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
