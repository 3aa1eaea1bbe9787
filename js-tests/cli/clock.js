/**
 * A replacement clock for a whole program, preloaded with `--import`: it is `AHEAD_MS` ahead. With `SPEED`, the clock
 * advances only with timers, which fire earlier by that factor, so nothing is late even on a slow machine.
 *
 * @module
 */

const ahead = Number(process.env.AHEAD_MS ?? 0);
const speed = Number(process.env.SPEED ?? 1);

const wall = Date.now.bind(Date);
Date.now = () => wall() + ahead;

if (speed !== 1) {
  const [start, monotonic] = [wall() + ahead, performance.now()];
  let passed = 0;
  Date.now = () => start + passed;
  performance.now = () => monotonic + passed;

  const { setTimeout: wait } = globalThis;
  globalThis.setTimeout = Object.assign(
    /** @type {(action: () => void, ms?: number, ...args: []) => NodeJS.Timeout} */
    (
      (action, ms = 0, ...args) => {
        const due = passed + ms;
        const goOff = () => {
          passed = Math.max(passed, due);
          action(...args);
        };
        return wait(goOff, ms / speed);
      }
    ),
    wait,
  );
}
