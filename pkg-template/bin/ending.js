/**
 * What is said of a failure, and the status that it ends with.
 *
 * @module
 */

import { FAILED, MISUSED, TRY_LATER, UsageError } from "./errors.js";
import { inFlags } from "./provider-flags.js";

/**
 * @param {any} error
 * @returns {number}
 */
export function statusOf(error) {
  if (error instanceof UsageError || error?.code === "invalid_options") return MISUSED;
  return error?.retryable === true ? TRY_LATER : FAILED;
}

/** What a `TokenError` may tell besides its code and message. */
const DETAILS = ["retryable", "provider", "status", "requestId", "retryAfterMs", "missingScopes", "attempts"];

/**
 * A failure as one line of text, or of JSON.
 * @param {any} error Ours, a `TokenError`, a `StoreError` or one of Node's: none of them holds a secret.
 * @param {boolean} json
 */
export function lineOf(error, json) {
  const code = typeof error?.code === "string" ? error.code : "internal";
  const told = error?.name === "TokenError" ? inFlags(error.message) : `${error?.message ?? error}`;
  // One line, whatever a system says; its code stands in front already.
  const message = told.replaceAll(/\s*\n\s*/g, " ").replace(`${code}: `, "");
  if (!json) return `${code}: ${message}`;
  const details = DETAILS.filter((key) => error?.[key] !== undefined).map((key) => [key, error[key]]);
  return JSON.stringify({ error: { code, message, ...Object.fromEntries(details) } });
}
