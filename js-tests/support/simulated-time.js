/**
 * Simulated time: it stands still until a timer goes off, so that no test depends on how fast the machine is.
 *
 * @module
 */

import { until } from "./waiting.js";

/** @import { TestContext } from "node:test" */
/** @import { ProviderName, Sandbox } from "graphql-token-manager/testing" */

/** Timers of this delay and more go off only by `next`; shorter ones, for pauses between attempts, by themselves. */
const HELD_FROM_MS = 2_000;

/**
 * Replaces `Date.now`, `performance.now` and `setTimeout` until the test ends. Give `now` to the sandbox, so that its
 * time is the same. Tests that share a process must not run beside one that uses this.
 * @param {TestContext} t
 */
export function simulatedTime(t) {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const [wall, monotonic] = [Date.now(), performance.now()];
  let passed = 0;
  /** Timers that wait for `next`. @type {Map<unknown, { due: number, callback: () => void }>} */
  const held = new Map();

  const now = () => wall + passed;
  t.mock.method(Date, "now", now);
  t.mock.method(performance, "now", () => monotonic + passed);
  /** @type {(callback: (...args: any[]) => void, delay?: number, ...args: any[]) => any} */
  const setTimer = (callback, delay = 0, ...args) => {
    // Only timers of Node's own have arguments.
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
     * Lets time pass without any timer, as in a device that sleeps.
     * @param {number} ms
     */
    advance: (ms) => {
      passed += ms;
    },
    /** Lets time pass until the earliest timer that is held is due, and has it go off. */
    next: () => {
      const first = earliest();
      if (first === undefined) throw new Error("no timer is set");
      goOff(first);
    },
    /**
     * Lets time pass, and has each timer go off that is due meanwhile.
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
 * Has the time for an answer run out, whenever a provider of the sandbox has begun to delay one.
 * @param {Sandbox} sandbox
 * @param {SimulatedTime} time
 * @param {ProviderName} name
 * @param {number} late How many answers.
 */
export async function letTimeRunOut(sandbox, time, name, late) {
  const delayed = () =>
    sandbox.requests().filter(({ provider, fault }) => provider === name && fault === "delay").length;
  for (let count = 1; count <= late; count++) {
    await until(() => delayed() === count, `answer number ${count} is delayed`);
    time.next();
  }
}
