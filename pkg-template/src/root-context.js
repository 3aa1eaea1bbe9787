// Runs the manager's own work in an asynchronous context without stores, not in that of a caller.
//
// Grants, timers, secret functions and listeners serve all callers. In the context of the first caller they would keep
// that caller's AsyncLocalStorage stores alive, attribute later work to them, and count as pending work of its zone
// (zone.js), so that Angular would never become stable.

/** @typedef {<T>(action: () => T) => T} Run */

/** Descriptions of the properties with an AsyncResource's stores: until Node 22, and from Node 24 on. */
const STORES = ["kResourceStore", "context_frame"];

/** @type {Run} */
const runWithoutStores = captured() ?? ((action) => action());

/** @returns {Run | undefined} */
function captured() {
  try {
    const { AsyncContext, process } = /** @type {any} */ (globalThis);
    if (AsyncContext !== undefined) {
      const snapshot = new AsyncContext.Snapshot();
      return (action) => snapshot.run(action);
    }
    return emptySnapshot(process?.getBuiltinModule?.("node:async_hooks"));
  } catch {
    return undefined;
  }
}

/**
 * Returns a snapshot of a context without stores, or of the current context where that is impossible.
 *
 * The current context is that of the code that loads this module: of the first request, if that imports it. Node has no
 * way out of all stores at once, but an AsyncResource has them in properties that can be removed.
 *
 * @param {any} asyncHooks the module `node:async_hooks`
 * @returns {Run | undefined}
 */
function emptySnapshot(asyncHooks) {
  const { AsyncLocalStorage, AsyncResource } = asyncHooks ?? {};
  if (typeof AsyncLocalStorage?.snapshot !== "function") return undefined;
  const resource = new AsyncResource("graphql-token-manager");
  for (const symbol of Object.getOwnPropertySymbols(resource)) {
    if (STORES.includes(symbol.description ?? "")) resource[symbol] = undefined;
  }
  return resource.runInAsyncScope(() => AsyncLocalStorage.snapshot());
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
  return runWithoutStores(zone === undefined ? action : () => zone.run(action));
}
