// Starts the core: compiles the inlined module once, and shares it.
//
// Decides when and how the module is started; what it can do is the core's matter.

import * as glue from "#glue";
import base64 from "#wasm";

/** @typedef {typeof import("#glue")} Core what the Rust crate exports, once it runs */

/**
 * A failed start. `code` is `"wasm_blocked"` where the page or the engine forbids
 * WebAssembly, and `"wasm_failed"` for anything else; the message says what to do,
 * `cause` is what the engine said. The face turns it into its own error class.
 *
 * @typedef {Error & { code: "wasm_blocked" | "wasm_failed" }} BootError
 */

/**
 * The running core. The first call compiles it, later ones get the same promise;
 * after a failure the next call tries again.
 *
 * Copies of the package in one realm (`import` and `require`, or two bundles) with
 * the same version share one core.
 *
 * @returns {Promise<Core>} rejects with a {@link BootError}
 */
export function boot() {
  const shared = registry();
  if (shared.booting === undefined) {
    const booting = start();
    shared.booting = booting;
    booting.catch(() => {
      if (shared.booting === booting) shared.booting = undefined;
    });
  }
  return shared.booting;
}

/** @typedef {{ booting?: Promise<Core> | undefined }} Registry */

const KEY = Symbol.for(`graphql-token-manager@${__VERSION__}`);

/** @type {Registry} */
const own = {};

/**
 * What the copies of the package share.
 *
 * @returns {Registry}
 */
function registry() {
  const global = /** @type {Record<symbol, Registry | undefined>} */ (/** @type {unknown} */ (globalThis));
  if (global[KEY] === undefined) {
    try {
      Object.defineProperty(global, KEY, { value: own, configurable: true });
    } catch {
      // A frozen global object (SES): this copy keeps to itself.
      return own;
    }
  }
  return global[KEY] ?? own;
}

/** @returns {Promise<Core>} */
async function start() {
  if (typeof WebAssembly === "undefined") throw withoutWebAssembly();
  try {
    const module = await WebAssembly.compile(decode(base64));
    const imports = /** @type {WebAssembly.ModuleImports} */ (/** @type {unknown} */ (glue));
    // The name that the generated module imports its glue by.
    const { exports } = await WebAssembly.instantiate(module, { "./core_bg.js": imports });
    glue.__wbg_set_wasm(exports);
    const main = exports.__wbindgen_start;
    if (typeof main === "function") main();
    return glue;
  } catch (error) {
    throw isRefusal(error) ? forbidden(error) : failed(error);
  }
}

/** @param {unknown} cause */
function forbidden(cause) {
  const message =
    "the Content-Security-Policy forbids WebAssembly, which graphql-token-manager runs on; " +
    "add the directive `script-src 'wasm-unsafe-eval'` to it";
  return bootError("wasm_blocked", message, cause);
}

function withoutWebAssembly() {
  const message =
    "this engine has no WebAssembly, which graphql-token-manager runs on; " +
    "it may be switched off, as in the Lockdown Mode of Safari";
  return bootError("wasm_blocked", message, undefined);
}

/** @param {unknown} cause */
function failed(cause) {
  return bootError("wasm_failed", `the core of graphql-token-manager did not start: ${cause}`, cause);
}

/**
 * @param {BootError["code"]} code
 * @param {string} message
 * @param {unknown} cause
 * @returns {BootError}
 */
function bootError(code, message, cause) {
  return Object.assign(new Error(message, { cause }), { code });
}

/**
 * Whether an engine says that it may not compile, rather than that it cannot.
 *
 * Chromium and Node name the policy in a CompileError, WebKit and older engines
 * throw an EvalError, workerd says "disallowed by embedder".
 *
 * @param {unknown} error
 */
function isRefusal(error) {
  const { name, message } = /** @type {Partial<Error>} */ (error ?? {});
  if (name === "EvalError") return true;
  return (
    name === "CompileError" &&
    /Content.Security.Policy|\bCSP\b|unsafe-eval|disallowed by embedder/i.test(`${message}`)
  );
}

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
function decode(text) {
  const modern = /** @type {{ fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }} */ (
    /** @type {unknown} */ (Uint8Array)
  );
  if (typeof modern.fromBase64 === "function") return modern.fromBase64(text);
  if (typeof atob === "function") return Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0));
  return Uint8Array.from(Buffer.from(text, "base64"));
}
