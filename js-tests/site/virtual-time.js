/**
 * Virtual time: timers fire in the order in which they are due, as soon as nothing else is left to do.
 *
 * For programs without I/O, such as the playground, whose network is simulated. The speed of the machine does not affect
 * the result.
 *
 * @module
 */

/** @import { TestContext } from "node:test" */

/** Turns of the event loop without a timer: more than promises, streams and the core need for one step. */
const TURNS = 30;

/**
 * Replaces `Date.now`, `performance.now` and `setTimeout` until the test ends.
 *
 * @param {TestContext} t
 */
export function virtualTime(t) {
  const turn = globalThis.setImmediate;
  const [wall, began] = [Date.now(), performance.now()];
  let passed = 0;
  let count = 0;
  /** @type {Map<number, { id: number, due: number, callback: () => void }>} */
  const timers = new Map();

  t.mock.method(Date, "now", () => Math.round(wall + passed));
  t.mock.method(performance, "now", () => began + passed);
  /** @type {(callback: (...values: any[]) => void, delay?: number, ...values: any[]) => any} */
  const set = (callback, delay = 0, ...values) => {
    const id = (count += 1);
    timers.set(id, { id, due: passed + Math.max(0, delay), callback: () => callback(...values) });
    const timer = {
      ref: () => timer,
      unref: () => timer,
      hasRef: () => true,
      [Symbol.toPrimitive]: () => id,
    };
    return timer;
  };
  t.mock.method(globalThis, "setTimeout", /** @type {any} */ (set));
  t.mock.method(
    globalThis,
    "clearTimeout",
    /** @type {any} */ ((/** @type {any} */ it) => timers.delete(+it)),
  );

  const idle = async () => {
    for (let left = TURNS; left > 0; left--) await new Promise((resolve) => turn(resolve));
  };
  return {
    /**
     * Lets time pass until a promise settles.
     *
     * @template Result
     * @param {Promise<Result>} promise
     */
    until: async (promise) => {
      let settled = false;
      const end = () => {
        settled = true;
      };
      promise.then(end, end);
      for (await idle(); !settled; await idle()) {
        const [first] = [...timers.values()].sort((a, b) => a.due - b.due || a.id - b.id);
        if (first === undefined) throw new Error("nothing is left to happen, but the promise is pending");
        timers.delete(first.id);
        passed = Math.max(passed, first.due);
        first.callback();
      }
      return promise;
    },
  };
}
