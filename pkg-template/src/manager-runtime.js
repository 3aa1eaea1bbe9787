// The runtime of one manager: its pending calls, and the start and restart of its core.
//
// All decisions about tokens are in the core. Only pending calls refer to the public object, so that an unused manager
// can be collected while its timer is still set.

import { checkedSignal, reasonOf } from "./abort-signal.js";
import { AccessToken } from "./access-token.js";
import { countManager } from "./alive-managers.js";
import { boot } from "./boot.js";
import { Desk } from "./session-handle.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { Listeners } from "./listeners.js";
import { microtask } from "./microtask.js";
import { callSnapshot } from "./options-snapshot.js";
import { Outside } from "./host-bindings.js";
import { watch } from "./request-scope.js";
import { inRootContext } from "./root-context.js";
import { keyOf, selectorOf } from "./selector.js";
import { StatusChanges, statusOf } from "./status.js";
import { TokenError, errorOf, fieldsOf } from "./token-error.js";
import { handled } from "../stores/foreign-promise.js";

/** @typedef {import("./boot.js").NativeManager} NativeManager */
/** @typedef {import("./core-instance.js").Running} Running */
/** @typedef {import("../index.js").Status} Status */

/** The key of the selector `{}`. */
const NOTHING_SELECTED = "{}";

/**
 * A pending call of the public API.
 *
 * @typedef {object} Call
 * @property {Desk} desk
 * @property {(value: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {(found: any) => unknown} pick converts the token, or the scopes, to the result of the call
 * @property {(() => void) | undefined} release removes the listener from the caller's signal
 * @property {unknown} owner the public object, kept reachable while the call is pending
 * @property {number} missed number of polls of this call since the last poll by the request that runs the session's I/O
 * @property {number} ioLooks value of `ioLooks` of the session at the last poll
 * @property {number} seenAt time of the last poll by the call's own request; used where I/O ends with its request
 * @property {((call: Call) => void) | undefined} end settles the call; set while its own request has to call it
 */

/**
 * The properties of the API that requests depend on; see `traits_view` in src/js/views.rs.
 *
 * @typedef {object} Traits
 * @property {string} name
 * @property {string} endpoint
 * @property {string[]} origins
 * @property {[name: string, value: string][]} headers
 * @property {string[]} sliding response headers that may contain a new token
 * @property {boolean} readable whether tokens are granted in response headers, which this host can therefore read
 * @property {number[]} statuses statuses with which the API rejects a token
 * @property {boolean} speaks whether the API may reject a token by an error in the body
 */

/** The runtime of one manager, shared by its sessions. */
export class Office extends Outside {
  listeners = new Listeners();

  /**
   * The public manager, unless it was collected.
   *
   * @type {{ deref(): import("./token-manager.js").TokenManager | undefined }}
   */
  manager = { deref: () => undefined };

  /** The default session, which is the manager's own. */
  own = new Desk(this, NOTHING_SELECTED);

  /** Emits the `change` events. */
  changes = new StatusChanges((desk) => this.notify({ type: "change" }, desk.key));

  closed = false;

  /**
   * The properties of the API. Set once the core has accepted the options.
   *
   * @type {Traits}
   */
  traits = /** @type {any} */ (undefined);
  /** Whether the manager is counted as alive, which requires a FinalizationRegistry to notice its collection. */
  isCounted = false;
  /** @type {ReturnType<typeof countManager> | undefined} */
  #count = undefined;
  /** Set once it is settled whether the page can read new tokens: one was read, or listeners were warned. */
  warned = false;

  /** The last reading of the wall clock. */
  #seenAt = 0;
  /** Kept for another start after a crash of the core. */
  #options;
  /** @type {NativeManager | undefined} */
  #core = undefined;
  /** The instance of the module that runs the core. @type {Running | undefined} */
  #running = undefined;
  /** Stops watching that instance. @type {(() => void) | undefined} */
  #unwatch = undefined;
  /** @type {typeof globalThis.fetch | undefined} */
  #fetch = undefined;
  /** @type {Promise<void> | undefined} */
  #starting = undefined;
  /** @type {Map<number, Call>} */
  #calls = new Map();
  #lastCall = 0;
  /** The call in progress; 0 if there is none. I/O that starts meanwhile belongs to the request of that call. */
  current = 0;
  /** When the calls of ended requests were last removed. */
  #sweptAt = 0;
  #tally = { grants: 0, failures: 0 };

  /** @param {unknown} options */
  constructor(options) {
    super();
    this.#options = options;
  }

  /** Starts the core and passes it the options. Resolves at once if that was done before. */
  ready() {
    if (this.closed) return Promise.reject(this.own.closedError());
    this.#live();
    // A promise of another request must not be awaited here.
    if (this.ioEndsWithRequest) return inRootContext(() => this.#start());
    return (this.#starting ??= inRootContext(() => this.#start()));
  }

  /**
   * Returns the key of a selector; see `selector.js`.
   *
   * @param {unknown} selector
   */
  keyOf(selector) {
    return keyOf(selector, this.#options);
  }

  /**
   * Starts a new call, which the core settles.
   *
   * @param {Desk} desk
   * @param {"getToken" | "refresh" | "getScopes"} method
   * @param {any} options
   * @param {(found: any) => unknown} pick
   * @param {unknown} owner
   * @returns {Promise<any>}
   */
  ask(desk, method, options, pick, owner) {
    const waitUntil = this.#waitUntil;
    // The token is valid and its refresh is due: this extra call starts the refresh, which `waitUntil` keeps running.
    // The caller's call then finds it in flight and receives the cached token.
    if (waitUntil && method === "getToken" && desk.isDue()) {
      waitUntil(this.#ask(desk, method, undefined, pick, owner));
    }
    const asked = this.#ask(desk, method, options, pick, owner);
    // A client that disconnects must not end an acquisition for which other callers wait.
    waitUntil?.(asked);
    return asked;
  }

  /** @type {Office["ask"]} */
  #ask(desk, method, options, pick, owner) {
    return new Promise((resolve, reject) => {
      if (desk.closed) throw desk.closedError();
      const running = this.#live() !== undefined;
      const call = ++this.#lastCall;
      // Before the call has any effect, because it throws where the host has no timers.
      if (this.ioEndsWithRequest) watch(() => this.#look(call));
      const release = this.#watch(call, desk, options?.signal);
      const seenAt = this.ioEndsWithRequest ? Date.now() : 0;
      this.#calls.set(call, { desk, resolve, reject, pick, release, owner, ...UNSEEN, seenAt });
      const refuse = (/** @type {unknown} */ error) => this.reject(call, error);
      if (running) {
        this.#send(method, call, options);
      } else {
        const taken = callSnapshot(options);
        this.ready().then(() => this.#send(method, call, taken), refuse);
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
      throw new TokenError("unsupported", "there is no `fetch` here; give one as option `fetch`");
    }
    return handled(fetch(input, init));
  }

  /**
   * Returns the fields of the error that the core derives from a response.
   *
   * @param {(core: NativeManager) => any} action
   */
  explain(action) {
    return this.tell(action) ?? (this.closed ? this.own.closedError() : brokenOff());
  }

  /**
   * Calls the core, if it is running. Returns `undefined` if it is not, or if it crashed during the call.
   *
   * @template T
   * @param {(core: NativeManager) => T} action
   * @returns {T | undefined}
   */
  tell(action) {
    const core = this.#live();
    try {
      return core && inRootContext(() => action(core));
    } catch {
      // The core crashed.
      this.#live();
      return undefined;
    }
  }

  /**
   * Calls the core to end a session or the manager, if it is running. Resolves when the remaining work is done.
   *
   * @param {(core: NativeManager, ended: () => void) => void} action
   * @returns {Promise<void> | undefined}
   */
  #ended(action) {
    /** @type {() => void} */
    let end = () => {};
    let isOver = false;
    const ended = new Promise((/** @type {(value: void) => void} */ resolve) => (end = resolve));
    const look = () => {
      this.#ringIfDue();
      if (isOver) end();
      return isOver;
    };
    return this.tell((core) => {
      action(core, this.ioEndsWithRequest ? () => (isOver = true) : end);
      if (this.ioEndsWithRequest) watch(look);
      return ended;
    });
  }

  /**
   * Returns the time of the wall clock, or `Infinity` once the manager is closed, so that no token counts as valid. If
   * the clock was set back, the times in the session handles are wrong: the core, which also has a monotonic clock,
   * sets them again.
   */
  now() {
    if (this.closed) return Infinity;
    const now = Date.now();
    if (now < this.#seenAt) this.tell((core) => core.clockChanged(this.own));
    this.#seenAt = now;
    return now;
  }

  /**
   * Returns the status of a session, also while the core is not running.
   *
   * @param {Desk} desk
   * @returns {Status}
   */
  status(desk) {
    const status = this.tell((core) => core.status(desk));
    if (status) return statusOf(desk, status);
    const tally = desk === this.own ? this.#tally : { grants: 0, failures: 0 };
    return statusOf(desk, { state: "empty", refreshing: false, ...tally, sessions: this.closed ? 0 : 1 });
  }

  /**
   * Closes a session other than the manager's own.
   *
   * @param {Desk} desk
   * @returns {Promise<void> | undefined}
   */
  leave(desk) {
    for (const [call, waiting] of [...this.#calls]) {
      if (waiting.desk !== desk) continue;
      this.reject(call, desk.closedError());
      this.tell((core) => core.abandon(call, desk));
    }
    const ended = this.#ended((core, ended) => core.leave(desk, ended));
    desk.dropHold();
    this.listeners.end(desk.key);
    return ended;
  }

  /**
   * Closes the manager: rejects its pending calls, keeps its counters for `status()`, and frees the core.
   *
   * @returns {Promise<void> | undefined} resolves when the remaining work is done
   */
  close() {
    if (this.closed) return undefined;
    this.closed = true;
    this.#options = undefined;
    this.#count?.end();
    this.#unwatch?.();
    const core = this.#live();
    const ended = this.#ended((core, ended) => core.close(ended));
    const tally = this.tell((core) => core.status(this.own));
    // The calls that the core has not received yet, or that do not request a token.
    for (const [call, { desk }] of [...this.#calls]) this.reject(call, desk.closedError());
    if (core && tally) {
      this.#tally = { grants: tally.grants, failures: tally.failures };
      this.#core = undefined;
      // Deferred: this may run in a listener that the core called, while the core is on the stack.
      microtask(() => core.free());
    } else {
      this.notify({ type: "close" }, this.own.key);
    }
    this.own.dropHold();
    return ended;
  }

  // Callbacks of the core; see src/js/face.rs.

  /** Resolves a call. @param {number} call @param {AccessToken | string[]} found */
  settle(call, found) {
    this.#end(call, ({ resolve, pick }) => resolve(pick(found)));
  }

  /** Called after an event that may have changed the status of a session. */
  changed() {
    this.changes.check();
  }

  /** Called with a digest of the manager's identity. @param {string} digest */
  identified(digest) {
    // The count exists already if the core was restarted after a crash.
    if (!this.isCounted || this.closed || this.#count !== undefined) return;
    this.#count = countManager(digest);
    this.#count.report((warning) => {
      const isHeard = this.listeners.has("warning", this.own.key);
      this.notify(warning, this.own.key);
      return isHeard;
    });
  }

  /** Rejects a call. @param {number} call @param {unknown} error */
  reject(call, error) {
    this.#end(call, ({ reject }) => reject(error));
  }

  /**
   * Settles a call at once. Where I/O ends with its request, another request leaves that to the call's own.
   *
   * @param {number} call
   * @param {(call: Call) => void} end
   */
  #end(call, end) {
    const waiting = this.#calls.get(call);
    if (waiting === undefined) return;
    if (this.ioEndsWithRequest && call !== this.current) waiting.end ??= end;
    else end(this.#leave(call) ?? waiting);
  }

  /**
   * Polls a call on a timer of the caller's own request: settles it if it has ended, and runs what is due in the core.
   *
   * @param {number} call
   * @returns {boolean} whether it has ended
   */
  #look(call) {
    const waiting = this.#calls.get(call);
    if (waiting === undefined) return true;
    waiting.seenAt = Date.now();
    this.#sweep(waiting.seenAt);
    if (waiting.end === undefined) this.#advance(call, waiting);
    if (waiting.end === undefined) return false;
    this.#leave(call);
    waiting.end(waiting);
    return true;
  }

  /**
   * Runs what is due in the core, in the caller's own request. If the request that ran the session's I/O has ended, the
   * core restarts that I/O in this one.
   *
   * @param {number} call
   * @param {Call} waiting
   */
  #advance(call, waiting) {
    const { desk } = waiting;
    if (desk.ioOwner === call) desk.ioLooks++;
    const isLate = waiting.ioLooks === desk.ioLooks;
    waiting.missed = isLate ? waiting.missed + 1 : 0;
    waiting.ioLooks = desk.ioLooks;
    const isLost = waiting.missed >= GONE_AFTER_LOOKS;
    if (isLost) waiting.missed = 0;
    if (!isLost && waiting.seenAt < this.ringsAt) return;
    const before = this.current;
    this.current = call;
    this.tell((core) => (isLost ? core.ioLost(desk) : core.clockChanged(desk)));
    this.current = before;
  }

  /** Runs the core's timer if it is due. */
  #ringIfDue() {
    if (Date.now() >= this.ringsAt) this.ring();
  }

  /**
   * Removes the calls of ended requests. The host does not report that a request ended.
   *
   * @param {number} now
   */
  #sweep(now) {
    if (now < this.#sweptAt + GONE_AFTER) return;
    this.#sweptAt = now;
    for (const [call, { seenAt, desk }] of [...this.#calls]) {
      if (now < seenAt + GONE_AFTER) continue;
      this.#calls.delete(call);
      this.tell((core) => core.abandon(call, desk));
    }
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
   * Calls a user-supplied `grant` function; see {@link call}.
   *
   * @param {(argument: object) => unknown} grant
   * @param {string | undefined} refreshToken
   * @param {string[]} scopes
   * @param {any} key of the session
   * @param {AbortSignal} signal
   * @param {import("./host-bindings.js").Done} done
   */
  grant(grant, refreshToken, scopes, key, signal, done) {
    this.call(grant, [{ refreshToken, scopes, session: selectorOf(key), signal }], signal, done);
  }

  /**
   * Notifies the listeners of an event. Once the manager is closed, the only event is `close`, which follows later if a
   * listener closed the manager.
   *
   * @param {any} event
   * @param {unknown} key of the session that it is about
   */
  notify(event, key) {
    if (event.type === "close") {
      this.listeners.notify(event, undefined);
      this.listeners.clear();
      this.changes.clear();
    } else if (!this.closed) {
      const tells = key !== this.own.key || TELLS_SESSION.includes(event.type);
      this.listeners.notify(tells ? { ...event, session: selectorOf(key) } : event, key);
    }
  }

  async #start() {
    try {
      const running = await boot().catch((error) => {
        // A later start may succeed, whatever the error.
        this.#starting = undefined;
        throw error;
      });
      if (this.closed) throw this.own.closedError();
      // Another request may have started the core meanwhile.
      if (this.#live() !== undefined) return;
      const core = construct(running, this.#options, this);
      // A listener for warnings may have closed the manager.
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
      // Invalid options stay invalid, so that failure is kept.
      if (reason.code !== "invalid_options") this.#starting = undefined;
      throw reason;
    }
    if (this.closed) throw this.own.closedError();
  }

  /**
   * Passes a call to the core.
   *
   * @param {"getToken" | "refresh" | "getScopes"} method
   * @param {number} call
   * @param {any} options
   */
  #send(method, call, options) {
    // The call may have been aborted, or the manager closed, while the core started.
    const waiting = this.#calls.get(call);
    if (waiting === undefined) return;
    const before = this.current;
    this.current = call;
    try {
      inRootContext(() => this.#core?.[method](call, options, waiting.desk));
    } catch (thrown) {
      if (this.#running?.failed) this.#live();
      else this.reject(call, refusal(thrown));
    }
    this.current = before;
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
  #live() {
    if (this.#running?.failed) {
      const waiting = this.#calls;
      // Deferred, because the stack may be exhausted. If `microtask` throws, the next call runs this branch again.
      microtask(() => this.#mourn(waiting));
      this.#calls = new Map();
      this.ringsAt = Infinity;
      this.#core = this.#running = this.#starting = undefined;
    }
    return this.#core;
  }

  /**
   * Rejects the calls that were pending in a crashed core, and notifies the listeners. The cached token is kept.
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
    const { held, validUntil, key } = this.own;
    const tokenStillValid = held !== undefined && Date.now() < validUntil;
    this.notify({ type: "error", error: { code, message }, tokenStillValid }, key);
  }

  /**
   * Rejects a call when its signal is aborted. Other calls are unaffected.
   *
   * @param {number} call
   * @param {Desk} desk
   * @param {any} given
   * @returns {(() => void) | undefined}
   */
  #watch(call, desk, given) {
    const signal = checkedSignal(given);
    if (signal === undefined) return undefined;
    if (signal.aborted) throw reasonOf(signal);
    const abort = () => {
      this.reject(call, reasonOf(signal));
      this.tell((core) => core.abandon(call, desk));
    };
    signal.addEventListener("abort", abort, { once: true });
    return () => {
      try {
        signal.removeEventListener("abort", abort);
      } catch {
        // The signal is user-supplied and may throw. The core is on the stack and does not handle exceptions.
      }
    };
  }

  /** Removes a call from the pending ones and returns it. @param {number} call */
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
 * @param {Office} office
 */
function construct(running, options, office) {
  try {
    return new running.NativeManager(options, office);
  } catch (thrown) {
    throw refusal(thrown);
  }
}

/**
 * Converts an exception of the core to a TokenError: the core throws the fields of an error, or it crashed.
 *
 * @param {any} thrown
 */
function refusal(thrown) {
  return thrown instanceof Error || typeof thrown?.code !== "string" ? brokenOff() : errorOf(thrown);
}

/** The error for calls that a crash of the core ended. */
function brokenOff() {
  return new TokenError(
    "internal",
    "graphql-token-manager broke off in the middle of something and starts again with the next call; " +
      "if the stack was not exhausted, please report how this came about",
  );
}

/** The poll state of a new call. */
const UNSEEN = { missed: 0, ioLooks: 0, end: undefined };

/**
 * The number of polls by one request, about two seconds, after which another request that did not poll meanwhile counts
 * as ended. It is not a span of time, because a stalled machine delays all requests alike.
 */
const GONE_AFTER_LOOKS = 50;

/** After this time without a poll, in milliseconds, a call's request counts as ended: it polls many times a second. */
const GONE_AFTER = 60_000;

/** Events that have a `session` field for the manager's own session too. */
const TELLS_SESSION = ["token", "change", "error", "expired"];
