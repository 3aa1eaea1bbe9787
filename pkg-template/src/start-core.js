// Starts the core: compiles the WebAssembly module once for each realm and shares the running instance.
//
// The source of the module is `#module`, which is another file for each entry of the package (src/module-source).

import { makeGlue } from "#glue";
import * as modules from "#module";
import { CoreInstance } from "./core-instance.js";
import { ioEndsWithRequest } from "./request-scope.js";
import { inRootContext } from "./root-context.js";
import { sharedState } from "./shared-state.js";
import { TokenError } from "./token-error.js";
import { forbidden, isRefusal, withoutWebAssembly } from "./wasm-support.js";

/** @typedef {import("../index.js").CoreSource} CoreSource */
/** @typedef {import("./shared-state.js").SharedState} SharedState */

/**
 * Returns the running core. The first call starts it, later calls return the same promise, and the call after a failure
 * starts it again.
 *
 * @param {CoreSource | PromiseLike<CoreSource>} [source] replaces the entry's own source; ignored if the core is
 *   running already
 * @returns {Promise<CoreInstance>} rejects with a {@link TokenError}
 */
export function startCore(source) {
  const shared = sharedState();
  // A crashed core is replaced.
  if (shared.instance?.failed) shared.starting = shared.instance = undefined;
  // A promise of another request must not be awaited here.
  if (ioEndsWithRequest()) return start(shared, source);
  if (shared.starting !== undefined) {
    // A start with another source is in progress. It may fail where this source does not.
    return source === undefined ? shared.starting : shared.starting.catch(() => startCore(source));
  }
  const starting = inRootContext(() => start(shared, source));
  shared.starting = starting;
  starting.then(
    (instance) => {
      shared.instance = instance;
    },
    () => {
      if (shared.starting === starting) shared.starting = undefined;
    },
  );
  return starting;
}

/**
 * @param {SharedState} shared
 * @param {CoreSource | PromiseLike<CoreSource> | undefined} source
 * @returns {Promise<CoreInstance>}
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
    const isSynchronous = ioEndsWithRequest();
    if (isSynchronous && shared.instance !== undefined) return shared.instance;
    const { exports } = isSynchronous
      ? new WebAssembly.Instance(module, imports)
      : await WebAssembly.instantiate(module, imports);
    const instance = new CoreInstance(glue.NativeManager);
    glue.__wbg_set_wasm(instance.guarded(exports));
    const main = exports.__wbindgen_start;
    if (typeof main === "function") main();
    shared.module = module;
    if (isSynchronous) shared.instance = instance;
    return instance;
  } catch (error) {
    if (TokenError.is(error)) throw error;
    if (isRefusal(error)) throw forbidden();
    throw new TokenError("unsupported", `the core of graphql-token-manager did not start: ${error}`);
  }
}
