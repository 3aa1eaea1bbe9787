// Timers of the host.

/**
 * Sets a timer. In a host without timers, the next call runs what is due.
 *
 * @param {() => void} callback
 * @param {number} delay in ms
 * @param {boolean} keepsAlive whether the timer keeps the process running, where there is one
 */
export function startTimer(callback, delay, keepsAlive) {
  try {
    /** @type {any} */
    const timer = setTimeout(callback, delay);
    if (keepsAlive) return timer;
    if (timer?.unref) timer.unref();
    else /** @type {any} */ (globalThis).Deno?.unrefTimer(timer);
    return timer;
  } catch {
    return undefined;
  }
}

/** Clears a timer, if there is one. @param {any} timer */
export function stopTimer(timer) {
  if (timer === undefined) return;
  try {
    // Node keeps a timer list for each delay. If the timer is unref'd, Node drops the list only after that delay, which
    // is up to an hour here. `ref()` avoids that.
    timer.ref?.();
    clearTimeout(timer);
    // Fake timers may have replaced `clearTimeout`, and clear only their own.
    timer.unref?.();
  } catch {
    // A timer that still fires has no effect.
  }
}
