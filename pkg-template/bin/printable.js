/**
 * Escaping of text for terminals and log files.
 *
 * @module
 */

/**
 * Control characters except tabs and line breaks (C0, DEL, C1), line separators, and characters that change the
 * direction of text. Terminals interpret some of them.
 */
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Escapes each such character as in JSON, so that JSON remains valid.
 * @param {string} text
 */
export function printable(text) {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
