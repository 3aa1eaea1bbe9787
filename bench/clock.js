/**
 * Simulated clock and timers, for measurements that would take hours in real time.
 *
 * @module
 */

/**
 * @typedef {object} Clock
 * @property {(ms: number) => Promise<void>} advance advances the time and runs the timers that fall due
 * @property {() => void} end restores the real clock and timers
 */

/** @typedef {{ at: number, run: () => void, every: number | undefined }} Timer */

/**
 * Replaces `Date.now`, `performance.now` and the global timers.
 *
 * @returns {Clock}
 */
export function simulatedClock() {
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
  const dateNow = Date.now;
  const performanceNow = performance.now;
  const began = Date.now();
  let passed = 0;
  /** @type {Set<Timer>} */
  const timers = new Set();

  /** @param {number | undefined} ms @param {() => void} run @param {boolean} again */
  const start = (ms, run, again) => {
    const delay = Math.max(1, Number(ms) || 1);
    /** @type {Timer} */
    const timer = { at: passed + delay, run, every: again ? delay : undefined };
    timers.add(timer);
    return Object.assign(timer, { ref: () => timer, unref: () => timer, hasRef: () => true });
  };
  const stop = (/** @type {any} */ timer) => void timers.delete(timer);

  Date.now = () => Math.floor(began + passed);
  performance.now = () => passed;
  const faked = {
    setTimeout: (/** @type {any} */ run, /** @type {any} */ ms, /** @type {any[]} */ ...given) =>
      start(ms, () => run(...given), false),
    setInterval: (/** @type {any} */ run, /** @type {any} */ ms, /** @type {any[]} */ ...given) =>
      start(ms, () => run(...given), true),
    clearTimeout: stop,
    clearInterval: stop,
  };
  Object.assign(globalThis, faked);

  return {
    async advance(ms) {
      const until = passed + ms;
      for (;;) {
        await settled();
        const due = [...timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)[0];
        if (due === undefined) break;
        passed = due.at;
        if (due.every === undefined) timers.delete(due);
        else due.at += due.every;
        due.run();
      }
      passed = until;
    },
    end() {
      Date.now = dateNow;
      performance.now = performanceNow;
      Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
    },
  };
}

/**
 * Resolves when all pending promises have settled. The benchmarks use a simulated network; the start of WebAssembly
 * takes several turns.
 */
export async function settled() {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
