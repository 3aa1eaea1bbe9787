/**
 * Handling of signals that stop the process.
 *
 * @module
 */

/** Sent by Ctrl-C, supervisors and closed terminals. @type {readonly NodeJS.Signals[]} */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Calls back at each of these signals, which then no longer end the process.
 * @param {(signal: NodeJS.Signals) => void} listener
 * @returns {() => void} Removes the handlers.
 */
export function onSignal(listener) {
  SIGNALS.forEach((signal) => process.on(signal, listener));
  return () => SIGNALS.forEach((signal) => process.off(signal, listener));
}

/**
 * Calls back at the first of these signals; the second ends the process as by default.
 * @param {() => void} stop
 * @returns {() => void} Removes the handlers.
 */
export function onStop(stop) {
  const end = onSignal(() => {
    end();
    stop();
  });
  return end;
}
