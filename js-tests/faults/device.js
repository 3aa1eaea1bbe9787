/**
 * Programs on a device whose clocks and timers can be set: `Date` and `Date.now`, `performance.now` and `setTimeout`
 * are replaced before the package is loaded.
 *
 * @module
 */

import { run } from "../support/child.js";

/**
 * What a program starts with: `device`, `TokenManager` and `startSandbox`, and managers' options.
 *
 * `device.real()` is the true time; `device.jump(ms)` sets the wall clock; `device.pass(ms)` lets time pass by both
 * clocks; `device.suspend()` has timers of two seconds and more wait for `device.fire()`, which calls the next one.
 */
const START = `
  const RealDate = Date;
  const real = RealDate.now.bind(RealDate);
  const monotonic = performance.now.bind(performance);
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  let ahead = given.ahead ?? 0;
  let slept = 0;
  let frozen;
  let suspended = false;
  const asleep = new Map();
  globalThis.Date = class Date extends RealDate {
    constructor(...parts) {
      super(...(parts.length > 0 ? parts : [real() + ahead]));
    }
    static now() {
      return real() + ahead;
    }
  };
  performance.now = () => (frozen ?? monotonic()) + slept;
  globalThis.setTimeout = (callback, delay, ...rest) => {
    // Those with arguments are of Node's own.
    if (!suspended || delay < 2_000 || rest.length > 0) return set(callback, delay, ...rest);
    const timer = { callback, delay, unref() {} };
    asleep.set(timer, callback);
    return timer;
  };
  globalThis.clearTimeout = (timer) => asleep.delete(timer) || clear(timer);
  const device = {
    real,
    now: () => real() + ahead,
    jump: (ms) => (ahead += ms),
    pass: (ms) => ((ahead += ms), (slept += ms)),
    freeze: () => (frozen = monotonic()),
    suspend: () => (suspended = true),
    timers: () => [...asleep.keys()].map(({ delay }) => delay),
    fire: () => {
      const [timer] = asleep.keys();
      asleep.delete(timer);
      timer.callback();
    },
    sleep: (ms) => new Promise((resolve) => set(resolve, ms)),
  };
  const { TokenManager } = await import("graphql-token-manager");
  const { startSandbox } = await import("graphql-token-manager/testing");
  const { APIS, accepts } = await import("../faults/providers.js");
  const { failure, next, record, until } = await import("../support/waiting.js");
  const show = (result) => console.log("\\n" + given.mark + JSON.stringify(result));
`;

/**
 * Runs a program on such a device, to its end.
 * @param {string} program Ends by `show(result)` and closes what it opened.
 * @param {Record<string, unknown>} [given]
 * @returns {Promise<any>} What it showed.
 */
export async function onDevice(program, given = {}) {
  const { status, stdout, stderr } = await run(START + program, { given: { ...given, mark: MARK } });
  if (status !== 0 || stderr !== "") throw new Error(`the program ended with ${status}\n${stderr}`);
  const line = stdout.split("\n").find((line) => line.startsWith(MARK));
  return JSON.parse(line?.slice(MARK.length) ?? "");
}

/** Finds the result among what Node's test runner may print. */
const MARK = "result: ";
