// The context of the manager's own work: that in which this module was loaded, and not that of any caller.
//
// A grant, a timer, a call of a secret function or a listener serves all callers. Run in the context of the caller that
// happens to be the first, it would keep that caller's AsyncLocalStorage stores alive, attribute later work to them, and
// count as unfinished work of that caller's zone (zone.js): Angular would never become stable.

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

/** The root zone, where zone.js was loaded, now or before this module. */
function rootZone() {
  try {
    const root = /** @type {any} */ (globalThis).Zone?.root;
    return typeof root?.run === "function" ? root : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs `action`, and all that it starts, outside the zone and the asynchronous context of the caller.
 *
 * @template T
 * @param {() => T} action
 * @returns {T}
 */
export function inRootContext(action) {
  const zone = rootZone();
  return runAsAtLoad(zone === undefined ? action : () => zone.run(action));
}
