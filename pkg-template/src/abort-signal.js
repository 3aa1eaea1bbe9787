// The abort signals of callers, as `fetch` takes them: `null` is none, and polyfills may lack a `reason`.

import { TokenError } from "./token-error.js";

/**
 * The signal of a call, or `undefined` where there is none.
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
 * Why a signal was aborted. Signals without a reason (polyfills, engines before 2022) give what `fetch` rejects with.
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
