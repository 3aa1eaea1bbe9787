/**
 * Programs on a simulated device with controlled clocks and timers: `Date`, `Date.now`, `performance.now` and
 * `setTimeout` are replaced before the package is loaded.
 *
 * @module
 */

import { run } from "../support/child.js";

/**
 * The prelude of a program: `device`, `TokenManager`, `startSandbox`, and options of managers.
 *
 * `device.real()` returns the real time; `device.jump(ms)` moves the wall clock; `device.pass(ms)` advances both
 * clocks; `device.suspend()` holds timers of two seconds and more until `device.fire()`, which runs the next one.
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
 * Runs a program on such a device until it exits.
 * @param {string} program Calls `show(result)` last, and closes all that it opened.
 * @param {Record<string, unknown>} [given]
 * @returns {Promise<any>} The result that it passed to `show`.
 */
export async function onDevice(program, given = {}) {
  const { status, stdout, stderr } = await run(START + program, { given: { ...given, mark: MARK } });
  if (status !== 0 || stderr !== "") throw new Error(`the program ended with ${status}\n${stderr}`);
  const line = stdout.split("\n").find((line) => line.startsWith(MARK));
  return JSON.parse(line?.slice(MARK.length) ?? "");
}

/** Marks the result in the output, which may contain lines of Node's test runner. */
const MARK = "result: ";
