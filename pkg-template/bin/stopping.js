/**
 * Being told to stop.
 *
 * @module
 */

/** What Ctrl-C, supervisors and closed terminals send. @type {readonly NodeJS.Signals[]} */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Calls back at each of these signals, which do not end the process any more.
 * @param {(signal: NodeJS.Signals) => void} told
 * @returns {() => void} Listens no more.
 */
export function onSignal(told) {
  SIGNALS.forEach((signal) => process.on(signal, told));
  return () => SIGNALS.forEach((signal) => process.off(signal, told));
}

/**
 * Calls back at the first of them; the second ends the process as if nobody listened.
 * @param {() => void} stop
 * @returns {() => void} Listens no more.
 */
export function onStop(stop) {
  const end = onSignal(() => {
    end();
    stop();
  });
  return end;
}
