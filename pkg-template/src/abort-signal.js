// Abort signals of callers, as `fetch` accepts them: `null` means none, and polyfills may lack a `reason`.

import { TokenError } from "./token-error.js";

/**
 * Validates the signal of a call. Returns `undefined` if there is none.
 *
 * @param {any} signal
 * @returns {AbortSignal | undefined}
 */
export function checkedSignal(signal) {
  if (signal === undefined || signal === null) return undefined;
  if (typeof signal.aborted === "boolean" && typeof signal.addEventListener === "function") return signal;
  throw new TokenError("invalid_options", "option `signal` is not an AbortSignal; give one or leave it out");
}

/**
 * Returns the reason of an aborted signal. For signals without a reason (polyfills, engines before 2022) it is the
 * error that `fetch` rejects with.
 *
 * @param {AbortSignal} signal
 * @returns {unknown}
 */
export function reasonOf(signal) {
  return signal.reason === undefined ? abortError() : signal.reason;
}

function abortError() {
  const message = "This operation was aborted";
  if (typeof DOMException === "function") return new DOMException(message, "AbortError");
  return Object.assign(new Error(message), { name: "AbortError" });
}
