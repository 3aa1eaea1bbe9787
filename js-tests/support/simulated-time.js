/**
 * Simulated time, which advances only with timers, so that tests do not depend on the speed of the machine.
 *
 * @module
 */

import { until } from "./waiting.js";

/** @import { TestContext } from "node:test" */
/** @import { ProviderName, Sandbox } from "graphql-token-manager/testing" */

/** Timers with at least this delay fire only by `next`; shorter ones, such as backoffs, fire automatically. */
const HELD_FROM_MS = 2_000;

/**
 * Replaces `Date.now`, `performance.now` and `setTimeout` until the test ends. Pass `now` to the sandbox, so that it
 * has the same time. Other tests in the same process must not run concurrently.
 * @param {TestContext} t
 */
export function simulatedTime(t) {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const [wall, monotonic] = [Date.now(), performance.now()];
  let passed = 0;
  /** Timers that are held until `next`. @type {Map<unknown, { due: number, callback: () => void }>} */
  const held = new Map();

  const now = () => wall + passed;
  t.mock.method(Date, "now", now);
  t.mock.method(performance, "now", () => monotonic + passed);
  /** @type {(callback: (...args: any[]) => void, delay?: number, ...args: any[]) => any} */
  const setTimer = (callback, delay = 0, ...args) => {
    // Only Node's internal timers have arguments.
    if (args.length > 0) return set(callback, delay, ...args);
    const due = passed + delay;
    if (delay >= HELD_FROM_MS) {
      const timer = { ref() {}, unref() {} };
      held.set(timer, { due, callback });
      return timer;
    }
    const goOffByItself = () => {
      passed = Math.max(passed, due);
      callback();
    };
    return set(goOffByItself, delay);
  };
  t.mock.method(globalThis, "setTimeout", /** @type {any} */ (setTimer));
  t.mock.method(
    globalThis,
    "clearTimeout",
    /** @type {any} */ ((/** @type {any} */ timer) => held.delete(timer) || clear(timer)),
  );

  const earliest = () => [...held].sort(([, a], [, b]) => a.due - b.due)[0];
  const goOff = (/** @type {NonNullable<ReturnType<typeof earliest>>} */ [timer, { due, callback }]) => {
    held.delete(timer);
    passed = Math.max(passed, due);
    callback();
  };

  return {
    now,
    /**
     * Advances the time without firing timers, as on a suspended device.
     * @param {number} ms
     */
    advance: (ms) => {
      passed += ms;
    },
    /** Advances the time to the earliest held timer, and fires it. */
    next: () => {
      const first = earliest();
      if (first === undefined) throw new Error("no timer is set");
      goOff(first);
    },
    /**
     * Advances the time, and fires the timers that fall due.
     * @param {number} ms
     */
    pass: async (ms) => {
      const end = passed + ms;
      for (let first = earliest(); first !== undefined && first[1].due <= end; first = earliest()) {
        goOff(first);
        await new Promise(setImmediate);
      }
      passed = Math.max(passed, end);
    },
  };
}

/** @typedef {ReturnType<typeof simulatedTime>} SimulatedTime */

/**
 * Lets requests time out, each once a provider of the sandbox has started to delay its response.
 * @param {Sandbox} sandbox
 * @param {SimulatedTime} time
 * @param {ProviderName} name
 * @param {number} late Number of responses.
 */
export async function letTimeRunOut(sandbox, time, name, late) {
  const delayed = () =>
    sandbox.requests().filter(({ provider, fault }) => provider === name && fault === "delay").length;
  for (let count = 1; count <= late; count++) {
    await until(() => delayed() === count, `answer number ${count} is delayed`);
    time.next();
  }
}
