// Where the callers of one session come to: the token that is handed out without asking.
//
// Decides nothing about tokens. There may be very many of these, so they are small, and
// share all else.

import { inRootContext } from "./root-context.js";
import { TokenError } from "./token-error.js";

/** @typedef {import("./access-token.js").AccessToken} AccessToken */
/** @typedef {import("./boot.js").NativeManager} NativeManager */
/** @typedef {import("./office.js").Office} Office */

export class Desk {
  /** The token to hand out, until when by `Date.now()`, and a promise of its value, made for the first who wants it. */
  /** @type {AccessToken | undefined} */
  held = undefined;
  servedUntil = 0;
  validUntil = 0;
  /** @type {Promise<string> | undefined} */
  promised = undefined;
  /** Whether the core knows that this token was handed out without asking. */
  used = false;
  /** The status that was returned last. @type {import("./status.js").Shown | undefined} */
  shown = undefined;
  /** What the core calls the session. @type {number | undefined} */
  session = undefined;
  /**
   * Where I/O ends with its request: the call whose request started the session's, and how often that has looked for the
   * end of its call since.
   */
  ioOwner = 0;
  ioLooks = 0;
  /** Whether the session was closed. */
  left = false;

  /**
   * @param {Office} office what all sessions of a manager share
   * @param {unknown} key of the session's selector
   */
  constructor(office, key) {
    this.office = office;
    this.key = key;
  }

  get closed() {
    return this.left || this.office.closed;
  }

  /** What requests to the API need to know of it. There once the core has accepted the options. */
  get traits() {
    return this.office.traits;
  }

  ready() {
    return this.closed ? Promise.reject(this.closedError()) : this.office.ready();
  }

  /**
   * Has the core settle a new call.
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
   * The token held, where it may be handed out without asking.
   *
   * @returns {AccessToken | undefined}
   */
  handOut() {
    if (this.held === undefined || this.office.now() >= this.servedUntil) return undefined;
    if (!this.used) this.#use();
    return this.held;
  }

  /**
   * A promise of the value of the token held: one for all callers, save where requests share no promises.
   *
   * @param {string} value
   */
  promise(value) {
    if (this.office.ioEndsWithRequest) return Promise.resolve(value);
    return (this.promised ??= inRootContext(() => Promise.resolve(value)));
  }

  /** Whether the token held is valid and may not be handed out without asking. */
  isDue() {
    const now = this.office.now();
    return this.held !== undefined && this.servedUntil <= now && now < this.validUntil;
  }

  /** The token held, if it is valid. */
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

  /** Ends the session. The manager's own ends with the manager. */
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

  // What the core calls; see src/js/face.rs.

  /** @param {number} session */
  seated(session) {
    this.session = session;
  }

  /** I/O of the session starts. Where no call is being made, it goes on in the request that it was in. */
  ioStarted() {
    this.ioOwner = this.office.current || this.ioOwner;
    this.ioLooks++;
  }

  /** @param {AccessToken} token @param {number} servedUntil @param {number} validUntil */
  hold(token, servedUntil, validUntil) {
    if (this.held !== token) {
      this.promised = undefined;
      this.used = false;
    }
    this.held = token;
    this.servedUntil = servedUntil;
    this.validUntil = validUntil;
  }

  dropHold() {
    this.held = undefined;
    this.promised = undefined;
  }

  /** What a shared store is to call when another holder wrote to the session's entry. */
  watcher() {
    return () => void this.tell((core) => core.storeChanged(this));
  }

  /** Tells the core that the token is handed out without asking; once for each token will do. */
  #use() {
    this.used = true;
    this.tell((core) => core.tokenUsed(this));
  }
}
