// What stands between a manager and the core: callers that wait, and the start of the core.
//
// Decides nothing about tokens. It does not refer to the public object, save for
// callers that wait, so that a manager which nobody uses any more can be collected
// while its timer is still set.

import { checkedSignal, reasonOf } from "./abort-signal.js";
import { AccessToken } from "./access-token.js";
import { countManager } from "./alive-managers.js";
import { boot } from "./boot.js";
import { Desk } from "./desk.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { Listeners } from "./listeners.js";
import { microtask } from "./microtask.js";
import { callSnapshot } from "./options-snapshot.js";
import { Outside } from "./outside.js";
import { watch } from "./request-scope.js";
import { inRootContext } from "./root-context.js";
import { keyOf, selectorOf } from "./selector.js";
import { StatusChanges, statusOf } from "./status.js";
import { TokenError, errorOf, fieldsOf } from "./token-error.js";
import { handled } from "../stores/foreign-promise.js";

/** @typedef {import("./boot.js").NativeManager} NativeManager */
/** @typedef {import("./running.js").Running} Running */
/** @typedef {import("../index.js").Status} Status */

/** The key of the selector `{}`. */
const NOTHING_SELECTED = "{}";

/**
 * @typedef {object} Call
 * @property {Desk} desk
 * @property {(value: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {(found: any) => unknown} pick what the caller gets of the token, or of the scopes
 * @property {(() => void) | undefined} release takes the listener off the caller's signal
 * @property {unknown} owner the public object, kept alive while its caller waits
 * @property {number} missed how often it has looked since the request that started the session's I/O did
 * @property {number} ioLooks how often that had looked by then
 * @property {number} seenAt when its own request last looked for its end; used where I/O ends with requests
 * @property {((call: Call) => void) | undefined} end what is to be done by its own request once it has ended
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

export class Office extends Outside {
  listeners = new Listeners();

  /**
   * The public manager, unless it was collected.
   *
   * @type {{ deref(): import("./token-manager.js").TokenManager | undefined }}
   */
  manager = { deref: () => undefined };

  /** Where the callers of the manager's own session come to. */
  own = new Desk(this, NOTHING_SELECTED);

  /** The `change` events. */
  changes = new StatusChanges((desk) => this.notify({ type: "change" }, desk.key));

  closed = false;

  /**
   * What requests to the API need to know of it. There once the core has accepted the options.
   *
   * @type {Traits}
   */
  traits = /** @type {any} */ (undefined);
  /** Whether it counts among those that are alive: only where the collection of a manager is noticed. */
  isCounted = false;
  /** @type {ReturnType<typeof countManager> | undefined} */
  #count = undefined;
  /** Whether listeners know that the page cannot read new tokens, or it can. */
  warned = false;

  /** What the wall clock last showed. */
  #seenAt = 0;
  /** Kept for another start, should the instance break off. */
  #options;
  /** @type {NativeManager | undefined} */
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
  /** The call that is being made: what happens meanwhile happens in its request. */
  current = 0;
  /** When calls of requests that are gone were last looked for. */
  #sweptAt = 0;
  #tally = { grants: 0, failures: 0 };

  /** @param {unknown} options */
  constructor(options) {
    super();
    this.#options = options;
  }

  /** Starts the core and has it accept the options; at once where that was done. */
  ready() {
    if (this.closed) return Promise.reject(this.own.closedError());
    this.#live();
    // Another request's promise is not waited for.
    if (this.ioEndsWithRequest) return inRootContext(() => this.#start());
    return (this.#starting ??= inRootContext(() => this.#start()));
  }

  /**
   * The key of a selector; see `selector.js`.
   *
   * @param {unknown} selector
   */
  keyOf(selector) {
    return keyOf(selector, this.#options);
  }

  /**
   * Has the core settle a new call.
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
    // The token is still good, and its refresh due: this call makes that, and the caller's finds it under way.
    if (waitUntil && method === "getToken" && desk.isDue()) {
      waitUntil(this.#ask(desk, method, undefined, pick, owner));
    }
    const asked = this.#ask(desk, method, options, pick, owner);
    // A client that leaves does not stop what others wait for.
    waitUntil?.(asked);
    return asked;
  }

  /** @type {Office["ask"]} */
  #ask(desk, method, options, pick, owner) {
    return new Promise((resolve, reject) => {
      if (desk.closed) throw desk.closedError();
      const running = this.#live() !== undefined;
      const call = ++this.#lastCall;
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
      if (this.ioEndsWithRequest && this.#calls.has(call)) watch(() => this.#look(call));
    });
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
    return handled(fetch(input, init));
  }

  /**
   * What the core says about an answer: the fields of an error.
   *
   * @param {(core: NativeManager) => any} action
   */
  explain(action) {
    return this.tell(action) ?? (this.closed ? this.own.closedError() : brokenOff());
  }

  /**
   * Has the core do something, if it runs.
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
      // It broke off.
      this.#live();
      return undefined;
    }
  }

  /**
   * Has the core end something, if it runs; settles when nothing is left to be done.
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
   * What the wall clock shows; past all that is valid, once the manager is closed. Where it was set back, what desks
   * were told is wrong until the core, which has another clock as well, has told them anew.
   */
  now() {
    if (this.closed) return Infinity;
    const now = Date.now();
    if (now < this.#seenAt) this.tell((core) => core.clockChanged(this.own));
    this.#seenAt = now;
    return now;
  }

  /**
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
   * Ends one session, which is not the manager's own.
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

  /** @returns {Promise<void> | undefined} */
  close() {
    if (this.closed) return undefined;
    this.closed = true;
    this.#options = undefined;
    this.#count?.end();
    this.#unwatch?.();
    const core = this.#live();
    const ended = this.#ended((core, ended) => core.close(ended));
    const tally = this.tell((core) => core.status(this.own));
    // Those that the core does not know of yet, or that want no token.
    for (const [call, { desk }] of [...this.#calls]) this.reject(call, desk.closedError());
    if (core && tally) {
      this.#tally = { grants: tally.grants, failures: tally.failures };
      this.#core = undefined;
      // Not at once: this may be a listener, called from within the core.
      microtask(() => core.free());
    } else {
      this.notify({ type: "close" }, this.own.key);
    }
    this.own.dropHold();
    return ended;
  }

  // What the core calls; see src/js/face.rs.

  /** @param {number} call @param {AccessToken | string[]} found */
  settle(call, found) {
    this.#end(call, ({ resolve, pick }) => resolve(pick(found)));
  }

  /** Something happened to a session, after which its status may be another. */
  changed() {
    this.changes.check();
  }

  /** @param {string} digest */
  identified(digest) {
    // Known already where the core broke off and was started again.
    if (!this.isCounted || this.closed || this.#count !== undefined) return;
    this.#count = countManager(digest);
    this.#count.report((warning) => {
      const isHeard = this.listeners.has("warning", this.own.key);
      this.notify(warning, this.own.key);
      return isHeard;
    });
  }

  /** @param {number} call @param {unknown} error */
  reject(call, error) {
    this.#end(call, ({ reject }) => reject(error));
  }

  /**
   * Ends a call: at once, or by the caller's own request.
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
   * Looks, on a timer of the caller's own request, for the end of a call, and has the core do what is due.
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
   * Has the core do what is due, in the caller's own request, and take over from a request that is gone.
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

  #ringIfDue() {
    if (Date.now() >= this.ringsAt) this.ring();
  }

  /**
   * Forgets the calls of requests that are gone, which nothing says.
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
   * Calls a `grant` function of the user's; as {@link call}.
   *
   * @param {(argument: object) => unknown} grant
   * @param {string | undefined} refreshToken
   * @param {string[]} scopes
   * @param {any} key of the session
   * @param {AbortSignal} signal
   * @param {import("./outside.js").Done} done
   */
  grant(grant, refreshToken, scopes, key, signal, done) {
    this.call(grant, [{ refreshToken, scopes, session: selectorOf(key), signal }], signal, done);
  }

  /**
   * Once closed, only that is told: maybe later, where a listener has closed it.
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
        // Whatever it was, a later start may succeed.
        this.#starting = undefined;
        throw error;
      });
      if (this.closed) throw this.own.closedError();
      // Another request may have.
      if (this.#live() !== undefined) return;
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
    if (this.closed) throw this.own.closedError();
  }

  /** @param {"getToken" | "refresh" | "getScopes"} method @param {number} call @param {any} options */
  #send(method, call, options) {
    // It may have been aborted, or the manager closed, while the core started.
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
   * Keeps a promise's request alive, where I/O ends with requests and the user has said how.
   *
   * @returns {((promise: Promise<unknown>) => void) | undefined}
   */
  get #waitUntil() {
    const waitUntil = this.ioEndsWithRequest ? /** @type {any} */ (this.#options)?.waitUntil : undefined;
    if (typeof waitUntil !== "function") return undefined;
    return (promise) => {
      const settled = promise.catch(() => {});
      // Where there is no request to keep, the caller waits all the same.
      void ignoringErrors(() => waitUntil(settled));
    };
  }

  /** The core, if it runs. One that broke off is let go, and the next call starts another. */
  #live() {
    if (this.#running?.failed) {
      const waiting = this.#calls;
      // Later: the stack may be exhausted. Should this throw, the next call comes here again.
      microtask(() => this.#mourn(waiting));
      this.#calls = new Map();
      this.ringsAt = Infinity;
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
    const { held, validUntil, key } = this.own;
    const tokenStillValid = held !== undefined && Date.now() < validUntil;
    this.notify({ type: "error", error: { code, message }, tokenStillValid }, key);
  }

  /**
   * Rejects a call when its signal is aborted, and only that call.
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

/** What a call has not seen yet. */
const UNSEEN = { missed: 0, ioLooks: 0, end: undefined };

/**
 * After so many looks of one request, two seconds of them, in which another one did not look at all, that one is gone.
 * Not a span of time: where the machine stalls, all are late.
 */
const GONE_AFTER_LOOKS = 50;

/** A call whose request has not looked for its end for so long, in milliseconds, is gone: it looks many times a second. */
const GONE_AFTER = 60_000;

/** Events that tell which session they are about also where it is the manager's own. */
const TELLS_SESSION = ["token", "change", "error", "expired"];
