/**
 * Another clock for a whole program, preloaded by `--import`: it is `AHEAD_MS` ahead, and runs `SPEED` times as fast.
 *
 * @module
 */

const ahead = Number(process.env.AHEAD_MS ?? 0);
const speed = Number(process.env.SPEED ?? 1);

const { now: wall } = Date;
const start = wall();
Date.now = () => Math.round(start + (wall() - start) * speed) + ahead;

const monotonic = performance.now.bind(performance);
performance.now = () => monotonic() * speed;

const { setTimeout: wait } = globalThis;
globalThis.setTimeout = Object.assign(
  /** @type {(action: () => void, ms?: number, ...args: []) => NodeJS.Timeout} */
  ((action, ms = 0, ...args) => wait(action, ms / speed, ...args)),
  wait,
);
