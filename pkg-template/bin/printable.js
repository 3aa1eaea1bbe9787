/**
 * Text that a terminal, or a file of log lines, can be given.
 *
 * @module
 */

/**
 * Control characters but tabs and line breaks (C0, DEL, C1), line separators, and what changes the direction of text.
 * Terminals obey some of them.
 */
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Writes each such character as JSON does, so that JSON stays JSON.
 * @param {string} text
 */
export function printable(text) {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
