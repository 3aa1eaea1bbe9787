/**
 * Messages for failures, and the exit status of each.
 *
 * @module
 */

import { EXIT_FAILURE, EXIT_TEMPFAIL, EXIT_USAGE, UsageError } from "./errors.js";
import { inFlags } from "./provider-flags.js";

/**
 * @param {any} error
 * @returns {number}
 */
export function statusOf(error) {
  if (error instanceof UsageError || error?.code === "invalid_options") return EXIT_USAGE;
  return error?.retryable === true ? EXIT_TEMPFAIL : EXIT_FAILURE;
}

/** Optional properties of a `TokenError`. */
const DETAILS = ["retryable", "provider", "status", "requestId", "retryAfterMs", "missingScopes", "attempts"];

/**
 * Formats a failure as one line of text or JSON.
 * @param {any} error A `TokenError`, a `StoreError`, or an error of this program or of Node: none contains a secret.
 * @param {boolean} json
 * @param {string} [provider] The provider that the command line names.
 */
export function lineOf(error, json, provider) {
  const code = typeof error?.code === "string" ? error.code : "internal";
  const text = error?.name === "TokenError" ? inFlags(error.message, provider) : `${error?.message ?? error}`;
  // A single line, even if a message of the system has several; its code is already at the start.
  const message = text.replaceAll(/\s*\n\s*/g, " ").replace(`${code}: `, "");
  if (!json) return `${code}: ${message}`;
  const details = DETAILS.filter((key) => error?.[key] !== undefined).map((key) => [key, error[key]]);
  return JSON.stringify({ error: { code, message, ...Object.fromEntries(details) } });
}
