// Runs the manager's own work in the asynchronous context in which this module was loaded, not in that of a caller.
//
// Grants, timers, secret functions and listeners serve all callers. In the context of the first caller they would keep
// that caller's AsyncLocalStorage stores alive, attribute later work to them, and count as pending work of its zone
// (zone.js), so that Angular would never become stable.

/** @typedef {<T>(action: () => T) => T} Run */

/** @type {Run} */
const runAsAtLoad = captured() ?? ((action) => action());

/** @returns {Run | undefined} */
function captured() {
  try {
    const { AsyncContext, process } = /** @type {any} */ (globalThis);
    if (AsyncContext !== undefined) {
      const snapshot = new AsyncContext.Snapshot();
      return (action) => snapshot.run(action);
    }
    return process?.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage?.snapshot();
  } catch {
    return undefined;
  }
}

/** Returns the root zone, if zone.js is loaded; it may be loaded after this module. */
function rootZone() {
  try {
    const root = /** @type {any} */ (globalThis).Zone?.root;
    return typeof root?.run === "function" ? root : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs `action`, and all work that it starts, outside the caller's zone and asynchronous context.
 *
 * @template T
 * @param {() => T} action
 * @returns {T}
 */
export function inRootContext(action) {
  const zone = rootZone();
  return runAsAtLoad(zone === undefined ? action : () => zone.run(action));
}
