// The handle of one session: its cached token, which is returned without a call of the core.
//
// All decisions about tokens are in the core. There may be many sessions, so a handle is small; what sessions share is
// in the manager's runtime (manager-runtime.js).

import { inRootContext } from "./root-context.js";
import { TokenError, errorAt, traceOf } from "./token-error.js";

/** @typedef {import("./access-token.js").AccessToken} AccessToken */
/** @typedef {import("./manager-runtime.js").ManagerRuntime} ManagerRuntime */
/** @typedef {import("./manager-core.js").NativeManager} NativeManager */

/** The handle of one session. */
export class SessionHandle {
  /** The cached token. @type {AccessToken | undefined} */
  token = undefined;
  /** The last tokens that were replaced or presented, until a sign-out. A server may quote them. @type {string[]} */
  recent = NONE;
  /** The crashes of the core, as its runtime counts them, before it set the token. */
  crashes = 0;
  /** Until then, in ms of `Date.now()`, the token is returned without a call of the core. */
  servedUntil = 0;
  /** Until then, in ms of `Date.now()`, the token is valid. */
  validUntil = 0;
  /** A promise of the token's value, created for the first caller. @type {Promise<string> | undefined} */
  valuePromise = undefined;
  /** Whether the core was notified that this token is in use. */
  isUseReported = false;
  /** The status that was returned last. @type {import("./status.js").LastStatus | undefined} */
  lastStatus = undefined;
  /** The core's id of the session. @type {number | undefined} */
  session = undefined;
  /**
   * The call in the request of which the session's I/O runs, and the number of its polls since. Used where I/O ends
   * with the request that started it.
   */
  ioCall = 0;
  ioPolls = 0;
  /** Whether this session was closed, and not only its manager. */
  isSessionClosed = false;
  /** The number of sign-outs of this session. A request in flight compares it with the number at which it was sent. */
  signOuts = 0;

  /**
   * @param {ManagerRuntime} runtime that all sessions of a manager share
   * @param {unknown} selector as JSON, or the user's value if it cannot be serialized
   */
  constructor(runtime, selector) {
    this.runtime = runtime;
    this.selector = selector;
  }

  /** Whether the session or its manager was closed. */
  get isClosed() {
    return this.isSessionClosed || this.runtime.isClosed;
  }

  /** What requests need to know of the API. Set once the core has accepted the options. */
  get api() {
    return this.runtime.api;
  }

  /** Whether the core has accepted the options and the session is open. */
  get isReady() {
    return this.api !== undefined && !this.isClosed;
  }

  /** Waits until the core has accepted the options. Each caller receives an error of its own. */
  ready() {
    const trace = traceOf(this.ready);
    const ready = this.isClosed ? Promise.reject(this.closedError()) : this.runtime.ready();
    return ready.catch((/** @type {unknown} */ reason) => {
      throw errorAt(trace, reason);
    });
  }

  /**
   * Starts a new call, which the core settles.
   *
   * @param {"getToken" | "refresh" | "getScopes" | "getHeaderSecrets"} method
   * @param {any} options
   * @param {(value: any) => unknown} toResult
   * @param {unknown} publicObject
   * @returns {Promise<any>}
   */
  startCall(method, options, toResult, publicObject) {
    return this.runtime.startCall(this, method, options, toResult, publicObject);
  }

  /**
   * Returns the cached token, if it may be returned without a call of the core.
   *
   * @returns {AccessToken | undefined}
   */
  takeCached() {
    if (this.token === undefined || this.runtime.now() >= this.servedUntil) return undefined;
    if (!this.isUseReported) this.#reportUse();
    return this.token;
  }

  /**
   * Returns a promise of the cached token's value: one for all callers, except where requests cannot share promises.
   *
   * @param {string} value
   */
  promiseOf(value) {
    if (this.runtime.ioEndsWithRequest) return Promise.resolve(value);
    return (this.valuePromise ??= inRootContext(() => Promise.resolve(value)));
  }

  /** Returns whether the cached token is valid but due for a refresh, so that the core must be called. */
  isDue() {
    const now = this.runtime.now();
    return this.token !== undefined && this.servedUntil <= now && now < this.validUntil;
  }

  /** Returns the cached token, if it is valid. */
  peek() {
    if (this.token === undefined && !this.isClosed) this.withCore((core) => core.attach(this));
    return this.runtime.now() < this.validUntil ? this.token : undefined;
  }

  status() {
    if (this.session === undefined && !this.isClosed) this.withCore((core) => core.attach(this));
    return this.runtime.status(this);
  }

  /** @param {any} input @param {any} init */
  fetch(input, init) {
    return this.runtime.fetch(input, init);
  }

  /**
   * @template T
   * @param {(core: NativeManager) => T} action
   * @returns {T | undefined}
   */
  withCore(action) {
    return this.runtime.withCore(action);
  }

  /** @param {(core: NativeManager) => any} action */
  deriveErrorFields(action) {
    return this.runtime.deriveErrorFields(action);
  }

  /** @param {any} event */
  notify(event) {
    this.runtime.notify(event, this.selector);
  }

  /** Closes the session. The default session is closed with the manager. */
  close() {
    if (this.isClosed || this === this.runtime.defaultHandle) return undefined;
    this.isSessionClosed = true;
    return this.runtime.closeSession(this);
  }

  closedError() {
    return this.runtime.isClosed
      ? new TokenError("closed", "this TokenManager is closed; make a new one")
      : new TokenError("closed", "this session is closed; ask the TokenManager for it again");
  }

  // Callbacks of the core; see src/js/session_handle.rs.

  /** Called with the core's id of the session. @param {number} session */
  bind(session) {
    this.session = session;
  }

  /** Called when I/O of the session starts. Outside a call, it continues in the request that ran it before. */
  ioStarted() {
    this.ioCall = this.runtime.calls.current || this.ioCall;
    this.ioPolls++;
  }

  /**
   * Sets the cached token.
   *
   * @param {AccessToken} token
   * @param {number} servedUntil in ms of `Date.now()`
   * @param {number} validUntil in ms of `Date.now()`
   */
  setToken(token, servedUntil, validUntil) {
    if (this.token !== token) {
      if (this.token?.value !== token.value) this.remember(this.token?.value);
      this.valuePromise = undefined;
      this.isUseReported = false;
    }
    this.token = token;
    this.crashes = this.runtime.core.crashes;
    this.servedUntil = servedUntil;
    this.validUntil = validUntil;
  }

  /** Whether the core that set the cached token has crashed since. */
  get hasLostToken() {
    return this.token !== undefined && this.crashes !== this.runtime.core.crashes;
  }

  /** Removes the cached token. */
  clearToken() {
    this.remember(this.token?.value);
    this.token = undefined;
    this.valuePromise = undefined;
  }

  /** Removes the cached token at a sign-out. */
  signedOut() {
    this.signOuts++;
    this.clearToken();
    this.recent = NONE;
  }

  /** Remembers a token that was replaced or presented. @param {string | undefined} token */
  remember(token) {
    // A renewal may present two tokens as one; see src/graphql/renewal.rs.
    if (token !== undefined) this.recent = [...token.split("\n"), ...this.recent].slice(0, MAX_RECENT);
  }

  /** Returns the tokens of the session that are known, which no error may quote. */
  knownTokens() {
    const refreshToken = this.withCore((core) => core.refreshToken(this));
    const tokens = [this.token?.value, refreshToken, ...this.recent];
    return tokens.flatMap((token) => (token ? token.split("\n").filter(Boolean) : []));
  }

  /** Returns the function that a shared store calls when another holder has written the session's record. */
  storeWatcher() {
    return () => void this.withCore((core) => core.storeChanged(this));
  }

  /** Notifies the core that the cached token is in use. Once for each token is enough. */
  #reportUse() {
    this.isUseReported = true;
    this.withCore((core) => core.tokenUsed(this));
  }
}

/** Two access tokens and two refresh tokens. */
const MAX_RECENT = 4;

/** Shared, because there may be many sessions. @type {string[]} */
const NONE = [];
