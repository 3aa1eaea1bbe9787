// The public classes. All rules about tokens are in the core.

import { boot, sharedState } from "./boot.js";
import { Desk } from "./session-handle.js";
import { fetchWithToken } from "./authorized-fetch.js";
import { Office } from "./manager-runtime.js";
import { optionsSnapshot } from "./options-snapshot.js";
import { mayReplace } from "./origins.js";
import { request } from "./graphql-request.js";
import { selectorOf } from "./selector.js";
import { sharedManager } from "./shared-managers.js";
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
 * Returns whether a session was closed.
 *
 * @type {(session: TokenSession) => boolean}
 */
let isLeft;
/**
 * Returns whether a session or its manager was closed.
 *
 * @type {(session: TokenSession) => boolean}
 */
let isClosed;

/** A public session. The manager itself is its default session. */
class TokenSession {
  /** Minifiers rename the class, and consoles print its `name`. */
  static name = "TokenSession";

  static {
    isLeft = (session) => session.#desk.left;
    isClosed = (session) => session.#desk.closed;
  }

  #desk;
  /** Keeps the manager reachable for as long as the session is: collecting the manager would close it. */
  #manager;
  /** @type {typeof globalThis.fetch | undefined} */
  #fetch = undefined;

  /**
   * @param {Desk} desk
   * @param {TokenManager | undefined} manager the owner; `undefined` if this is the manager itself
   */
  constructor(desk, manager) {
    this.#desk = desk;
    this.#manager = manager;
  }

  /**
   * A bound function that any client can be given. It refers to the session, so that the session is not collected
   * while a client has only this function. Created at the first access, because there may be many sessions.
   */
  get fetch() {
    return (this.#fetch ??= (/** @type {any} */ input, /** @type {any} */ init) =>
      fetchWithToken(this.#desk, this, input, init));
  }

  async ready() {
    await this.#desk.ready();
    // Keeps the session reachable until here: the pending call may be the only reference to it.
    void this.#desk;
  }

  /**
   * @param {GetTokenOptions} [options]
   * @returns {Promise<string>}
   */
  getToken(options) {
    const desk = this.#desk;
    if (options === undefined) {
      const held = desk.handOut();
      if (held !== undefined) return desk.promise(held.value);
    }
    return desk.ask("getToken", options, value, this);
  }

  /**
   * @param {GetTokenOptions} [options]
   * @returns {Promise<AccessToken>}
   */
  getAccessToken(options) {
    return this.#desk.ask("getToken", options, whole, this);
  }

  /**
   * @param {GetTokenOptions} [options]
   * @returns {Promise<string>}
   */
  authorization(options) {
    return this.#desk.ask("getToken", options, header, this);
  }

  /**
   * @param {RefreshOptions} [options]
   * @returns {Promise<AccessToken>}
   */
  refresh(options) {
    return this.#desk.ask("refresh", options, whole, this);
  }

  /**
   * @param {RefreshOptions} [options]
   * @returns {Promise<string[]>}
   */
  async grantedScopes(options) {
    const desk = this.#desk;
    const found = await desk.ask("getScopes", options, whole, this);
    if (Array.isArray(found)) return found;
    const scopes = [...found.scopes];
    // No token is granted without scopes, so an empty list means that the provider does not report them.
    if (scopes.length > 0) return scopes;
    const provider = desk.traits.name;
    throw new TokenError("unsupported", `${provider} does not tell which scopes its tokens have`, {
      provider,
    });
  }

  /** @returns {AccessToken | undefined} */
  peek() {
    return this.#desk.peek();
  }

  /** @param {string} token */
  invalidate(token) {
    if (typeof token !== "string") {
      throw new TokenError("invalid_options", "invalidate() takes the token that was refused, as a string");
    }
    const desk = this.#desk;
    desk.tell((core) => core.invalidate(desk, token));
  }

  /** @param {Response} response */
  adopt(response) {
    const desk = this.#desk;
    if (!mayReplace(desk, response)) return false;
    return desk.tell((core) => core.adopt(response, desk, undefined)) ?? false;
  }

  /**
   * @param {any} document
   * @param {any} [variables]
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  request(document, variables, options) {
    return request(this.#desk, this, document, variables, options);
  }

  status() {
    return this.#desk.status();
  }

  /**
   * @param {string} type
   * @param {(event: any, target: any) => unknown} listener
   * @returns {() => void}
   */
  on(type, listener) {
    const desk = this.#desk;
    const { office, key } = desk;
    const target = this.#manager === undefined ? office.manager : sessionRef(desk, weakRef(this));
    // `change` is limited to this session on the manager too, because its `status()` is that of its default session.
    const isOfOne = this.#manager !== undefined || type === "change";
    const off = office.listeners.add({ type, listener, key: isOfOne ? key : undefined, target });
    if (type !== "change" || desk.closed) return off;
    const end = office.changes.watch(desk);
    return () => {
      off();
      end();
    };
  }

  async close() {
    await this.#desk.leave();
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

  /**
   * @param {CoreSource | PromiseLike<CoreSource>} [source]
   * @returns {Promise<void>}
   */
  static async ready(source) {
    await boot(handled(source));
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

  #office;
  /**
   * The sessions that are referenced elsewhere, by the keys of their selectors.
   *
   * @type {Map<unknown, ReturnType<typeof weakRef<TokenSession>>>}
   */
  #sessions = new Map();
  /** The number of entries at which those of collected sessions are removed. */
  #full = 64;

  /** @param {unknown} options */
  constructor(options) {
    const office = new Office(optionsSnapshot(options));
    super(office.own, undefined);
    this.#office = office;
    office.manager = weakRef(this);
    // Created here, because importing the package must have no side effect.
    registry ??= finalizationRegistry((/** @type {Office} */ office) => office.close());
    registry.register(this, office, office);
    office.isCounted = isReal(registry);
  }

  /**
   * @param {unknown} selector
   * @returns {TokenSession}
   */
  session(selector) {
    const office = this.#office;
    const key = office.keyOf(selector);
    const known = this.#sessions.get(key);
    const same = known?.deref();
    if (same !== undefined && !isLeft(same)) return same;
    const desk = key === office.own.key ? office.own : new Desk(office, key);
    const session = new TokenSession(desk, this);
    if (this.#sessions.size >= this.#full) this.#sweep();
    // An invalid selector has no text as its key, and its session is not cached.
    if (typeof key === "string") this.#sessions.set(key, weakRef(session));
    return session;
  }

  async close() {
    registry?.unregister(this.#office);
    await this.#office.close();
  }

  /** Removes the entries of collected sessions. */
  #sweep() {
    // In an engine without WeakRef, the references are strong and would accumulate.
    for (const [key, session] of this.#sessions)
      if (session.strong || session.deref() === undefined) this.#sessions.delete(key);
    // Sweeping again only after the map has doubled keeps the cost per session constant.
    this.#full = 64 + 2 * this.#sessions.size;
  }
}

/**
 * Returns a weak reference to a session. If the session object was collected and the manager was not, `deref` returns a
 * new object for the same session.
 *
 * @param {Desk} desk
 * @param {{ deref(): TokenSession | undefined }} first
 */
const sessionRef = ({ office, key }, first) => ({
  deref: () => first.deref() ?? office.manager.deref()?.session(selectorOf(key)),
});

const value = (/** @type {AccessToken} */ token) => token.value;
const whole = (/** @type {AccessToken} */ token) => token;
const header = (/** @type {AccessToken} */ token) => `${token.tokenType} ${token.value}`;
