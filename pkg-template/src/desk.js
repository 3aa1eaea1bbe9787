// What stands between the public class and the core: callers that wait, the token
// that is handed out without asking, and the start of the core.
//
// Decides nothing about tokens. It does not refer to the public object, save for
// callers that wait, so that a manager which nobody uses any more can be collected
// while its timer is still set.

import { AccessToken } from "./access-token.js";
import { boot } from "./boot.js";
import { Listeners } from "./listeners.js";
import { TokenError, errorOf, fieldsOf } from "./token-error.js";

/** @typedef {import("./boot.js").Core} Core */
/** @typedef {import("./running.js").Running} Running */
/** @typedef {import("../index.js").Status} Status */

/**
 * @typedef {object} Call
 * @property {(value: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {(token: AccessToken) => unknown} pick what the caller gets of the token
 * @property {(() => void) | undefined} release takes the listener off the caller's signal
 * @property {unknown} owner the public object, kept alive while its caller waits
 */

/**
 * What the core tells of the API; see `TraitsView` in src/js/views.rs.
 *
 * @typedef {object} Traits
 * @property {string} name
 * @property {string} endpoint
 * @property {string[]} origins
 * @property {[name: string, value: string][]} headers
 * @property {string[]} sliding
 * @property {boolean} readable
 * @property {number[]} statuses
 * @property {boolean} speaks
 */

export class Desk {
  listeners = new Listeners();

  /** The token to hand out, until when by `Date.now()`, and a promise of its value. */
  /** @type {AccessToken | undefined} */
  held = undefined;
  servedUntil = 0;
  validUntil = 0;
  /** @type {Promise<string> | undefined} */
  promised = undefined;
  /** Whether the core knows that this token was handed out without asking. */
  used = false;

  closed = false;

  /** For a shared store to call when another holder wrote to it. */
  changed = () => void this.tell((core) => core.changed());

  /**
   * What requests to the API need to know of it. There once the core has accepted the options.
   *
   * @type {Traits}
   */
  traits = /** @type {any} */ (undefined);
  /** The last address that the token may be sent to. */
  acceptedUrl = "";
  /** Whether listeners know that the page cannot read new tokens, or it can. */
  warned = false;

  /** What the wall clock last showed. */
  #seenAt = 0;
  /** Kept for another start, should the instance break off. */
  #options;
  /** @type {Core | undefined} */
  #core = undefined;
  /** The instance that the core is in, and what ends watching it. */
  /** @type {Running | undefined} */
  #running = undefined;
  /** @type {(() => void) | undefined} */
  #unwatch = undefined;
  /** @type {typeof globalThis.fetch | undefined} */
  #fetch = undefined;
  /** @type {Promise<void> | undefined} */
  #starting = undefined;
  /** @type {Map<number, Call>} */
  #calls = new Map();
  #lastCall = 0;
  #tally = { grants: 0, failures: 0 };

  /** @param {unknown} options */
  constructor(options) {
    this.#options = options;
  }

  /** Starts the core and has it accept the options; at once where that was done. */
  ready() {
    if (this.closed) return Promise.reject(closedError());
    this.#live();
    return (this.#starting ??= this.#start());
  }

  /**
   * Has the core settle a new call.
   *
   * @param {"request" | "refresh"} method
   * @param {any} options
   * @param {(token: AccessToken) => unknown} pick
   * @param {unknown} owner
   * @returns {Promise<any>}
   */
  ask(method, options, pick, owner) {
    return new Promise((resolve, reject) => {
      if (this.closed) throw closedError();
      const running = this.#live() !== undefined;
      const call = ++this.#lastCall;
      const release = this.#watch(call, options?.signal);
      this.#calls.set(call, { resolve, reject, pick, release, owner });
      const refuse = (/** @type {unknown} */ error) => this.reject(call, error);
      if (running) this.#send(method, call, options);
      else this.ready().then(() => this.#send(method, call, options), refuse);
    });
  }

  /**
   * The token held, where it may be handed out without asking.
   *
   * @returns {AccessToken | undefined}
   */
  handOut() {
    if (this.held === undefined || this.now() >= this.servedUntil) return undefined;
    if (!this.used) this.use();
    return this.held;
  }

  /**
   * The user's `fetch`, or the global one as it is now.
   *
   * @param {any} input
   * @param {any} init
   * @returns {Promise<Response>}
   */
  fetch(input, init) {
    const fetch = this.#fetch ?? globalThis.fetch;
    if (typeof fetch !== "function") {
      throw new TokenError("unsupported", "there is no `fetch` here; give one as option `fetch`");
    }
    return fetch(input, init);
  }

  /**
   * What the core says about an answer: the fields of an error.
   *
   * @param {(core: Core) => any} action
   */
  explain(action) {
    return this.tell(action) ?? (this.closed ? closedError() : brokenOff());
  }

  /**
   * Has the core do something, if it runs.
   *
   * @template T
   * @param {(core: Core) => T} action
   * @returns {T | undefined}
   */
  tell(action) {
    const core = this.#live();
    try {
      return core && action(core);
    } catch {
      // It broke off.
      this.#live();
      return undefined;
    }
  }

  /**
   * What the wall clock shows. Where it was set back, `servedUntil` and `validUntil` are wrong until the core, which
   * has another clock as well, has told them anew.
   */
  now() {
    const now = Date.now();
    if (now < this.#seenAt) this.tell((core) => core.woke());
    this.#seenAt = now;
    return now;
  }

  /** Tells the core that the token is handed out without asking; once for each token will do. */
  use() {
    this.used = true;
    this.tell((core) => core.used());
  }

  /** @returns {Status} */
  status() {
    const status = this.tell((core) => core.status());
    if (!status) return { state: "empty", refreshing: false, ...this.#tally, sessions: this.closed ? 0 : 1 };
    const expiresInMs = this.held && Math.max(0, this.validUntil - this.now());
    return expiresInMs === undefined ? status : { ...status, expiresInMs };
  }

  /** @returns {Promise<void> | undefined} */
  close() {
    if (this.closed) return undefined;
    this.closed = true;
    this.#options = undefined;
    this.#unwatch?.();
    const core = this.#live();
    const ended = this.tell((core) => core.close());
    const tally = this.tell((core) => core.status());
    if (core && tally) {
      this.#tally = { grants: tally.grants, failures: tally.failures };
      this.#core = undefined;
      // Not at once: this may be a listener, called from within the core.
      queueMicrotask(() => core.free());
    } else {
      for (const call of [...this.#calls.keys()]) this.reject(call, closedError());
      this.notify({ type: "close" });
    }
    this.dropHold();
    return ended;
  }

  // What the core calls; see src/js/face.rs.

  /** @param {number} call @param {AccessToken} token */
  settle(call, token) {
    const waiting = this.#leave(call);
    waiting?.resolve(waiting.pick(token));
  }

  /** @param {number} call @param {unknown} error */
  reject(call, error) {
    this.#leave(call)?.reject(error);
  }

  /** @param {AccessToken} token @param {number} servedUntil @param {number} validUntil */
  hold(token, servedUntil, validUntil) {
    if (this.held !== token) {
      this.promised = Promise.resolve(token.value);
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

  /** @param {string} value @param {string[]} scopes @param {number} issuedAt @param {number} expiresAt */
  token(value, scopes, issuedAt, expiresAt) {
    return new AccessToken(value, scopes, issuedAt, expiresAt);
  }

  /** @param {any} fields */
  error(fields) {
    return errorOf(fields);
  }

  /** @param {unknown} thrown */
  fieldsOf(thrown) {
    return fieldsOf(thrown);
  }

  /**
   * Once closed, only that is told: maybe later, where a listener has closed it.
   *
   * @param {any} event
   */
  notify(event) {
    const last = event.type === "close";
    if (this.closed && !last) return;
    this.listeners.notify(event);
    if (last) this.listeners.clear();
  }

  async #start() {
    try {
      const running = await boot().catch((error) => {
        // Whatever it was, a later start may succeed.
        this.#starting = undefined;
        throw error;
      });
      if (this.closed) throw closedError();
      const core = construct(running, this.#options, this);
      // A listener that was told of a warning may have closed the manager.
      if (this.closed) {
        core.free();
      } else {
        this.#core = core;
        this.traits = core.traits();
        this.#fetch = /** @type {any} */ (this.#options)?.fetch;
        this.#running = running;
        this.#unwatch?.();
        this.#unwatch = running.watch(() => this.#live());
      }
    } catch (error) {
      const reason = TokenError.is(error) ? error : brokenOff();
      // Options stay wrong.
      if (reason.code !== "invalid_options") this.#starting = undefined;
      throw reason;
    }
    if (this.closed) throw closedError();
  }

  /** @param {"request" | "refresh"} method @param {number} call @param {any} options */
  #send(method, call, options) {
    // It may have been aborted, or the manager closed, while the core started.
    if (!this.#calls.has(call)) return;
    try {
      this.#core?.[method](call, options);
    } catch (thrown) {
      if (this.#running?.failed) this.#live();
      else this.reject(call, refusal(thrown));
    }
  }

  /** The core, if it runs. One that broke off is let go, and the next call starts another. */
  #live() {
    if (this.#running?.failed) {
      const waiting = this.#calls;
      // Later: the stack may be exhausted. Should this throw, the next call comes here again.
      queueMicrotask(() => this.#mourn(waiting));
      this.#calls = new Map();
      this.#core = this.#running = this.#starting = undefined;
    }
    return this.#core;
  }

  /**
   * Tells those who waited in a core that broke off, and the listeners. The token held stays.
   *
   * @param {Map<number, Call>} waiting
   */
  #mourn(waiting) {
    this.#tally.failures++;
    for (const { release, reject } of waiting.values()) {
      release?.();
      reject(brokenOff());
    }
    const { code, message } = brokenOff();
    const tokenStillValid = this.held !== undefined && Date.now() < this.validUntil;
    this.notify({ type: "error", error: { code, message }, tokenStillValid, session: {} });
  }

  /**
   * Rejects a call when its signal is aborted, and only that call.
   *
   * @param {number} call
   * @param {AbortSignal | undefined} signal
   * @returns {(() => void) | undefined}
   */
  #watch(call, signal) {
    if (signal === undefined) return undefined;
    if (typeof signal?.aborted !== "boolean" || typeof signal.addEventListener !== "function") {
      throw new TokenError("invalid_options", "option `signal` is no AbortSignal; give one or leave it out");
    }
    if (signal.aborted) throw signal.reason;
    const abort = () => {
      this.reject(call, signal.reason);
      this.tell((core) => core.abandon(call));
    };
    signal.addEventListener("abort", abort, { once: true });
    return () => {
      try {
        signal.removeEventListener("abort", abort);
      } catch {
        // It is the user's, and may be anything; the core, which is on the stack, takes no errors.
      }
    };
  }

  /** @param {number} call */
  #leave(call) {
    const waiting = this.#calls.get(call);
    this.#calls.delete(call);
    waiting?.release?.();
    return waiting;
  }
}

/**
 * @param {Running} running
 * @param {unknown} options
 * @param {Desk} desk
 */
function construct(running, options, desk) {
  try {
    return new running.Core(options, desk);
  } catch (thrown) {
    throw refusal(thrown);
  }
}

/**
 * What the core threw: the fields of an error, or it broke off.
 *
 * @param {any} thrown
 */
function refusal(thrown) {
  return thrown instanceof Error || typeof thrown?.code !== "string" ? brokenOff() : errorOf(thrown);
}

function brokenOff() {
  return new TokenError(
    "internal",
    "graphql-token-manager broke off in the middle of something and starts again with the next call; " +
      "if the stack was not exhausted, please report how this came about",
  );
}

function closedError() {
  return new TokenError("closed", "this TokenManager is closed; make a new one");
}
