// Starts the core: compiles the WebAssembly module once for each realm and shares the running instance.
//
// The source of the module is `#module`, which is another file for each entry of the package (src/module).

import { makeGlue } from "#glue";
import * as modules from "#module";
import { forbidden, isRefusal, withoutWebAssembly } from "./wasm-support.js";
import { ioEndsWithRequest } from "./request-scope.js";
import { inRootContext } from "./root-context.js";
import { Running } from "./core-instance.js";
import { TokenError } from "./token-error.js";

/** @typedef {import("#glue").NativeManager} NativeManager the class that the Rust crate exports: one manager */
/** @typedef {import("../index.js").CoreSource} CoreSource */

/**
 * Returns the running core. The first call starts it, later calls return the same promise, and the call after a failure
 * starts it again.
 *
 * Copies of the package in one realm (`import` and `require`, or two bundles) with the same version share one core.
 *
 * @param {CoreSource | PromiseLike<CoreSource>} [source] replaces the entry's own source. Ignored if the core is
 *   running
 *   already.
 * @returns {Promise<Running>} rejects with a {@link TokenError}
 */
export function boot(source) {
  const shared = sharedState();
  // A crashed core is replaced.
  if (shared.running?.failed) shared.booting = shared.running = undefined;
  // A promise of another request must not be awaited here.
  if (ioEndsWithRequest()) return start(shared, source);
  if (shared.booting !== undefined) {
    // A start with another source is in progress. It may fail where this source does not.
    return source === undefined ? shared.booting : shared.booting.catch(() => boot(source));
  }
  const booting = inRootContext(() => start(shared, source));
  shared.booting = booting;
  booting.then(
    (running) => {
      shared.running = running;
    },
    () => {
      if (shared.booting === booting) shared.booting = undefined;
    },
  );
  return booting;
}

/**
 * The state that copies of the package in one realm share.
 *
 * @typedef {object} Registry
 * @property {Promise<Running> | undefined} [booting]
 * @property {Running | undefined} [running]
 * @property {WebAssembly.Module} [module] the compiled module, for a restart
 * @property {Map<string, any>} [managers] the managers of `TokenManager.shared`, by their keys
 * @property {Map<string, import("./alive-managers.js").Count>} [counts] numbers of living managers, by their identities
 */

const KEY = Symbol.for(`graphql-token-manager@${__VERSION__}`);

/** @type {Registry} */
const alone = {};

/**
 * Returns the state that all copies of the package share, created at the first call.
 *
 * @returns {Registry}
 */
export function sharedState() {
  const global = /** @type {Record<symbol, Registry | undefined>} */ (/** @type {unknown} */ (globalThis));
  if (global[KEY] === undefined) {
    try {
      Object.defineProperty(global, KEY, { value: alone, configurable: true });
    } catch {
      // The global object is frozen (SES): this copy shares nothing.
      return alone;
    }
  }
  return global[KEY] ?? alone;
}

/**
 * @param {Registry} shared
 * @param {CoreSource | PromiseLike<CoreSource> | undefined} source
 * @returns {Promise<Running>}
 */
async function start(shared, source) {
  try {
    if (typeof WebAssembly === "undefined") throw withoutWebAssembly();
    const module =
      shared.module ?? (await (source === undefined ? modules.own() : modules.given(await source)));
    const glue = makeGlue();
    // `env` is the import namespace of the glue, also set in `xtask/src/wasm.rs`.
    const imports = {
      env: /** @type {WebAssembly.ModuleImports} */ (/** @type {unknown} */ (glue)),
    };
    // Where requests cannot share promises, each one starts the core synchronously, unless another request has done so.
    const atOnce = ioEndsWithRequest();
    if (atOnce && shared.running !== undefined) return shared.running;
    const { exports } = atOnce
      ? new WebAssembly.Instance(module, imports)
      : await WebAssembly.instantiate(module, imports);
    const running = new Running(glue.NativeManager);
    glue.__wbg_set_wasm(running.guarded(exports));
    const main = exports.__wbindgen_start;
    if (typeof main === "function") main();
    shared.module = module;
    if (atOnce) shared.running = running;
    return running;
  } catch (error) {
    if (TokenError.is(error)) throw error;
    if (isRefusal(error)) throw forbidden();
    throw new TokenError("unsupported", `the core of graphql-token-manager did not start: ${error}`);
  }
}
