// The pending calls of one manager: their abort signals, their settlement, and, where I/O ends with its request, the
// polling by which each request settles its own calls.
//
// Only pending calls refer to the public object, so that an unused manager can be collected while its timer is set.

import { checkedSignal, reasonOf } from "./abort-signal.js";
import { poll } from "./request-scope.js";
import { errorAt, traceOf } from "./token-error.js";

/** @typedef {import("./manager-runtime.js").ManagerRuntime} ManagerRuntime */
/** @typedef {import("./session-handle.js").SessionHandle} SessionHandle */

/**
 * A pending call of the public API, as its caller describes it.
 *
 * @typedef {object} CallSpec
 * @property {SessionHandle} handle
 * @property {(value: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {(value: any) => unknown} toResult converts the token, or the scopes, to the result of the call; called when the
 *   core resolves the call
 * @property {(<T>(action: () => T) => T) | undefined} [context] runs a function in the caller's asynchronous context, if
 *   grants are traced
 * @property {unknown} publicObject the public object, kept reachable while the call is pending
 * @property {Function} entry the function whose callers are the stack of an error
 */

/**
 * @typedef {object} CallState
 * @property {{ stack?: unknown } | undefined} trace the stack of the call; `undefined` while the core receives it
 * @property {{ error: unknown } | undefined} failure the error of a call that has no trace yet
 * @property {(() => void) | undefined} release removes the listener from the caller's signal
 * @property {number} missed number of polls of this call since the last poll by the request that runs the session's I/O
 * @property {number} ioPolls value of `ioPolls` of the session at the last poll
 * @property {number} polledAt time of the last poll by the call's own request; used where I/O ends with its request
 * @property {((call: Call) => void) | undefined} settle settles the call; set while its own request has to call it
 */

/** @typedef {CallSpec & CallState} Call */

/** The pending calls of one manager, by their ids. */
export class PendingCalls {
  /** The call for which the core runs now; 0 if none. I/O that starts meanwhile belongs to the request of that call. */
  current = 0;

  #runtime;
  /** @type {Map<number, Call>} */
  #calls = new Map();
  #lastId = 0;
  /** When the calls of ended requests were last removed. */
  #sweptAt = 0;

  /** @param {ManagerRuntime} runtime */
  constructor(runtime) {
    this.#runtime = runtime;
  }

  /**
   * Adds a call. Where I/O ends with its request, the caller's own request polls it from now on.
   *
   * @param {CallSpec} spec
   * @param {unknown} signal of the caller; throws its reason if it is aborted
   * @returns {number} its id
   */
  add(spec, signal) {
    const id = ++this.#lastId;
    // Before the call has any effect, because it throws where the host has no timers.
    if (this.#runtime.ioEndsWithRequest) poll(() => this.#poll(id));
    const release = this.#rejectOnAbort(id, spec.handle, signal);
    const polledAt = this.#runtime.ioEndsWithRequest ? Date.now() : 0;
    const { handle, resolve, reject, toResult, context, publicObject, entry } = spec;
    // Adding members to a copy by spread doubles what the call takes, until its token arrives.
    this.#calls.set(id, {
      handle,
      resolve,
      reject,
      toResult,
      context,
      publicObject,
      entry,
      trace: undefined,
      failure: undefined,
      release,
      missed: 0,
      ioPolls: 0,
      polledAt,
      settle: undefined,
    });
    return id;
  }

  /**
   * Returns the session of a call; `undefined` if the call is not pending.
   *
   * @param {number} id
   */
  handleOf(id) {
    return this.#calls.get(id)?.handle;
  }

  /**
   * Returns the pending calls of a session, the oldest first.
   *
   * @param {unknown} selector
   */
  waitingFor(selector) {
    return [...this.#calls.values()].filter(({ handle }) => handle.selector === selector);
  }

  /**
   * Runs an action on behalf of a call; see {@link current}.
   *
   * @param {number} id
   * @param {() => void} action must not throw
   */
  during(id, action) {
    const before = this.current;
    this.current = id;
    action();
    this.current = before;
  }

  /** Resolves a call. @param {number} id @param {unknown} value the token or the scopes */
  resolve(id, value) {
    // Converted now, also where the call's own request settles it later.
    const result = this.#calls.get(id)?.toResult(value);
    this.#settle(id, ({ resolve }) => resolve(result));
  }

  /**
   * Rejects a call. Several calls may be rejected with one `TokenError`, of which each receives a copy with its own stack.
   *
   * @param {number} id
   * @param {unknown} error
   */
  reject(id, error) {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    if (call.trace === undefined) {
      // The core rejects the call at once. Recording a stack with frames of WebAssembly takes ten times as long.
      call.failure = { error };
      return;
    }
    const own = errorAt(call.trace, error);
    this.#settle(id, ({ reject }) => reject(own));
  }

  /**
   * Records the stack of a call that is still pending, and rejects it if it has failed. Called after the core received the
   * call, because one that it resolves at once needs no stack.
   *
   * @param {number} id
   */
  trace(id) {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    call.trace = traceOf(call.entry);
    if (call.failure) this.reject(id, call.failure.error);
  }

  /**
   * Returns the ids of the pending calls of a session, or of all sessions.
   *
   * @param {SessionHandle} [handle]
   */
  ids(handle) {
    const entries = [...this.#calls].filter(([, call]) => handle === undefined || call.handle === handle);
    return entries.map(([id]) => id);
  }

  /**
   * Returns a function that rejects the calls which are pending now, also after {@link clear}.
   *
   * @returns {(error: () => unknown) => void} its argument creates the error of each call
   */
  rejectAllLater() {
    const calls = this.#calls;
    return (error) => {
      for (const { release, reject, trace } of calls.values()) {
        release?.();
        reject(errorAt(trace ?? {}, error()));
      }
    };
  }

  /** Removes all calls without settling them. */
  clear() {
    this.#calls = new Map();
  }

  /**
   * Settles a call at once. Where I/O ends with its request, another request leaves that to the call's own.
   *
   * @param {number} id
   * @param {(call: Call) => void} settle
   */
  #settle(id, settle) {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    if (this.#runtime.ioEndsWithRequest && id !== this.current) call.settle ??= settle;
    else settle(this.#remove(id) ?? call);
  }

  /**
   * Removes a call and its signal's listener.
   *
   * @param {number} id
   */
  #remove(id) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.release?.();
    return call;
  }

  /**
   * Rejects a call when its signal is aborted. Other calls are unaffected.
   *
   * @param {number} id
   * @param {SessionHandle} handle
   * @param {unknown} given
   * @returns {(() => void) | undefined}
   */
  #rejectOnAbort(id, handle, given) {
    const signal = checkedSignal(given);
    if (signal === undefined) return undefined;
    if (signal.aborted) throw reasonOf(signal);
    const abort = () => {
      this.#settle(id, ({ reject }) => reject(reasonOf(signal)));
      this.#runtime.withCore((core) => core.cancelCall(id, handle));
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

  /**
   * Polls a call on a timer of the caller's own request: settles it if it has ended, and runs what is due in the core.
   *
   * @param {number} id
   * @returns {boolean} whether it has ended
   */
  #poll(id) {
    const call = this.#calls.get(id);
    if (call === undefined) return true;
    call.polledAt = Date.now();
    this.#sweep(call.polledAt);
    if (call.settle === undefined) this.#advance(id, call);
    if (call.settle === undefined) return false;
    // The I/O of this request would end with its response.
    if (call.handle.ioCall === id && this.#runtime.core.isReleasing) return false;
    this.#remove(id);
    call.settle(call);
    return true;
  }

  /**
   * Runs what is due in the core, in the caller's own request. If the request that ran the session's I/O has ended, the
   * core restarts that I/O in this one.
   *
   * @param {number} id
   * @param {Call} call
   */
  #advance(id, call) {
    const { handle } = call;
    if (handle.ioCall === id) handle.ioPolls++;
    const isLate = call.ioPolls === handle.ioPolls;
    call.missed = isLate ? call.missed + 1 : 0;
    call.ioPolls = handle.ioPolls;
    const isLost = call.missed >= LOST_AFTER_POLLS;
    if (isLost) call.missed = 0;
    if (!isLost && call.polledAt < this.#runtime.core.timerDueAt) return;
    this.during(id, () =>
      this.#runtime.withCore((core) => (isLost ? core.ioLost(handle) : core.runDue(handle))),
    );
  }

  /**
   * Removes the calls of ended requests. The host does not report that a request ended.
   *
   * @param {number} now
   */
  #sweep(now) {
    if (now < this.#sweptAt + ENDED_AFTER_MS) return;
    this.#sweptAt = now;
    for (const [id, { polledAt, handle }] of [...this.#calls]) {
      if (now < polledAt + ENDED_AFTER_MS) continue;
      this.#calls.delete(id);
      this.#runtime.withCore((core) => core.cancelCall(id, handle));
    }
  }
}

/**
 * The number of polls by one request, about two seconds, after which another request that did not poll meanwhile counts
 * as ended. It is not a span of time, because a stalled machine delays all requests alike.
 */
const LOST_AFTER_POLLS = 50;

/** After this time without a poll, a call's request counts as ended: it polls many times a second. */
const ENDED_AFTER_MS = 60_000;
