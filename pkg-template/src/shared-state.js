// The state that all copies of the package in one realm share.
//
// There are several copies where a program uses `import` and `require`, or where a page contains two bundles. Copies of
// the same version share one core.

/** @typedef {import("./core-instance.js").CoreInstance} CoreInstance */

/**
 * @typedef {object} SharedState
 * @property {Promise<CoreInstance> | undefined} [starting]
 * @property {CoreInstance | undefined} [instance]
 * @property {WebAssembly.Module} [module] the compiled module, for a restart
 * @property {Map<string, any>} [managers] the managers of `TokenManager.shared`, by their keys
 * @property {Map<string, import("./alive-managers.js").Count>} [counts] numbers of living managers, by their identities
 */

const KEY = Symbol.for(`graphql-token-manager@${__VERSION__}`);

/** @type {SharedState} */
const ofThisCopy = {};

/**
 * Returns the state that all copies of the package share, created at the first call.
 *
 * @returns {SharedState}
 */
export function sharedState() {
  const global = /** @type {Record<symbol, SharedState | undefined>} */ (/** @type {unknown} */ (globalThis));
  if (global[KEY] === undefined) {
    try {
      Object.defineProperty(global, KEY, { value: ofThisCopy, configurable: true });
    } catch {
      // The global object is frozen (SES): this copy shares nothing.
      return ofThisCopy;
    }
  }
  return global[KEY] ?? ofThisCopy;
}
