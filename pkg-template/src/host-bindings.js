// The core's bindings to the host: timers, clocks, `fetch`, stores and user-supplied functions.
//
// Each operation reports its outcome to the core, which makes all decisions.

import { withoutCache } from "./cache-mode.js";
import { withoutMessage } from "./fetch-failure.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { ioEndsWithRequest } from "./request-scope.js";
import { secretsOfGrant } from "./request-secrets.js";
import { sendAndRead, statusAndHeaders } from "./send-and-read.js";
import { startTimer, stopTimer } from "./timers.js";
import { handled } from "../stores/foreign-promise.js";

/**
 * Receives the outcome of an operation, once, and never while the core is on the stack. Returns whether the core was
 * still waiting for it, since its waits have a timeout.
 *
 * @typedef {(outcome: number, value?: unknown) => boolean} ReportOutcome
 */

// Outcomes of an operation; see `CallOutcome` in src/host/callback_future.rs.
const RESOLVED = 0;
const REJECTED = 1;
const TIMED_OUT = 2;

/** @typedef {import("./session-handle.js").SessionHandle} SessionHandle */

/** The time for which a request is kept for the release of a lease, in ms. */
const RELEASE_LIMIT_MS = 1_000;

/** The host functions that the core calls; see src/host/bindings.rs. None of them throws. */
export class HostBindings {
  /** Set where I/O ends with the request that started it; see `IoScope` in src/core/policy.rs. */
  ioEndsWithRequest = ioEndsWithRequest();

  /** The callback of the core's one timer and its time by `Date.now()`. Used where timers end with their request. */
  onTimer = () => {};
  timerDueAt = Infinity;

  /**
   * The pending releases of leases, and when each counts as lost, by `Date.now()`. Its request may have ended.
   *
   * @type {Set<{ until: number }>}
   */
  #releases = new Set();

  /** The core's one timer. @type {any} */
  #timer = undefined;
  /** Functions that end its waits and requests. @type {Set<() => void>} */
  #pending = new Set();

  /** Ends what a core that crashed has left: its timers and requests would keep the process running. */
  stop() {
    if (this.ioEndsWithRequest) return;
    stopTimer(this.#timer);
    for (const end of this.#pending) end();
  }

  /**
   * @param {() => void} callback
   * @param {number} delay in ms
   * @param {boolean} keepsAlive keeps the process running, where there is one
   */
  setTimer(callback, delay, keepsAlive) {
    if (this.ioEndsWithRequest) {
      this.onTimer = callback;
      this.timerDueAt = Date.now() + delay;
      return undefined;
    }
    return (this.#timer = startTimer(callback, delay, keepsAlive));
  }

  /** @param {any} timer */
  clearTimer(timer) {
    this.timerDueAt = Infinity;
    stopTimer(timer);
  }

  /**
   * Sets the timeout of one wait of the core. Unlike the core's one timer, it belongs to the request that waits.
   *
   * @param {() => void} callback
   * @param {number} delay in ms
   * @returns {() => void} ends the wait; see {@link clearTimeLimit}
   */
  setTimeLimit(callback, delay) {
    const timer = startTimer(callback, delay, true);
    const end = () => stopTimer(timer);
    this.#pending.add(end);
    return end;
  }

  /** @param {() => void} end */
  clearTimeLimit(end) {
    this.#pending.delete(end);
    end();
  }

  /** Returns the monotonic time in ms. `performance` is looked up each time, because fake timers replace it. */
  monotonicNow() {
    try {
      const now = performance.now();
      return now >= 0 ? now : 0;
    } catch {
      return 0;
    }
  }

  /**
   * Aborts a fetch, except where I/O ends with its request, since only the request that started it may abort it there.
   *
   * @param {AbortController} request
   */
  abort(request) {
    if (!this.ioEndsWithRequest) request.abort();
  }

  /**
   * Calls `onWake` when a page may have been suspended: when it becomes visible again, or the network returns.
   *
   * @param {() => void} onWake
   * @returns {() => void} removes the listeners
   */
  subscribeToWakeups(onWake) {
    /** @type {[target: () => any, event: string][]} */
    const sources = [
      [() => globalThis.document, "visibilitychange"],
      // `online` is dispatched in workers too. Node's global object has no events at all.
      [() => globalThis, "pageshow"],
      [() => globalThis, "online"],
    ];
    const each = (/** @type {string} */ method) => {
      for (const [target, event] of sources) ignoringErrors(() => target()?.[method]?.(event, onWake));
    };
    each("addEventListener");
    return () => each("removeEventListener");
  }

  /**
   * Calls a user-supplied function.
   *
   * @param {(...args: any[]) => unknown} action
   * @param {unknown[]} args
   * @param {AbortSignal | undefined} signal ends the wait with the outcome `TIMED_OUT`
   * @param {ReportOutcome} done
   */
  call(action, args, signal, done) {
    reportOutcome(() => action(...args), signal, done);
  }

  /**
   * Describes what a user-supplied function threw, as the `cause` of an error; see `causeOf` in token-error.js.
   *
   * @param {unknown} thrown
   */
  describeCause(thrown) {
    return withoutMessage(thrown);
  }

  /**
   * Acquires a lease, as {@link call}. A lease that arrives too late is released.
   *
   * @param {(...args: any[]) => unknown} action
   * @param {unknown[]} args
   * @param {ReportOutcome} done
   */
  acquire(action, args, done) {
    this.call(action, args, undefined, (outcome, lease) => {
      const waited = done(outcome, lease);
      if (!waited) this.release(lease);
      return waited;
    });
  }

  /**
   * Releases a lease. If that fails, the lease expires.
   *
   * @param {any} lease
   */
  release(lease) {
    const released = ignoringErrors(() => lease.release());
    if (!this.ioEndsWithRequest) return;
    const release = { until: Date.now() + RELEASE_LIMIT_MS };
    this.#releases.add(release);
    released.then(() => this.#releases.delete(release));
  }

  /**
   * Whether a lease is being released. Used where I/O ends with its request: a request that ends before would leave the
   * lease to expire, and other requests would wait for that.
   */
  get isReleasing() {
    const now = Date.now();
    for (const release of this.#releases) if (release.until <= now) this.#releases.delete(release);
    return this.#releases.size > 0;
  }

  /**
   * Calls a store's `watch`, which returns a function that stops it, or a promise of one.
   *
   * @param {(key: string, changed: () => void) => unknown} watch
   * @param {string} key
   * @param {() => void} changed
   * @returns {(() => void) | undefined} stops it, and never throws; `undefined` if `watch` threw
   */
  watch(watch, key, changed) {
    /** @type {any} */
    let started;
    try {
      started = watch(key, changed);
    } catch {
      return undefined;
    }
    if (typeof started === "function") return () => void ignoringErrors(started);
    const later = new Promise((resolve) => resolve(handled(started))).catch(() => undefined);
    return () =>
      void ignoringErrors(async () => {
        const end = await later;
        if (typeof end === "function") await handled(end());
      });
  }

  /**
   * Sends a POST request and reads the whole response: its text, its errors as JSON, the message of the first of them,
   * the rules with a function that matches, its status and the headers named in `wanted`. On a failure the outcome is a
   * keyword or the system's error code. The message is left out, because messages of `fetch` quote headers.
   *
   * @param {typeof globalThis.fetch | undefined} fetch replaces the global `fetch`
   * @param {string} url
   * @param {[name: string, value: string][]} headers
   * @param {string} body
   * @param {RequestCredentials | undefined} credentials
   * @param {string[]} scopes that errors may quote
   * @param {(string | undefined)[]} secrets the presented refresh token, if there is one, and those of options and functions
   * @param {SessionHandle | undefined} handle of the session
   * @param {string[]} wanted
   * @param {AbortSignal} signal
   * @param {ReportOutcome} done
   */
  sendRequest(fetch, url, headers, body, credentials, scopes, secrets, handle, wanted, signal, done) {
    // Its own, because the core's controller is lost when the core crashes.
    const request = new AbortController();
    /** @type {RequestInit} */
    const init = {
      method: "POST",
      headers: Object.fromEntries(headers),
      body,
      // The request contains secrets, which must not follow a redirect.
      redirect: "manual",
      ...withoutCache(),
      signal: request.signal,
    };
    // Workers reject a `credentials` member.
    if (credentials) init.credentials = credentials;
    const { quotable = [] } = handle?.api ?? {};
    handle?.remember(secrets[0]);
    const known = () =>
      [...secrets, ...(handle?.knownTokens() ?? [])].filter((secret) => secret !== undefined);
    const ofRequest = () => [...known(), ...secretsOfGrant(url, headers, body, [...scopes, ...quotable])];
    const abort = () => void ignoringErrors(() => request.abort());
    this.#pending.add(abort);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    reportOutcome(
      () => sendAndRead(fetch ?? globalThis.fetch, url, init, handle, known, ofRequest, wanted),
      signal,
      (outcome, value) => this.#pending.delete(abort) && done(outcome, value),
    );
  }

  /**
   * Returns the status of a response and its headers named in `wanted`; `undefined` if it is not a response.
   *
   * @param {any} response
   * @param {string[]} wanted
   * @returns {unknown[] | undefined}
   */
  statusAndHeaders(response, wanted) {
    return statusAndHeaders(response, wanted);
  }
}

/**
 * Calls `action` and reports its outcome, or `TIMED_OUT` as soon as `signal` is aborted.
 *
 * @param {() => unknown} action
 * @param {AbortSignal | undefined} signal
 * @param {ReportOutcome} done
 */
function reportOutcome(action, signal, done) {
  /** @type {(result: [outcome: number, value?: unknown]) => void} */
  let settle = () => {};
  const settled = new Promise((/** @type {typeof settle} */ resolve) => (settle = resolve));
  const timeOut = () => settle([TIMED_OUT]);
  signal?.addEventListener("abort", timeOut);
  // Not `Promise.resolve`: it returns a promise unchanged, and the class or `then` of a user-supplied promise may
  // throw.
  new Promise((resolve) => resolve(handled(action()))).then(
    (value) => settle([RESOLVED, value]),
    (thrown) => settle([REJECTED, thrown]),
  );
  settled.then(([outcome, value]) => {
    signal?.removeEventListener("abort", timeOut);
    done(outcome, value);
  });
}
