/**
 * How much slower than an idle machine this one is at present, for tests of real time: their token lifetimes, timeouts
 * and bounds are multiplied by it. Where simulated time decides, use `simulated-time.js` instead.
 *
 * @module
 */

import { availableParallelism, loadavg } from "node:os";

/** CPU time of the measurement in milliseconds: several time slices of the scheduler. */
const WORK_MS = 200;
/** At the maximum, tests with tokens of two seconds have tokens of ten, and take minutes. */
const MAX_PACE = 5;

/** Returns a factor from 1, on an idle machine, to 5. */
export function currentPace() {
  // The load average as well, because the load changes during a test.
  const slowness = Math.max(elapsedPerCpuTime(), loadavg()[0] / availableParallelism());
  return slowness < 1.2 ? 1 : Math.min(MAX_PACE, Math.ceil(slowness));
}

/** Returns the elapsed time per CPU time of a busy thread: 2 if another thread competes for its processor. */
function elapsedPerCpuTime() {
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  const cpuMs = () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  while (cpuMs() < WORK_MS);
  return (performance.now() - startedAt) / cpuMs();
}

/**
 * Multiplies each member of an object.
 * @template {Record<string, number>} T
 * @param {T} spans
 * @param {number} pace
 * @returns {T}
 */
export const slower = (spans, pace) =>
  /** @type {T} */ (Object.fromEntries(Object.entries(spans).map(([name, ms]) => [name, ms * pace])));
