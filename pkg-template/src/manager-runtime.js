// The runtime of one manager, which its sessions share: its calls, its events, its status and its end.
//
// All decisions about tokens are in the core (manager-core.js). Calls go in one direction: TokenManager, session handle or
// sign-outs (sign-out.js), manager runtime, core. The core returns results through its callbacks (manager-callbacks.js).

import { callerContext } from "./channels.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { Listeners } from "./listeners.js";
import { ManagerCore, coreCrashedError } from "./manager-core.js";
import { callSnapshot } from "./options-snapshot.js";
import { ownVariables } from "./own-variables.js";
import { PendingCalls } from "./pending-calls.js";
import { ioEndsWithRequest } from "./request-scope.js";
import { serializeSelector, parseSelector } from "./selector.js";
import { SessionHandle } from "./session-handle.js";
import { StatusChanges, statusOf } from "./status.js";
import { EVENTS_WITH_SESSION } from "./tables.js";
import { TokenError, errorAt, traceOf } from "./token-error.js";
import { handled } from "../stores/foreign-promise.js";

/** @typedef {import("./manager-core.js").CoreChunk} CoreChunk */
/** @typedef {import("./manager-core.js").NativeManager} NativeManager */
/** @typedef {import("./manager-core.js").Send} Send */
/** @typedef {import("../index.js").Status} Status */
/** @typedef {import("./page-sign-outs.js").PageSignOuts} PageSignOuts */

/** The selector of the default session, as JSON. */
const NOTHING_SELECTED = "{}";

/**
 * What requests need to know of the API; see `api_profile_to_js` in src/js/convert.rs.
 *
 * @typedef {object} ApiProfile
 * @property {string} name
 * @property {string} endpoint
 * @property {string} grantUrl
 * @property {string[]} origins
 * @property {[name: string, value: string][]} headers
 * @property {string[]} secretHeaders names of headers with values that functions return
 * @property {string[]} rotationHeaders response headers that may contain a new token
 * @property {boolean} tokenInHeader whether tokens are granted in response headers, which this host can therefore read
 * @property {boolean} revokes whether the API revokes tokens
 * @property {string} tokenHeader the header of requests that contains the token, in lower case
 * @property {string} tokenScheme the scheme before the token; empty for none
 * @property {string[]} sessionPaths of values in `data` that show that the session has not ended
 * @property {[path: string, value: unknown][]} rejectionValues in `data`, with which the API rejects a token
 * @property {number[]} rejectionStatuses statuses with which the API rejects a token
 * @property {string[]} quotable names of variables and headers of grants that are no secrets
 * @property {string[]} scopePaths paths of the granted scopes below `data`
 * @property {string[]} tokenPaths paths of the tokens below `data`
 * @property {boolean} quotesErrors whether errors may quote those of the API
 * @property {import("./rule-functions.js").RuleFunctions} rules the functions that recognize failures
 * @property {boolean} rejectsInBody whether the API may reject a token by an error in the body
 */

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
   * Set together with `chunk`.
   *
   * @type {import("./sign-out.js").SignOuts}
   */
  signOuts = /** @type {any} */ (undefined);
  /**
   * Reports what the manager does to observers. Set when the core starts.
   *
   * @type {InstanceType<CoreChunk["Trace"]> | undefined}
   */
  trace = undefined;
  /** Whether the manager is counted as alive, which requires a FinalizationRegistry to notice its collection. */
  isCounted = false;
  /**
   * Counts this manager among those of its identity, once the core has computed that.
   *
   * @type {ReturnType<typeof import("./alive-managers.js").countManager> | undefined}
   */
  count = undefined;
  /** Set once it is settled whether the page can read new tokens: one was read, or listeners were warned. */
  isExposureKnown = false;

  /** The last reading of the wall clock. */
  #lastNow = 0;
  /** @type {any} */
  #options;
  /** Created for the first selector. @type {ReturnType<typeof ownVariables> | undefined} */
  #findOwn = undefined;
  /** The `fetch` option. Set together with `api`. @type {typeof globalThis.fetch | undefined} */
  ownFetch = undefined;
  /** Sign-outs of other pages, in a page. Set once the core runs. @type {PageSignOuts | undefined} */
  pageSignOuts = undefined;

  /** @param {unknown} options */
  constructor(options) {
    this.#options = options;
    this.core = new ManagerCore(this, options);
  }

  /** Starts the core and passes it the options. Resolves at once if that was done before. */
  ready() {
    return this.core.ready();
  }

  get hasStore() {
    return this.#options?.store !== undefined;
  }

  /** The handles of the sessions, as far as they are referenced. */
  handles() {
    const manager = this.manager.deref();
    return manager === undefined ? [] : this.handlesOf(manager);
  }

  /**
   * Serializes a selector; see `selector.js`.
   *
   * @param {unknown} selector
   */
  serializeSelector(selector) {
    return serializeSelector(selector, () => (this.#findOwn ??= ownVariables(this.#options)));
  }

  /**
   * Starts a new call, which the core settles.
   *
   * @param {SessionHandle} handle
   * @param {"getToken" | "refresh" | "getScopes" | "getHeaderSecrets"} method
   * @param {any} options
   * @param {(value: any) => unknown} toResult converts the token, or the scopes, to the result of the call
   * @param {unknown} publicObject kept reachable while the call is pending
   * @returns {Promise<any>}
   */
  startCall(handle, method, options, toResult, publicObject) {
    const waitUntil = this.waitUntil;
    /** @type {Send} */
    const send = (native, call, given) => native[method](call, given, handle);
    // The token is valid and its refresh is due: this extra call starts the refresh, which `waitUntil` keeps running.
    // The caller's call then finds it in flight and receives the cached token.
    if (waitUntil && method === "getToken" && handle.isDue()) {
      waitUntil(this.addCall(handle, send, undefined, toResult, publicObject));
    }
    const result = this.addCall(handle, send, options, toResult, publicObject);
    // A client that disconnects must not end an acquisition for which other callers wait.
    waitUntil?.(result);
    return result;
  }

  /**
   * Adds a call, and passes it to the core once that runs.
   *
   * @param {SessionHandle} handle
   * @param {Send} send
   * @param {any} options
   * @param {(value: any) => unknown} toResult
   * @param {unknown} publicObject
   * @param {Function} [entry] the function whose callers are the stack of an error
   * @returns {Promise<any>}
   */
  addCall(handle, send, options, toResult, publicObject, entry = handle.startCall) {
    return new Promise((resolve, reject) => {
      if (handle.isClosed) throw errorAt(traceOf(entry), handle.closedError());
      const { isRunning } = this.core;
      const context = callerContext();
      const call = this.calls.add(
        { handle, resolve, reject, toResult, publicObject, context, entry },
        options?.signal,
      );
      if (isRunning) {
        this.core.send(send, call, options);
        this.calls.trace(call);
      } else {
        this.calls.trace(call);
        const snapshot = callSnapshot(options);
        this.ready().then(
          () => this.core.send(send, call, snapshot),
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
    const fetch = this.ownFetch ?? globalThis.fetch;
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
   * Calls the core, if it is running; see {@link ManagerCore.use}.
   *
   * @template T
   * @param {(core: NativeManager) => T} action
   */
  withCore(action) {
    return this.core.use(action);
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
    const counters = handle === this.defaultHandle ? this.core.counters : { grants: 0, failures: 0 };
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
    const closed = this.core.endWork((core, onClosed) => core.closeSession(handle, onClosed));
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
    this.count?.end();
    this.pageSignOuts?.close();
    const closed = this.core.close();
    // The calls that the core has not received yet, or that do not request a token.
    for (const call of this.calls.ids()) {
      const error = this.calls.handleOf(call)?.closedError();
      this.calls.reject(call, error);
    }
    this.defaultHandle.clearToken();
    return closed;
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

  /**
   * Signs out by a method of `SignOuts`. Calls that are sent to the core when it starts precede the sign-out; they then
   * receive tokens of after it, as do all calls that wait at a sign-out.
   *
   * @param {"clear" | "revoke"} method
   * @param {SessionHandle} handle
   * @param {boolean} isWhole
   * @param {unknown} publicObject
   * @returns {Promise<void>}
   */
  signOut(method, handle, isWhole, publicObject) {
    const signOut = () => this.signOuts[method](handle, isWhole, publicObject);
    const signedOut = this.signOuts ? signOut() : handle.ready().then(signOut);
    // Before anything is awaited, because the request may end then.
    this.waitUntil?.(signedOut);
    return signedOut;
  }

  /**
   * The function that keeps the current request alive until a promise settles: option `waitUntil`, used only where I/O
   * ends with its request.
   *
   * @returns {((promise: Promise<unknown>) => void) | undefined}
   */
  get waitUntil() {
    const waitUntil = this.ioEndsWithRequest ? this.#options?.waitUntil : undefined;
    if (typeof waitUntil !== "function") return undefined;
    return (promise) => {
      const settled = promise.catch(() => {});
      // Outside a request, `waitUntil` may throw; the caller waits for the promise nonetheless.
      void ignoringErrors(() => waitUntil(settled));
    };
  }
}
