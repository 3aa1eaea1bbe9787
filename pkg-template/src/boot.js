// Starts the core: compiles the inlined module once, and shares it.
//
// Decides when and how the module is started, and when an instance can no longer be
// trusted; what it can do is the core's matter.

import { makeGlue } from "#glue";
import base64 from "#wasm";

/** @typedef {import("#glue").Core} Core one manager, as the Rust crate exports it */

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
 * @returns {Promise<Running>} rejects with a {@link BootError}
 */
export function boot() {
  const shared = registry();
  // One that broke off is replaced.
  if (shared.running?.failed) shared.booting = shared.running = undefined;
  if (shared.booting === undefined) {
    const booting = start();
    shared.booting = booting;
    booting.then(
      (running) => {
        shared.running = running;
      },
      () => {
        if (shared.booting === booting) shared.booting = undefined;
      },
    );
  }
  return shared.booting;
}

/** @typedef {{ booting?: Promise<Running> | undefined, running?: Running | undefined }} Registry */

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

/**
 * An instance of the module.
 *
 * A panic in Rust, an exhausted stack or a built-in that was replaced by one that
 * throws breaks off in the middle of a change. What is in memory then cannot be
 * trusted: the instance is left as it is, and whoever used it starts another.
 */
export class Running {
  /** Whether it broke off. */
  failed = false;

  /** @type {Set<() => void>} */
  #watchers = new Set();

  /** @param {ReturnType<typeof makeGlue>["Core"]} Core */
  constructor(Core) {
    this.Core = Core;
  }

  /**
   * Calls `failed` when it breaks off.
   *
   * @param {() => void} failed
   * @returns {() => void} ends it
   */
  watch(failed) {
    this.#watchers.add(failed);
    return () => this.#watchers.delete(failed);
  }

  /**
   * The exports of the instance, which no longer run once one of them has thrown.
   * What Rust returns as an error is thrown by the glue, and so does not come here.
   *
   * @param {WebAssembly.Exports} exports
   * @returns {object}
   */
  guarded(exports) {
    const guard = (/** @type {[string, unknown]} */ [name, value]) => {
      if (typeof value !== "function") return [name, value];
      // Timers, promises, events and collections call these: nobody would catch what they throw.
      const byEngine = /closure|free/.test(name);
      return [
        name,
        (/** @type {unknown[]} */ ...args) => {
          // The glue takes errors out of what closures return.
          if (this.failed && byEngine) return [];
          if (this.failed) throw new Error("this core broke off");
          try {
            return value(...args);
          } catch (error) {
            // First of all, and without a call: the stack may be exhausted.
            this.failed = true;
            queueMicrotask(() => this.#tell());
            if (!byEngine) throw error;
            return [];
          }
        },
      ];
    };
    return Object.fromEntries(Object.entries(exports).map(guard));
  }

  #tell() {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** @returns {Promise<Running>} */
async function start() {
  if (typeof WebAssembly === "undefined") throw withoutWebAssembly();
  try {
    const module = await WebAssembly.compile(decode(base64));
    const glue = makeGlue();
    const imports = /** @type {WebAssembly.ModuleImports} */ (/** @type {unknown} */ (glue));
    // The name that the generated module imports its glue by.
    const { exports } = await WebAssembly.instantiate(module, { "./core_bg.js": imports });
    const running = new Running(glue.Core);
    glue.__wbg_set_wasm(running.guarded(exports));
    const main = exports.__wbindgen_start;
    if (typeof main === "function") main();
    return running;
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
