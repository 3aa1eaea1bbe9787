// Waiting in hosts whose I/O belongs to one request, and ends with it: Cloudflare Workers and edge runtimes.
//
// There, a request that waits for a promise which another request resolves hangs or fails. So requests share state
// alone: each waits on timers of its own for the state to change.

/**
 * Whether I/O ends with the request that started it.
 *
 * @returns {boolean}
 */
export function ioEndsWithRequest() {
  // `WebSocketPair` exists in Workers of every compatibility date; Vercel's and Next's edge runtimes set `EdgeRuntime`.
  return "WebSocketPair" in globalThis || "EdgeRuntime" in globalThis;
}

/** The first pause is shorter than most grants take; the longest adds little to any. In milliseconds. */
const FIRST_PAUSE = 4;
const LONGEST_PAUSE = 40;

/**
 * Calls `look` on timers of the current request until it returns `true`.
 *
 * @param {() => boolean} look must not throw
 */
export function watch(look) {
  let pause = FIRST_PAUSE;
  const tick = () => {
    if (look()) return;
    pause = Math.min(pause * 1.5, LONGEST_PAUSE);
    setTimeout(tick, pause);
  };
  setTimeout(tick, pause);
}
