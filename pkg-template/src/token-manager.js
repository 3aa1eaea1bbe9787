// The public classes. They hold no rules: those are in the core.

import { boot, sharedState } from "./boot.js";
import { Desk } from "./desk.js";
import { fetchWithToken } from "./fetching.js";
import { Office } from "./office.js";
import { optionsSnapshot } from "./options-snapshot.js";
import { mayReplace } from "./origins.js";
import { request } from "./requesting.js";
import { selectorOf } from "./selector.js";
import { sharedManager } from "./shared-managers.js";
import { TokenError } from "./token-error.js";
import { finalizationRegistry, isReal, weakRef } from "./weak.js";
import { handled } from "../stores/foreign-promise.js";

/** @typedef {import("../index.js").AccessToken} AccessToken */
/** @typedef {import("../index.js").CoreSource} CoreSource */
/** @typedef {import("../index.js").GetTokenOptions} GetTokenOptions */
/** @typedef {import("../index.js").RefreshOptions} RefreshOptions */

/** Where older engines lack them, as TypeScript's own helpers call them. */
const DISPOSE = Symbol.dispose ?? Symbol.for("Symbol.dispose");
const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/**
 * Whether a session was closed.
 *
 * @type {(session: TokenSession) => boolean}
 */
let isLeft;
/**
 * Whether a session, or its manager, was closed.
 *
 * @type {(session: TokenSession) => boolean}
 */
let isClosed;

/** A session of a manager: what it is to its users. The manager itself is one, its own. */
class TokenSession {
  /** Bundlers shorten names, and the class's own is what consoles print. */
  static name = "TokenSession";

  static {
    isLeft = (session) => session.#desk.left;
    isClosed = (session) => session.#desk.closed;
  }

  #desk;
  /** Not to be collected while somebody has a session of it: that would close it. */
  #manager;
  /** @type {typeof globalThis.fetch | undefined} */
  #fetch = undefined;

  /**
   * @param {Desk} desk
   * @param {TokenManager | undefined} manager of which this is another session
   */
  constructor(desk, manager) {
    this.#desk = desk;
    this.#manager = manager;
  }

  /**
   * Bound, to be handed to any client. It refers to the session, which must not be collected
   * while a client has only this. Made when it is wanted: there may be very many sessions.
   */
  get fetch() {
    return (this.#fetch ??= (/** @type {any} */ input, /** @type {any} */ init) =>
      fetchWithToken(this.#desk, this, input, init));
  }

  async ready() {
    await this.#desk.ready();
    // Whoever waits may have nothing else of it: it must not be collected, and closed, meanwhile.
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
    // A token for nothing is not granted: its scopes are not told.
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
    // Of this session alone, also at the manager: its `status()` is that of its own session.
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
   * The sessions that somebody has, by the keys of their selectors.
   *
   * @type {Map<unknown, ReturnType<typeof weakRef<TokenSession>>>}
   */
  #sessions = new Map();
  /** From what number on those that nobody has any more are looked for. */
  #full = 64;

  /** @param {unknown} options */
  constructor(options) {
    const office = new Office(optionsSnapshot(options));
    super(office.own, undefined);
    this.#office = office;
    office.manager = weakRef(this);
    // Made here and not at import, which has no side effect.
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
    // What is no selector is no key either: whoever gives it has it.
    if (typeof key === "string") this.#sessions.set(key, weakRef(session));
    return session;
  }

  async close() {
    registry?.unregister(this.#office);
    await this.#office.close();
  }

  #sweep() {
    // Of strong references, where the engine has no others, there must not be more and more.
    for (const [key, session] of this.#sessions)
      if (session.strong || session.deref() === undefined) this.#sessions.delete(key);
    // Twice as many as there are: looking for them costs little for each.
    this.#full = 64 + 2 * this.#sessions.size;
  }
}

/**
 * A weak reference to a session: to another object of it where the first was collected and the manager was not.
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
