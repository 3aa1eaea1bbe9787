// Schedules microtasks with what the engine had when this module was loaded.

const resolved = Promise.resolve();
const { then } = Promise.prototype;

/**
 * Calls `task`, which must not throw, once the current call stack has returned.
 *
 * Not `queueMicrotask`: the fake timers of test runners replace it, and hold back what it is given until their clock is
 * advanced. They may do so before this module is loaded. They leave promises alone.
 *
 * @param {() => unknown} task
 */
export function microtask(task) {
  then.call(resolved, task);
}

/**
 * Has fake timers run the microtasks that they hold back. No time passes for that.
 *
 * Node ends the body of a `Response` with `queueMicrotask`. While that is replaced, the body of a mocked answer never
 * ends, or repeats itself, for as long as the clock is not advanced. The replacements of `@sinonjs/fake-timers`, which
 * Jest, Vitest and sinon use, refer to their clock.
 */
export function runFakedMicrotasks() {
  try {
    /** @type {any} */ (globalThis.queueMicrotask)?.clock?.runMicrotasks();
  } catch {
    // A microtask of the test threw, which does not concern this caller.
  }
}
