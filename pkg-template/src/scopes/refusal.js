// The errors of this entry.

import { TokenError } from "../token-error.js";

/**
 * Something that was passed in is wrong.
 * @param {string} message
 */
export const invalid = (message) => new TokenError("invalid_options", message);

/**
 * Nothing but a `TokenError` leaves: a document made by other code may hold anything, getters that throw included.
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

/** How much of a name a message shows: a document may have names of any length. */
const NAME_LENGTH = 80;

/** How many names a message lists. */
const NAMES = 10;

/**
 * Names, for a message.
 * @param {readonly string[]} names
 */
export function listed(names) {
  const shown = names.slice(0, NAMES).map((name) => `\`${name.slice(0, NAME_LENGTH)}\``);
  if (names.length > NAMES) shown.push(`${names.length - NAMES} more`);
  return shown.join(", ");
}
