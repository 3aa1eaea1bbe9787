// The public classes. All rules about tokens are in the core.

import { headerValue } from "./header-value.js";
import { startCore } from "./manager-core.js";
import { ManagerRuntime } from "./manager-runtime.js";
import { operationSnapshot } from "./operation-snapshot.js";
import { optionsSnapshot } from "./options-snapshot.js";
import { mayReplaceToken } from "./addresses.js";
import { requestSnapshot } from "./request-snapshot.js";
import { parseSelector } from "./selector.js";
import { SessionHandle } from "./session-handle.js";
import { sharedManager } from "./shared-managers.js";
import { sharedState } from "./shared-state.js";
import { TokenError } from "./token-error.js";
import { finalizationRegistry, isReal, weakRef } from "./weak.js";
import { handled } from "../stores/foreign-promise.js";

/** @typedef {import("../index.js").AccessToken} AccessToken */
/** @typedef {import("../index.js").CoreSource} CoreSource */
/** @typedef {import("../index.js").GetTokenOptions} GetTokenOptions */
/** @typedef {import("../index.js").RefreshOptions} RefreshOptions */

/** The fallbacks for older engines are the symbols that TypeScript's helpers use. */
const DISPOSE = Symbol.dispose ?? Symbol.for("Symbol.dispose");
const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/**
 * Returns whether a session was closed, and not only its manager.
 *
 * @type {(session: TokenSession) => boolean}
 */
let isSessionClosed;
/**
 * Returns whether a session or its manager was closed.
 *
 * @type {(session: TokenSession) => boolean}
 */
let isClosed;
/**
 * Returns the handle of a session.
 *
 * @type {(session: TokenSession) => SessionHandle}
 */
let handleOf;
/**
 * Returns the handles of a manager's sessions, as far as they are referenced.
 *
 * @type {(manager: TokenManager) => SessionHandle[]}
 */
let handlesOf;

/** A public session. The manager itself is its default session. */
class TokenSession {
  /** Minifiers rename the class, and consoles print its `name`. */
  static name = "TokenSession";

  static {
    isSessionClosed = (session) => session.#handle.isSessionClosed;
    isClosed = (session) => session.#handle.isClosed;
    handleOf = (session) => session.#handle;
  }

  #handle;
  /** Keeps the manager reachable for as long as the session is: collecting the manager would close it. */
  #manager;
  /** @type {typeof globalThis.fetch | undefined} */
  #fetch = undefined;

  /**
   * @param {SessionHandle} handle
   * @param {TokenManager | undefined} manager `undefined` if this is the manager itself
   */
  constructor(handle, manager) {
    this.#handle = handle;
    this.#manager = manager;
  }

  /**
   * A bound function that any client can be given. It refers to the session, so that the session is not collected
   * while a client has only this function. Created at the first access, because there may be many sessions.
   */
  get fetch() {
    return (this.#fetch ??= async (/** @type {any} */ input, /** @type {any} */ init) => {
      const handle = this.#handle;
      const request = requestSnapshot(input, init);
      if (!handle.isReady) await handle.ready();
      return handle.runtime.chunk.authorizedFetch(handle, this, request);
    });
  }

  async ready() {
    await this.#handle.ready();
    // Keeps the session reachable until here: the pending call may be the only reference to it.
    void this.#handle;
  }

  /**
   * @param {GetTokenOptions} [options]
   * @returns {Promise<string>}
   */
  getToken(options) {
    const handle = this.#handle;
    if (options === undefined) {
      const token = handle.takeCached();
      if (token !== undefined) return handle.promiseOf(token.value);
    }
    return handle.startCall("getToken", options, value, this);
  }

  /**
   * @param {GetTokenOptions} [options]
   * @returns {Promise<AccessToken>}
   */
  getAccessToken(options) {
    return this.#handle.startCall("getToken", options, whole, this);
  }

  /**
   * @param {GetTokenOptions} [options]
   * @returns {Promise<string>}
   */
  authorization(options) {
    return this.#handle.startCall("getToken", options, headerValue, this);
  }

  /**
   * @param {RefreshOptions} [options]
   * @returns {Promise<AccessToken>}
   */
  refresh(options) {
    return this.#handle.startCall("refresh", options, whole, this);
  }

  /**
   * @param {RefreshOptions} [options]
   * @returns {Promise<string[]>}
   */
  async grantedScopes(options) {
    const handle = this.#handle;
    const result = await handle.startCall("getScopes", options, whole, this);
    if (Array.isArray(result)) return result;
    const scopes = [...result.scopes];
    // No token is granted without scopes, so an empty list means that the provider does not report them.
    if (scopes.length > 0) return scopes;
    const provider = handle.api.name;
    throw new TokenError("unsupported", `${provider} does not report the scopes of its tokens`, {
      provider,
    });
  }

  /** @returns {AccessToken | undefined} */
  peek() {
    return this.#handle.peek();
  }

  /** @param {string} token */
  invalidate(token) {
    if (typeof token !== "string") {
      throw new TokenError("invalid_options", "invalidate() requires the rejected token as a string");
    }
    const handle = this.#handle;
    handle.withCore((core) => core.invalidate(handle, token));
  }

  /** @param {Response} response */
  adopt(response) {
    const handle = this.#handle;
    if (!mayReplaceToken(handle, response)) return false;
    const sent = handle.token?.value;
    handle.withCore((core) => core.adopt(response, undefined, handle, sent ?? "", undefined));
    return handle.token !== undefined && handle.token.value !== sent;
  }

  /**
   * @param {any} document
   * @param {any} [variables]
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  async request(document, variables, options) {
    const handle = this.#handle;
    const operation = operationSnapshot(document, variables, options);
    if (!handle.isReady) await handle.ready();
    return handle.runtime.chunk.sendOperation(handle, this, operation);
  }

  /** @returns {Promise<void>} */
  async clear() {
    const handle = this.#handle;
    await handle.runtime.signOut("clear", handle, this.#manager === undefined, this);
  }

  /** @returns {Promise<void>} */
  async revoke() {
    const handle = this.#handle;
    await handle.runtime.signOut("revoke", handle, this.#manager === undefined, this);
  }

  status() {
    return this.#handle.status();
  }

  /**
   * @param {string} type
   * @param {(event: any, target: any) => unknown} listener
   * @returns {() => void}
   */
  on(type, listener) {
    const handle = this.#handle;
    const { runtime, selector } = handle;
    const target = this.#manager === undefined ? runtime.manager : sessionRef(handle, weakRef(this));
    // `change` is limited to this session on the manager too, because its `status()` is that of its default session.
    const isOfOne = this.#manager !== undefined || type === "change";
    const off = runtime.listeners.add({ type, listener, selector: isOfOne ? selector : undefined, target });
    if (type !== "change" || handle.isClosed) return off;
    const end = runtime.changes.watch(handle);
    return () => {
      off();
      end();
    };
  }

  async close() {
    await this.#handle.close();
  }

  [DISPOSE]() {
    void this.close();
  }

  [ASYNC_DISPOSE]() {
    return this.close();
  }
}

/** @type {ReturnType<typeof finalizationRegistry> | undefined} */
let registry;

/** The public manager. */
export class TokenManager extends TokenSession {
  static name = "TokenManager";

  static {
    handlesOf = (manager) =>
      [manager, ...[...manager.#sessions.values()].map((session) => session.deref())]
        .filter((session) => session !== undefined)
        .map(handleOf);
  }

  /**
   * @param {CoreSource | PromiseLike<CoreSource>} [source]
   * @returns {Promise<void>}
   */
  static async ready(source) {
    await startCore(handled(source));
  }

  /**
   * @param {unknown} key
   * @param {unknown} options
   * @returns {TokenManager}
   */
  static shared(key, options) {
    const snapshot = optionsSnapshot(options);
    const managers = (sharedState().managers ??= new Map());
    return sharedManager(managers, key, snapshot, () => new TokenManager(snapshot), isClosed);
  }

  #runtime;
  /**
   * The sessions that are referenced elsewhere, by their serialized selectors.
   *
   * @type {Map<unknown, ReturnType<typeof weakRef<TokenSession>>>}
   */
  #sessions = new Map();
  /** The number of entries at which those of collected sessions are removed. */
  #full = 64;

  /** @param {unknown} options */
  constructor(options) {
    const runtime = new ManagerRuntime(optionsSnapshot(options));
    super(runtime.defaultHandle, undefined);
    this.#runtime = runtime;
    runtime.manager = weakRef(this);
    runtime.handlesOf = handlesOf;
    // Created here, because importing the package must have no side effect.
    registry ??= finalizationRegistry((/** @type {ManagerRuntime} */ runtime) => runtime.close());
    registry.register(this, runtime, runtime);
    runtime.isCounted = isReal(registry);
  }

  /**
   * @param {unknown} selector
   * @returns {TokenSession}
   */
  session(selector) {
    const runtime = this.#runtime;
    const serialized = runtime.serializeSelector(selector);
    const known = this.#sessions.get(serialized);
    const same = known?.deref();
    if (same !== undefined && !isSessionClosed(same)) return same;
    const handle =
      serialized === runtime.defaultHandle.selector
        ? runtime.defaultHandle
        : new SessionHandle(runtime, serialized);
    const session = new TokenSession(handle, this);
    if (this.#sessions.size >= this.#full) this.#sweep();
    // A selector that cannot be serialized is invalid, and its session is not cached.
    if (typeof serialized === "string") this.#sessions.set(serialized, weakRef(session));
    return session;
  }

  async close() {
    registry?.unregister(this.#runtime);
    await this.#runtime.close();
  }

  /** Removes the entries of collected sessions. */
  #sweep() {
    // In an engine without WeakRef, the references are strong and would accumulate.
    for (const [selector, session] of this.#sessions)
      if (session.strong || session.deref() === undefined) this.#sessions.delete(selector);
    // Sweeping again only after the map has doubled keeps the cost per session constant.
    this.#full = 64 + 2 * this.#sessions.size;
  }
}

/**
 * Returns a weak reference to a session. If the session object was collected and the manager was not, `deref` returns a
 * new object for the same session.
 *
 * @param {SessionHandle} handle
 * @param {{ deref(): TokenSession | undefined }} first
 */
const sessionRef = ({ runtime, selector }, first) => ({
  deref: () => first.deref() ?? runtime.manager.deref()?.session(parseSelector(selector)),
});

const value = (/** @type {AccessToken} */ token) => token.value;
const whole = (/** @type {AccessToken} */ token) => token;
