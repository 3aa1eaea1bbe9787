// Schedules microtasks with the engine's promises, as they were when this module was loaded.

const resolved = Promise.resolve();
const { then } = Promise.prototype;

/**
 * Calls `task`, which must not throw, once the current call stack has returned.
 *
 * `queueMicrotask` is not used, because the fake timers of test runners replace it, possibly before this module is
 * loaded, and delay its tasks until their clock is advanced. They do not replace promises.
 *
 * @param {() => unknown} task
 */
export function microtask(task) {
  then.call(resolved, task);
}

/**
 * Runs the microtasks that fake timers hold back, without advancing their clock.
 *
 * Node ends the body of a `Response` by `queueMicrotask`. While that is replaced, the body of a mocked response does
 * not end, or repeats, until the clock is advanced. The functions of `@sinonjs/fake-timers`, which Jest, Vitest and
 * sinon use, have a reference to their clock.
 */
export function runFakedMicrotasks() {
  try {
    /** @type {any} */ (globalThis.queueMicrotask)?.clock?.runMicrotasks();
  } catch {
    // A microtask of the test threw, which does not affect this call.
  }
}
