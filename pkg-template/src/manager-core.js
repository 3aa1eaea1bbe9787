// The core of one manager: its start, its calls, and its restart after a crash.

import { loadCoreChunk } from "#load-core-chunk";
import { microtask } from "./microtask.js";
import { poll } from "./request-scope.js";
import { inRootContext } from "./root-context.js";
import { TokenError, errorOf } from "./token-error.js";

/** @typedef {import("#glue").NativeManager} NativeManager the class that the Rust crate exports: one manager */
/** @typedef {typeof import("./core-chunk.js")} CoreChunk */
/** @typedef {import("./core-instance.js").CoreInstance} CoreInstance */
/** @typedef {import("./manager-runtime.js").ManagerRuntime} ManagerRuntime */
/** @typedef {import("./pending-calls.js").PendingCalls} PendingCalls */
/** @typedef {import("./session-handle.js").SessionHandle} SessionHandle */
/** @typedef {import("../index.js").CoreSource} CoreSource */

/**
 * Passes a call to the core.
 *
 * @typedef {(native: NativeManager, call: number, options: any, handle: SessionHandle) => void} Send
 */

/**
 * The native manager while it runs, and what belongs to it.
 *
 * @typedef {object} RunningCore
 * @property {NativeManager} native
 * @property {CoreInstance} instance
 * @property {InstanceType<CoreChunk["ManagerCallbacks"]>} callbacks
 * @property {() => void} unwatch stops watching the instance for a crash
 */

/**
 * Starts the core without a manager.
 *
 * @param {CoreSource | PromiseLike<CoreSource>} [source] replaces the entry's own source
 */
export async function startCore(source) {
  const chunk = await loadCoreChunk();
  return chunk.startCore(source);
}

/** The core of one manager. */
export class ManagerCore {
  /** The crashes so far. */
  crashes = 0;
  /** The counters of the default session, of the cores that no longer run. */
  counters = { grants: 0, failures: 0 };

  #runtime;
  /** Kept for another start after a crash. */
  #options;
  /** @type {RunningCore | undefined} */
  #core = undefined;
  /** @type {Promise<void> | undefined} */
  #starting = undefined;

  /** @param {ManagerRuntime} runtime @param {unknown} options */
  constructor(runtime, options) {
    this.#runtime = runtime;
    this.#options = options;
  }

  get isRunning() {
    return this.#activeCore() !== undefined;
  }

  /** Starts the core and passes it the options. Resolves at once if that was done before. */
  ready() {
    const { isClosed, defaultHandle, ioEndsWithRequest } = this.#runtime;
    if (isClosed) return Promise.reject(defaultHandle.closedError());
    this.#activeCore();
    // A promise of another request must not be awaited here.
    if (ioEndsWithRequest) return inRootContext(() => this.#start());
    return (this.#starting ??= inRootContext(() => this.#start()));
  }

  /**
   * Calls the core, if it is running. Returns `undefined` if it is not, or if it crashed during the call.
   *
   * @template T
   * @param {(core: NativeManager) => T} action
   * @returns {T | undefined}
   */
  use(action) {
    const core = this.#activeCore();
    try {
      return core && inRootContext(() => action(core.native));
    } catch {
      // The core crashed.
      this.#activeCore();
      return undefined;
    }
  }

  /**
   * Passes a call to the core.
   *
   * @param {Send} send
   * @param {number} call
   * @param {any} options
   */
  send(send, call, options) {
    const { calls } = this.#runtime;
    // The call may have been aborted, or the manager closed, while the core started.
    const handle = calls.handleOf(call);
    if (handle === undefined) return;
    calls.during(call, () => {
      try {
        inRootContext(() => this.#core && send(this.#core.native, call, options, handle));
      } catch (thrown) {
        if (this.#core?.instance.failed) this.#activeCore();
        else calls.reject(call, errorFromCore(thrown));
      }
    });
  }

  /** The time of the core's timer by `Date.now()`, where timers end with their request and calls poll it. */
  get timerDueAt() {
    return this.#core?.callbacks.timerDueAt ?? Infinity;
  }

  /** Whether a lease is being released; see `HostBindings`. */
  get isReleasing() {
    return this.#core?.callbacks.isReleasing ?? false;
  }

  /**
   * Calls the core, if it is running, to close a session or the manager. Resolves when no work remains.
   *
   * @param {(core: NativeManager, onClosed: () => void) => void} action
   * @returns {Promise<void> | undefined}
   */
  endWork(action) {
    /** @type {() => void} */
    let resolve = () => {};
    let isClosed = false;
    const closed = new Promise((/** @type {(value: void) => void} */ settle) => (resolve = settle));
    const callbacks = this.#activeCore()?.callbacks;
    const check = () => {
      if (callbacks && Date.now() >= callbacks.timerDueAt) callbacks.onTimer();
      if (isClosed) resolve();
      return isClosed;
    };
    const { ioEndsWithRequest } = this.#runtime;
    return this.use((core) => {
      action(core, ioEndsWithRequest ? () => (isClosed = true) : resolve);
      if (ioEndsWithRequest) poll(check);
      return closed;
    });
  }

  /**
   * Ends the work of the manager and frees the core.
   *
   * @returns {Promise<void> | undefined} resolves when the remaining work is done
   */
  close() {
    this.#options = undefined;
    this.#core?.unwatch();
    const core = this.#activeCore();
    const closed = this.endWork((native, onClosed) => native.close(onClosed));
    const status = this.use((native) => native.status(this.#runtime.defaultHandle));
    if (core && status) {
      this.counters = { grants: status.grants, failures: status.failures };
      this.#core = undefined;
      // Deferred: this may run in a listener that the core called, while the core is on the stack.
      microtask(() => core.native.free());
    } else {
      this.#runtime.notify({ type: "close" }, this.#runtime.defaultHandle.selector);
    }
    return closed;
  }

  async #start() {
    const runtime = this.#runtime;
    const closedError = () => runtime.defaultHandle.closedError();
    try {
      const [chunk, instance] = await this.#startInstance();
      if (runtime.isClosed) throw closedError();
      runtime.trace ??= new chunk.Trace(runtime, /** @type {any} */ (this.#options)?.debug);
      // Another request may have started the core meanwhile.
      if (this.#activeCore() !== undefined) return;
      const callbacks = new chunk.ManagerCallbacks(runtime);
      const native = construct(instance, this.#options, callbacks);
      // A listener for warnings may have closed the manager.
      if (runtime.isClosed) {
        native.free();
      } else {
        runtime.api = { ...native.apiProfile(), rules: chunk.ruleFunctionsOf(this.#options) };
        runtime.chunk = chunk;
        runtime.signOuts ??= new chunk.SignOuts(runtime);
        runtime.ownFetch = /** @type {any} */ (this.#options)?.fetch;
        this.#core?.unwatch();
        const unwatch = instance.watch(() => this.#activeCore());
        this.#core = { native, instance, callbacks, unwatch };
      }
    } catch (error) {
      const reason = TokenError.is(error) ? error : coreCrashedError();
      // Invalid options stay invalid, so that failure is kept.
      if (reason.code !== "invalid_options") this.#starting = undefined;
      throw reason;
    }
    if (runtime.isClosed) throw closedError();
  }

  /** @returns {Promise<[CoreChunk, CoreInstance]>} */
  async #startInstance() {
    try {
      const chunk = await loadCoreChunk();
      return [chunk, await chunk.startCore()];
    } catch (error) {
      // A later start may succeed, whatever the error.
      this.#starting = undefined;
      throw error;
    }
  }

  /** Returns the core, if it is running. A crashed core is dropped, and the next call starts another. */
  #activeCore() {
    if (this.#core?.instance.failed) {
      const { calls } = this.#runtime;
      const rejectAll = calls.rejectAllLater();
      // Deferred, because the stack may be exhausted. If `microtask` throws, the next call runs this branch again.
      const { callbacks } = this.#core;
      microtask(() => {
        callbacks.stop();
        this.#onCrash(rejectAll);
      });
      calls.clear();
      this.crashes++;
      this.#core = this.#starting = undefined;
    }
    return this.#core;
  }

  /**
   * Rejects the calls that were pending in a crashed core, and notifies the listeners. The cached token is kept.
   *
   * @param {ReturnType<PendingCalls["rejectAllLater"]>} rejectAll
   */
  #onCrash(rejectAll) {
    this.counters.failures++;
    rejectAll(coreCrashedError);
    const { code, message } = coreCrashedError();
    const { token, validUntil, selector } = this.#runtime.defaultHandle;
    const tokenStillValid = token !== undefined && Date.now() < validUntil;
    this.#runtime.notify({ type: "error", error: { code, message }, tokenStillValid }, selector);
  }
}

/**
 * @param {CoreInstance} instance
 * @param {unknown} options
 * @param {any} callbacks
 * @returns {NativeManager}
 */
function construct(instance, options, callbacks) {
  try {
    return new instance.NativeManager(options, callbacks);
  } catch (thrown) {
    throw errorFromCore(thrown);
  }
}

/**
 * Converts an exception of the core to a TokenError: the core throws the fields of an error, or it crashed.
 *
 * @param {any} thrown
 */
function errorFromCore(thrown) {
  return thrown instanceof Error || typeof thrown?.code !== "string" ? coreCrashedError() : errorOf(thrown);
}

/** Returns the error for calls that a crash of the core ended. */
export function coreCrashedError() {
  return new TokenError(
    "internal",
    "the WebAssembly core crashed; the next call restarts it. Unless the stack overflowed, please report this",
  );
}
