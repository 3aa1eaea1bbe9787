// Starts the core: compiles the module once, and shares it.
//
// Decides when the module is started, and who else uses it. Where it comes from is the matter of
// `#module`, which each entry has its own of; what it can do, the core's.

import { makeGlue } from "#glue";
import * as modules from "#module";
import { forbidden, isRefusal, withoutWebAssembly } from "./blocked.js";
import { ioEndsWithRequest } from "./request-scope.js";
import { inRootContext } from "./root-context.js";
import { Running } from "./running.js";
import { TokenError } from "./token-error.js";

/** @typedef {import("#glue").NativeManager} NativeManager one manager, as the Rust crate exports it */
/** @typedef {import("../index.js").CoreSource} CoreSource */

/**
 * The running core. The first call starts it, later ones get the same promise; after a failure the next call tries
 * again.
 *
 * Copies of the package in one realm (`import` and `require`, or two bundles) with
 * the same version share one core.
 *
 * @param {CoreSource | PromiseLike<CoreSource>} [source] What to start it from, instead of what the entry has. Not
 *   looked at where the core runs already.
 * @returns {Promise<Running>} rejects with a {@link TokenError}
 */
export function boot(source) {
  const shared = sharedState();
  // One that broke off is replaced.
  if (shared.running?.failed) shared.booting = shared.running = undefined;
  // Another request's promise is not waited for.
  if (ioEndsWithRequest()) return start(shared, source);
  if (shared.booting !== undefined) {
    // Another's start, which may fail where this one does not.
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
 * @typedef {object} Registry
 * @property {Promise<Running> | undefined} [booting]
 * @property {Running | undefined} [running]
 * @property {WebAssembly.Module} [module] What ran, for another start.
 * @property {Map<string, any>} [managers] Those of `TokenManager.shared`, by their keys.
 * @property {Map<string, import("./alive-managers.js").Count>} [counts] How many managers are alive, by their identities.
 */

const KEY = Symbol.for(`graphql-token-manager@${__VERSION__}`);

/** @type {Registry} */
const alone = {};

/**
 * What the copies of the package share.
 *
 * @returns {Registry}
 */
export function sharedState() {
  const global = /** @type {Record<symbol, Registry | undefined>} */ (/** @type {unknown} */ (globalThis));
  if (global[KEY] === undefined) {
    try {
      Object.defineProperty(global, KEY, { value: alone, configurable: true });
    } catch {
      // A frozen global object (SES): this copy keeps to itself.
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
    // The module's name for its glue; `xtask/src/wasm.rs` has it too.
    const imports = {
      env: /** @type {WebAssembly.ModuleImports} */ (/** @type {unknown} */ (glue)),
    };
    // Where requests share no promise, each starts it at once, unless another one has.
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
