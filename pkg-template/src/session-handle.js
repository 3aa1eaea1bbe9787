// The handle of one session: its cached token, which is returned without a call of the core.
//
// All decisions about tokens are in the core. There may be many sessions, so a handle is small; what sessions share is
// in the manager's runtime (manager-runtime.js).

import { inRootContext } from "./root-context.js";
import { TokenError } from "./token-error.js";

/** @typedef {import("./access-token.js").AccessToken} AccessToken */
/** @typedef {import("./boot.js").NativeManager} NativeManager */
/** @typedef {import("./manager-runtime.js").Office} Office */

/** The handle of one session. */
export class Desk {
  /** The cached token. @type {AccessToken | undefined} */
  held = undefined;
  /** Until then, in ms of `Date.now()`, the token is returned without a call of the core. */
  servedUntil = 0;
  /** Until then, in ms of `Date.now()`, the token is valid. */
  validUntil = 0;
  /** A promise of the token's value, created for the first caller. @type {Promise<string> | undefined} */
  promised = undefined;
  /** Whether the core was notified that this token is in use. */
  used = false;
  /** The status that was returned last. @type {import("./status.js").Shown | undefined} */
  shown = undefined;
  /** The core's id of the session. @type {number | undefined} */
  session = undefined;
  /**
   * The call in the request of which the session's I/O runs, and the number of its polls since. Used where I/O ends
   * with the request that started it.
   */
  ioOwner = 0;
  ioLooks = 0;
  /** Whether the session was closed. */
  left = false;

  /**
   * @param {Office} office the runtime that all sessions of a manager share
   * @param {unknown} key of the session's selector
   */
  constructor(office, key) {
    this.office = office;
    this.key = key;
  }

  get closed() {
    return this.left || this.office.closed;
  }

  /** The properties of the API. Set once the core has accepted the options. */
  get traits() {
    return this.office.traits;
  }

  ready() {
    return this.closed ? Promise.reject(this.closedError()) : this.office.ready();
  }

  /**
   * Starts a new call, which the core settles.
   *
   * @param {"getToken" | "refresh" | "getScopes"} method
   * @param {any} options
   * @param {(found: any) => unknown} pick
   * @param {unknown} owner
   * @returns {Promise<any>}
   */
  ask(method, options, pick, owner) {
    return this.office.ask(this, method, options, pick, owner);
  }

  /**
   * Returns the cached token, if it may be returned without a call of the core.
   *
   * @returns {AccessToken | undefined}
   */
  handOut() {
    if (this.held === undefined || this.office.now() >= this.servedUntil) return undefined;
    if (!this.used) this.#use();
    return this.held;
  }

  /**
   * Returns a promise of the cached token's value: one for all callers, except where requests cannot share promises.
   *
   * @param {string} value
   */
  promise(value) {
    if (this.office.ioEndsWithRequest) return Promise.resolve(value);
    return (this.promised ??= inRootContext(() => Promise.resolve(value)));
  }

  /** Returns whether the cached token is valid but due for a refresh, so that the core must be called. */
  isDue() {
    const now = this.office.now();
    return this.held !== undefined && this.servedUntil <= now && now < this.validUntil;
  }

  /** Returns the cached token, if it is valid. */
  peek() {
    if (this.held === undefined && !this.closed) this.tell((core) => core.attach(this));
    return this.office.now() < this.validUntil ? this.held : undefined;
  }

  status() {
    if (this.session === undefined && !this.closed) this.tell((core) => core.attach(this));
    return this.office.status(this);
  }

  /** @param {any} input @param {any} init */
  fetch(input, init) {
    return this.office.fetch(input, init);
  }

  /**
   * @template T
   * @param {(core: NativeManager) => T} action
   * @returns {T | undefined}
   */
  tell(action) {
    return this.office.tell(action);
  }

  /** @param {(core: NativeManager) => any} action */
  explain(action) {
    return this.office.explain(action);
  }

  /** @param {any} event */
  notify(event) {
    this.office.notify(event, this.key);
  }

  /** Closes the session. The manager's own is closed with the manager. */
  leave() {
    if (this.closed || this === this.office.own) return undefined;
    this.left = true;
    return this.office.leave(this);
  }

  closedError() {
    return this.office.closed
      ? new TokenError("closed", "this TokenManager is closed; make a new one")
      : new TokenError("closed", "this session is closed; ask the TokenManager for it again");
  }

  // Callbacks of the core; see src/js/face.rs.

  /** Called with the core's id of the session. @param {number} session */
  seated(session) {
    this.session = session;
  }

  /** Called when I/O of the session starts. Outside a call, it continues in the request that ran it before. */
  ioStarted() {
    this.ioOwner = this.office.current || this.ioOwner;
    this.ioLooks++;
  }

  /**
   * Sets the cached token.
   *
   * @param {AccessToken} token
   * @param {number} servedUntil in ms of `Date.now()`
   * @param {number} validUntil in ms of `Date.now()`
   */
  hold(token, servedUntil, validUntil) {
    if (this.held !== token) {
      this.promised = undefined;
      this.used = false;
    }
    this.held = token;
    this.servedUntil = servedUntil;
    this.validUntil = validUntil;
  }

  /** Removes the cached token. */
  dropHold() {
    this.held = undefined;
    this.promised = undefined;
  }

  /** Returns the function that a shared store calls when another holder has written the session's record. */
  watcher() {
    return () => void this.tell((core) => core.storeChanged(this));
  }

  /** Notifies the core that the cached token is in use. Once for each token is enough. */
  #use() {
    this.used = true;
    this.tell((core) => core.tokenUsed(this));
  }
}
