// Polling for hosts in which I/O belongs to one request and ends with it: Cloudflare Workers and edge runtimes.
//
// There, a request that awaits a promise of another request hangs or fails. Requests therefore share state only, and
// each one polls that state with its own timers.

import { TokenError } from "./token-error.js";

/**
 * Returns whether I/O ends with the request that started it.
 *
 * @returns {boolean}
 */
export function ioEndsWithRequest() {
  // `WebSocketPair` exists in Workers of every compatibility date; Vercel's and Next's edge runtimes set `EdgeRuntime`.
  return "WebSocketPair" in globalThis || "EdgeRuntime" in globalThis;
}

/** Pauses in milliseconds. The first is shorter than most grants, and the longest adds little to the time of a call. */
const FIRST_PAUSE = 4;
const MAX_PAUSE_MS = 40;

/**
 * Calls `check` on timers of the current request until it returns `true`.
 *
 * @param {() => boolean} check must not throw
 * @throws {TokenError} if no request is being handled, as while modules are evaluated: Workers have no timers then
 */
export function poll(check) {
  let pause = FIRST_PAUSE;
  const tick = () => {
    if (check()) return;
    pause = Math.min(pause * 1.5, MAX_PAUSE_MS);
    setTimeout(tick, pause);
  };
  try {
    setTimeout(tick, pause);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TokenError("unsupported", `tokens can be requested only while a request is handled: ${reason}`);
  }
}
