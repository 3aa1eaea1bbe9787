// Errors of the entry `graphql-token-manager/scopes`.

import { TokenError } from "../token-error.js";

/**
 * Returns the error for an invalid argument.
 * @param {string} message
 */
export const invalid = (message) => new TokenError("invalid_options", message);

/**
 * Runs `work` and converts every exception to a `TokenError`. A user-supplied tree may contain anything, including
 * getters that throw.
 * @template T
 * @param {() => T} work
 * @returns {T}
 */
export function refusing(work) {
  try {
    return work();
  } catch (error) {
    if (TokenError.is(error)) throw error;
    if (error instanceof RangeError) throw invalid("`document` is nested too deeply to be read here");
    throw invalid("`document` or `options` cannot be read; pass GraphQL as a string, and plain data");
  }
}

/** The most characters of a name in a message. A document may have names of any length. */
const NAME_LENGTH = 80;

/** The most names in a message. */
const NAMES = 10;

/**
 * Returns a list of names for a message.
 * @param {readonly string[]} names
 */
export function listed(names) {
  const shown = names.slice(0, NAMES).map((name) => `\`${name.slice(0, NAME_LENGTH)}\``);
  if (names.length > NAMES) shown.push(`${names.length - NAMES} more`);
  return shown.join(", ");
}
