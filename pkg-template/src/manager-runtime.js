// The runtime of one manager, which its sessions share: the start and restart of its core, its status and its end.
//
// All decisions about tokens are in the core. Calls go in one direction: TokenManager, session handle, manager runtime,
// core. The core returns results through its callbacks (manager-callbacks.js).

import { loadCoreChunk } from "#load-core-chunk";
import { countManager } from "./alive-managers.js";
import { callerContext } from "./channels.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { Listeners } from "./listeners.js";
import { microtask } from "./microtask.js";
import { callSnapshot } from "./options-snapshot.js";
import { PendingCalls } from "./pending-calls.js";
import { ioEndsWithRequest, poll } from "./request-scope.js";
import { inRootContext } from "./root-context.js";
import { serializeSelector, parseSelector } from "./selector.js";
import { SessionHandle } from "./session-handle.js";
import { StatusChanges, statusOf } from "./status.js";
import { EVENTS_WITH_SESSION } from "./tables.js";
import { TokenError, errorAt, errorOf, traceOf } from "./token-error.js";
import { handled } from "../stores/foreign-promise.js";

/** @typedef {import("#glue").NativeManager} NativeManager the class that the Rust crate exports: one manager */
/** @typedef {typeof import("./core-chunk.js")} CoreChunk */
/** @typedef {import("./core-instance.js").CoreInstance} CoreInstance */
/** @typedef {import("../index.js").CoreSource} CoreSource */
/** @typedef {import("../index.js").Status} Status */
/** @typedef {import("./page-sign-outs.js").PageSignOuts} PageSignOuts */

/** The selector of the default session, as JSON. */
const NOTHING_SELECTED = "{}";

/**
 * What requests need to know of the API; see `traits_to_js` in src/js/convert.rs.
 *
 * @typedef {object} ApiProfile
 * @property {string} name
 * @property {string} endpoint
 * @property {string} grantUrl
 * @property {string[]} origins
 * @property {[name: string, value: string][]} headers
 * @property {string[]} rotationHeaders response headers that may contain a new token
 * @property {boolean} tokenInHeader whether tokens are granted in response headers, which this host can therefore read
 * @property {boolean} revokes whether the API revokes tokens
 * @property {number[]} rejectionStatuses statuses with which the API rejects a token
 * @property {boolean} quotesErrors whether errors may quote those of the API
 * @property {boolean} rejectsInBody whether the API may reject a token by an error in the body
 */

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

/** The runtime of one manager, shared by its sessions. */
export class ManagerRuntime {
  /** Set where I/O ends with the request that started it; see `IoScope` in src/core/policy.rs. */
  ioEndsWithRequest = ioEndsWithRequest();

  listeners = new Listeners((warning) => this.#report(warning, undefined));

  calls = new PendingCalls(this);

  /**
   * The public manager, unless it was collected.
   *
   * @type {{ deref(): import("./token-manager.js").TokenManager | undefined }}
   */
  manager = { deref: () => undefined };
  /**
   * Returns the handles of the sessions of a manager.
   *
   * @type {(manager: import("./token-manager.js").TokenManager) => SessionHandle[]}
   */
  handlesOf = () => [];

  /** The handle of the default session. */
  defaultHandle = new SessionHandle(this, NOTHING_SELECTED);

  /** Emits the `change` events. */
  changes = new StatusChanges((handle) => this.notify({ type: "change" }, handle.selector));

  isClosed = false;

  /** The crashes of the core so far. */
  crashes = 0;

  /**
   * What requests need to know of the API. Set once the core has accepted the options.
   *
   * @type {ApiProfile}
   */
  api = /** @type {any} */ (undefined);
  /**
   * The code that sends requests with the token. Set together with `api`.
   *
   * @type {CoreChunk}
   */
  chunk = /** @type {any} */ (undefined);
  /**
   * Reports what the manager does to observers. Set when the core starts.
   *
   * @type {InstanceType<CoreChunk["Trace"]> | undefined}
   */
  trace = undefined;
  /** Whether the manager is counted as alive, which requires a FinalizationRegistry to notice its collection. */
  isCounted = false;
  /** @type {ReturnType<typeof countManager> | undefined} */
  #count = undefined;
  /** Set once it is settled whether the page can read new tokens: one was read, or listeners were warned. */
  isExposureKnown = false;

  /** The last reading of the wall clock. */
  #lastNow = 0;
  /** Kept for another start after a crash of the core. */
  #options;
  /** @type {RunningCore | undefined} */
  #core = undefined;
  /** @type {typeof globalThis.fetch | undefined} */
  #fetch = undefined;
  /** @type {Promise<void> | undefined} */
  #starting = undefined;
  #counters = { grants: 0, failures: 0 };
  /** Sign-outs of other pages, in a page. Set once the core runs. @type {PageSignOuts | undefined} */
  pageSignOuts = undefined;

  /** @param {unknown} options */
  constructor(options) {
    this.#options = options;
  }

  /** Starts the core and passes it the options. Resolves at once if that was done before. */
  ready() {
    if (this.isClosed) return Promise.reject(this.defaultHandle.closedError());
    this.#activeCore();
    // A promise of another request must not be awaited here.
    if (this.ioEndsWithRequest) return inRootContext(() => this.#start());
    return (this.#starting ??= inRootContext(() => this.#start()));
  }

  /**
   * Serializes a selector; see `selector.js`.
   *
   * @param {unknown} selector
   */
  serializeSelector(selector) {
    return serializeSelector(selector, this.#options);
  }

  /**
   * Starts a new call, which the core settles.
   *
   * @param {SessionHandle} handle
   * @param {"getToken" | "refresh" | "getScopes"} method
   * @param {any} options
   * @param {(value: any) => unknown} toResult converts the token, or the scopes, to the result of the call
   * @param {unknown} publicObject kept reachable while the call is pending
   * @returns {Promise<any>}
   */
  startCall(handle, method, options, toResult, publicObject) {
    const waitUntil = this.#waitUntil;
    /** @type {Send} */
    const send = (native, call, given) => native[method](call, given, handle);
    // The token is valid and its refresh is due: this extra call starts the refresh, which `waitUntil` keeps running.
    // The caller's call then finds it in flight and receives the cached token.
    if (waitUntil && method === "getToken" && handle.isDue()) {
      waitUntil(this.#addCall(handle, send, undefined, toResult, publicObject));
    }
    const result = this.#addCall(handle, send, options, toResult, publicObject);
    // A client that disconnects must not end an acquisition for which other callers wait.
    waitUntil?.(result);
    return result;
  }

  /**
   * Signs out as {@link clear} does, and revokes the tokens. The provider must have a revocation. A core that crashed has
   * lost the tokens, which cannot be revoked then.
   *
   * @param {SessionHandle} handle
   * @param {boolean} isWhole
   * @param {unknown} publicObject
   * @returns {Promise<void>}
   */
  async revoke(handle, isWhole, publicObject) {
    this.#activeCore();
    const isLost = this.#handles().some((each) => each.hasLostToken);
    this.#discard(handle, isWhole);
    try {
      await this.#signOut(handle, isWhole, publicObject, (native, end) => {
        native.revoke(isWhole ? undefined : handle, end);
      });
    } catch (error) {
      // The core may have crashed meanwhile, and the other sessions of the identity have kept the tokens.
      this.#signOutLost();
      // The tokens are discarded, so that another call would have nothing to revoke.
      if (error instanceof TokenError) error.retryable = false;
      throw error;
    }
    if (isLost) throw tokenLostError();
  }

  /**
   * Signs out the identity of a session, or all sessions. Starts the core if it is not running, because the store may
   * have a token of before.
   *
   * @param {SessionHandle} handle
   * @param {boolean} isWhole
   * @param {unknown} publicObject
   * @returns {Promise<void>}
   */
  clear(handle, isWhole, publicObject) {
    this.#discard(handle, isWhole);
    return this.#signOut(handle, isWhole, publicObject, (native, end) => {
      if (isWhole) native.clearAll(end);
      else native.clear(handle, end);
    });
  }

  /**
   * Removes the cached tokens at a sign-out.
   *
   * @param {SessionHandle} handle
   * @param {boolean} isWhole
   */
  #discard(handle, isWhole) {
    // The core notifies the handles of its sessions. One that crashed has lost them, and their handles keep the tokens.
    if (isWhole || this.#activeCore() === undefined) this.#signOutHandles();
    else this.#signOutLost();
    handle.signedOut();
  }

  /**
   * @param {SessionHandle} handle
   * @param {boolean} isWhole
   * @param {unknown} publicObject
   * @param {(native: NativeManager, end: (failure: any) => void) => void} start
   * @returns {Promise<void>}
   */
  #signOut(handle, isWhole, publicObject, start) {
    /** @type {Send} */
    const send = (native, call) => {
      const end = (/** @type {any} */ failure) =>
        failure === undefined
          ? this.calls.resolve(call, undefined)
          : this.calls.reject(call, errorOf(failure));
      start(native, end);
      // The identity of a session is not announced, and signing out all sessions would also replace their records.
      if (isWhole || !this.#hasStore) this.pageSignOuts?.announce();
    };
    const result = this.#addCall(handle, send, undefined, () => undefined, publicObject, this.#signOut);
    this.#waitUntil?.(result);
    return result;
  }

  get #hasStore() {
    return /** @type {any} */ (this.#options)?.store !== undefined;
  }

  /**
   * Follows a sign-out of another page. Also with a store: the other page may not have all of these sessions, and the
   * store may fail, or be one that pages do not share.
   */
  signedOutElsewhere() {
    this.#signOutHandles();
    this.withCore((core) => core.clearAll(() => {}));
  }

  /** Follows a sign-out that a page may have missed while it was in the back/forward cache. */
  mayHaveMissedSignOut() {
    if (!this.#hasStore) return this.signedOutElsewhere();
    for (const handle of this.#handles()) this.withCore((core) => core.storeChanged(handle));
  }

  #signOutHandles() {
    for (const handle of this.#handles()) handle.signedOut();
  }

  #signOutLost() {
    for (const handle of this.#handles()) if (handle.hasLostToken) handle.signedOut();
  }

  #handles() {
    const manager = this.manager.deref();
    return manager === undefined ? [] : this.handlesOf(manager);
  }

  /**
   * @param {SessionHandle} handle
   * @param {Send} send
   * @param {any} options
   * @param {(value: any) => unknown} toResult
   * @param {unknown} publicObject
   * @param {Function} [entry] the function whose callers are the stack of an error
   * @returns {Promise<any>}
   */
  #addCall(handle, send, options, toResult, publicObject, entry = handle.startCall) {
    return new Promise((resolve, reject) => {
      if (handle.isClosed) throw errorAt(traceOf(entry), handle.closedError());
      const isRunning = this.#activeCore() !== undefined;
      const context = callerContext();
      const call = this.calls.add(
        { handle, resolve, reject, toResult, publicObject, context, entry },
        options?.signal,
      );
      if (isRunning) {
        this.#send(send, call, options);
        this.calls.trace(call);
      } else {
        this.calls.trace(call);
        const snapshot = callSnapshot(options);
        this.ready().then(
          () => this.#send(send, call, snapshot),
          (error) => this.calls.reject(call, error),
        );
      }
    });
  }

  /**
   * Calls the `fetch` option, or the global `fetch` as it is now.
   *
   * @param {any} input
   * @param {any} init
   * @returns {Promise<Response>}
   */
  fetch(input, init) {
    const fetch = this.#fetch ?? globalThis.fetch;
    if (typeof fetch !== "function") {
      throw new TokenError("unsupported", "`fetch` is not available here; pass one as option `fetch`");
    }
    return handled(fetch(input, init));
  }

  /**
   * Returns the fields of the error that the core derives from a response.
   *
   * @param {(core: NativeManager) => any} action
   */
  deriveErrorFields(action) {
    return this.withCore(action) ?? (this.isClosed ? this.defaultHandle.closedError() : coreCrashedError());
  }

  /**
   * Calls the core, if it is running. Returns `undefined` if it is not, or if it crashed during the call.
   *
   * @template T
   * @param {(core: NativeManager) => T} action
   * @returns {T | undefined}
   */
  withCore(action) {
    const core = this.#activeCore();
    try {
      return core && inRootContext(() => action(core.native));
    } catch {
      // The core crashed.
      this.#activeCore();
      return undefined;
    }
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
  #closeInCore(action) {
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
    return this.withCore((core) => {
      action(core, this.ioEndsWithRequest ? () => (isClosed = true) : resolve);
      if (this.ioEndsWithRequest) poll(check);
      return closed;
    });
  }

  /**
   * Returns the time of the wall clock, or `Infinity` once the manager is closed, so that no token counts as valid. If
   * the clock was set back, the times in the session handles are wrong: the core, which also has a monotonic clock,
   * sets them again.
   */
  now() {
    if (this.isClosed) return Infinity;
    const now = Date.now();
    if (now < this.#lastNow) this.withCore((core) => core.runDue(this.defaultHandle));
    this.#lastNow = now;
    return now;
  }

  /**
   * Returns the status of a session, also while the core is not running.
   *
   * @param {SessionHandle} handle
   * @returns {Status}
   */
  status(handle) {
    const status = this.withCore((core) => core.status(handle));
    if (status) return statusOf(handle, status);
    const counters = handle === this.defaultHandle ? this.#counters : { grants: 0, failures: 0 };
    const sessions = this.isClosed ? 0 : 1;
    return statusOf(handle, { state: "empty", refreshing: false, ...counters, sessions });
  }

  /**
   * Closes a session other than the default one.
   *
   * @param {SessionHandle} handle
   * @returns {Promise<void> | undefined}
   */
  closeSession(handle) {
    for (const call of this.calls.ids(handle)) {
      this.calls.reject(call, handle.closedError());
      this.withCore((core) => core.cancelCall(call, handle));
    }
    const closed = this.#closeInCore((core, onClosed) => core.closeSession(handle, onClosed));
    handle.clearToken();
    this.listeners.end(handle.selector);
    return closed;
  }

  /**
   * Closes the manager: rejects its pending calls, keeps its counters for `status()`, and frees the core.
   *
   * @returns {Promise<void> | undefined} resolves when the remaining work is done
   */
  close() {
    if (this.isClosed) return undefined;
    this.isClosed = true;
    this.#options = undefined;
    this.#count?.end();
    this.pageSignOuts?.close();
    this.#core?.unwatch();
    const core = this.#activeCore();
    const closed = this.#closeInCore((native, onClosed) => native.close(onClosed));
    const status = this.withCore((native) => native.status(this.defaultHandle));
    // The calls that the core has not received yet, or that do not request a token.
    for (const call of this.calls.ids()) {
      const error = this.calls.handleOf(call)?.closedError();
      this.calls.reject(call, error);
    }
    if (core && status) {
      this.#counters = { grants: status.grants, failures: status.failures };
      this.#core = undefined;
      // Deferred: this may run in a listener that the core called, while the core is on the stack.
      microtask(() => core.native.free());
    } else {
      this.notify({ type: "close" }, this.defaultHandle.selector);
    }
    this.defaultHandle.clearToken();
    return closed;
  }

  /**
   * Counts this manager among those of its identity.
   *
   * @param {string} digest of the identity
   */
  countAs(digest) {
    // The count exists already if the core was restarted after a crash.
    if (!this.isCounted || this.isClosed || this.#count !== undefined) return;
    this.#count = countManager(digest);
    this.#count.report((warning) => {
      const hasListener = this.listeners.has("warning", this.defaultHandle.selector);
      this.notify(warning, this.defaultHandle.selector);
      return hasListener;
    });
  }

  /**
   * Notifies the listeners of an event. Once the manager is closed, the only event is `close`, which follows later if a
   * listener closed the manager.
   *
   * @param {any} event
   * @param {unknown} selector of its session
   */
  notify(event, selector) {
    if (event.type === "close" || !this.isClosed) this.#report(event, selector);
    if (event.type === "close") {
      this.listeners.notify(event, undefined);
      this.listeners.clear();
      this.changes.clear();
    } else if (!this.isClosed) {
      const hasSession = selector !== this.defaultHandle.selector || EVENTS_WITH_SESSION.includes(event.type);
      this.listeners.notify(hasSession ? { ...event, session: parseSelector(selector) } : event, selector);
    }
  }

  /**
   * Reports an event to observers.
   *
   * @param {any} event
   * @param {unknown} selector
   */
  #report(event, selector) {
    this.trace?.event(event, selector, this.listeners.has(event.type, selector));
  }

  async #start() {
    try {
      const [chunk, instance] = await this.#startInstance();
      if (this.isClosed) throw this.defaultHandle.closedError();
      this.trace ??= new chunk.Trace(this, /** @type {any} */ (this.#options)?.debug);
      // Another request may have started the core meanwhile.
      if (this.#activeCore() !== undefined) return;
      const callbacks = new chunk.ManagerCallbacks(this);
      const native = construct(instance, this.#options, callbacks);
      // A listener for warnings may have closed the manager.
      if (this.isClosed) {
        native.free();
      } else {
        this.api = native.apiProfile();
        this.chunk = chunk;
        this.#fetch = /** @type {any} */ (this.#options)?.fetch;
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
    if (this.isClosed) throw this.defaultHandle.closedError();
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

  /**
   * Passes a call to the core.
   *
   * @param {Send} send
   * @param {number} call
   * @param {any} options
   */
  #send(send, call, options) {
    // The call may have been aborted, or the manager closed, while the core started.
    const handle = this.calls.handleOf(call);
    if (handle === undefined) return;
    this.calls.during(call, () => {
      try {
        inRootContext(() => this.#core && send(this.#core.native, call, options, handle));
      } catch (thrown) {
        if (this.#core?.instance.failed) this.#activeCore();
        else this.calls.reject(call, errorFromCore(thrown));
      }
    });
  }

  /**
   * The function that keeps the current request alive until a promise settles: option `waitUntil`, used only where I/O
   * ends with its request.
   *
   * @returns {((promise: Promise<unknown>) => void) | undefined}
   */
  get #waitUntil() {
    const waitUntil = this.ioEndsWithRequest ? /** @type {any} */ (this.#options)?.waitUntil : undefined;
    if (typeof waitUntil !== "function") return undefined;
    return (promise) => {
      const settled = promise.catch(() => {});
      // Outside a request, `waitUntil` may throw; the caller waits for the promise nonetheless.
      void ignoringErrors(() => waitUntil(settled));
    };
  }

  /** Returns the core, if it is running. A crashed core is dropped, and the next call starts another. */
  #activeCore() {
    if (this.#core?.instance.failed) {
      const rejectAll = this.calls.rejectAllLater();
      // Deferred, because the stack may be exhausted. If `microtask` throws, the next call runs this branch again.
      microtask(() => this.#onCrash(rejectAll));
      this.calls.clear();
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
    this.#counters.failures++;
    rejectAll(coreCrashedError);
    const { code, message } = coreCrashedError();
    const { token, validUntil, selector } = this.defaultHandle;
    const tokenStillValid = token !== undefined && Date.now() < validUntil;
    this.notify({ type: "error", error: { code, message }, tokenStillValid }, selector);
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

/** The error for calls that a crash of the core ended. */
function coreCrashedError() {
  return new TokenError(
    "internal",
    "the WebAssembly core crashed; the next call restarts it. Unless the stack overflowed, please report this",
  );
}

/** The error of a revocation whose tokens a crash of the core has lost. */
function tokenLostError() {
  return new TokenError(
    "internal",
    "the WebAssembly core crashed and lost the token, which is discarded here but was not revoked",
    { retryable: false },
  );
}
