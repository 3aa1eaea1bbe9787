/**
 * The results of `doctor`, their text and their exit status.
 *
 * @module
 */

import { EXIT_FAILURE, EXIT_OK, EXIT_TEMPFAIL, EXIT_USAGE } from "../errors.js";

/**
 * The result of a check. No member contains a secret, a token or a part of a body.
 *
 * @typedef {object} Check
 * @property {string} name
 * @property {"ok" | "warning" | "failure" | "skipped"} status
 * @property {string} message The finding.
 * @property {string} [remedy] The instruction for the user.
 * @property {string} [code] The code of the error, if there is one.
 * @property {boolean} [retryable] Set for a retryable failure.
 */

/** @param {string} name @param {string} message @returns {Check} */
export const ok = (name, message) => ({ name, status: "ok", message });

/** @param {string} name @param {string} message @returns {Check} */
export const skipped = (name, message) => ({ name, status: "skipped", message });

/** @param {string} name @param {string} message @param {string} [remedy] @returns {Check} */
export const warning = (name, message, remedy) => ({
  name,
  status: "warning",
  message,
  ...(remedy === undefined ? {} : { remedy }),
});

/**
 * @param {string} name
 * @param {string} message
 * @param {string} remedy
 * @param {{ code?: string, retryable?: boolean }} [details]
 * @returns {Check}
 */
export const failure = (name, message, remedy, details) => ({
  name,
  status: "failure",
  message,
  remedy,
  ...details,
});

/**
 * Returns the worst status of some checks; those that were skipped do not count.
 *
 * @param {readonly Check[]} checks
 */
export function worst(checks) {
  const found = new Set(checks.map(({ status }) => status));
  return found.has("failure") ? "failure" : found.has("warning") ? "warning" : "ok";
}

/**
 * Returns the exit status: that of the other commands for the same failure, and the permanent one of several.
 *
 * @param {readonly Check[]} checks
 */
export function statusOfChecks(checks) {
  const failures = checks.filter(({ status }) => status === "failure");
  if (failures.length === 0) return EXIT_OK;
  const permanent = failures.filter(({ retryable }) => retryable !== true);
  if (permanent.length === 0) return EXIT_TEMPFAIL;
  return permanent.every(({ code }) => code === "usage" || code === "invalid_options")
    ? EXIT_USAGE
    : EXIT_FAILURE;
}

/** Width of the column of the statuses and of that of the names. */
const STATUS_WIDTH = 9;
const NAME_WIDTH = 14;

/**
 * Formats a check as lines of text.
 *
 * @param {Check} check
 */
export function textOf({ name, status, message, remedy }) {
  const margin = " ".repeat(STATUS_WIDTH + NAME_WIDTH);
  const line = `${status.padEnd(STATUS_WIDTH)}${name.padEnd(NAME_WIDTH)}${message}`;
  return remedy === undefined ? line : `${line}\n${margin}→ ${remedy}`;
}
