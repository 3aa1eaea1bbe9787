// The public class. Holds no rules: they are in the core.

import { Desk } from "./desk.js";
import { fetchWithToken } from "./fetching.js";
import { request } from "./requesting.js";
import { TokenError } from "./token-error.js";

/** @typedef {import("../index.js").AccessToken} AccessToken */
/** @typedef {import("../index.js").GetTokenOptions} GetTokenOptions */
/** @typedef {import("../index.js").RefreshOptions} RefreshOptions */

/** Where older engines lack them, as TypeScript's own helpers call them. */
const DISPOSE = Symbol.dispose ?? Symbol.for("Symbol.dispose");
const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/** @type {FinalizationRegistry<Desk> | undefined} */
let registry;

export class TokenManager {
  /** Bundlers shorten names, and the class's own is what consoles print. */
  static name = "TokenManager";

  #desk;

  /**
   * Bound, to be handed to any client. It refers to the manager, which must not be collected
   * while a client has only this.
   *
   * @type {typeof globalThis.fetch}
   */
  fetch = (/** @type {any} */ input, /** @type {any} */ init) =>
    fetchWithToken(this.#desk, this, input, init);

  /** @param {unknown} options */
  constructor(options) {
    this.#desk = new Desk(copied(options));
    // Made here and not at import, which has no side effect.
    registry ??= new FinalizationRegistry((desk) => desk.close());
    registry.register(this, this.#desk, this.#desk);
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
    if (options === undefined && desk.handOut() !== undefined && desk.promised !== undefined) {
      return desk.promised;
    }
    return desk.ask("request", options, value, this);
  }

  /**
   * @param {GetTokenOptions} [options]
   * @returns {Promise<AccessToken>}
   */
  getAccessToken(options) {
    return this.#desk.ask("request", options, whole, this);
  }

  /**
   * @param {GetTokenOptions} [options]
   * @returns {Promise<string>}
   */
  authorization(options) {
    return this.#desk.ask("request", options, header, this);
  }

  /**
   * @param {RefreshOptions} [options]
   * @returns {Promise<AccessToken>}
   */
  refresh(options) {
    return this.#desk.ask("refresh", options, whole, this);
  }

  /** @returns {AccessToken | undefined} */
  peek() {
    const desk = this.#desk;
    return desk.now() < desk.validUntil ? desk.held : undefined;
  }

  /** @param {string} token */
  invalidate(token) {
    if (typeof token !== "string") {
      throw new TokenError("invalid_options", "invalidate() takes the token that was refused, as a string");
    }
    this.#desk.tell((core) => core.invalidate(token));
  }

  /** @param {Response} response */
  adopt(response) {
    return this.#desk.tell((core) => core.adopt(response)) ?? false;
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
   * @param {(event: any) => unknown} listener
   * @returns {() => void}
   */
  on(type, listener) {
    return this.#desk.listeners.add(type, listener);
  }

  async close() {
    registry?.unregister(this.#desk);
    await this.#desk.close();
  }

  [DISPOSE]() {
    void this.close();
  }

  [ASYNC_DISPOSE]() {
    return this.close();
  }
}

const value = (/** @type {AccessToken} */ token) => token.value;
const whole = (/** @type {AccessToken} */ token) => token;
const header = (/** @type {AccessToken} */ token) => `${token.tokenType} ${token.value}`;

/**
 * A store's methods, bound to it: it may be of any class, and the core calls functions alone.
 *
 * @param {any} store
 */
function methods(store) {
  if (typeof store !== "object" || store === null) return store;
  /** @type {Record<string, unknown>} */
  const bound = {};
  for (const name of ["get", "set", "delete", "acquire", "watch"]) {
    const method = store[name];
    bound[name] = typeof method === "function" ? method.bind(store) : method;
  }
  return bound;
}

/**
 * The options as they are now: the core looks at them later.
 *
 * @param {unknown} options
 */
function copied(options) {
  try {
    if (typeof options !== "object" || options === null || Array.isArray(options)) return options;
    const copy = { ...options };
    if ("store" in copy) copy.store = methods(copy.store);
    return copy;
  } catch {
    // A getter that throws: the core meets it again, and can say so.
    return options;
  }
}
