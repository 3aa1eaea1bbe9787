// The core's bindings to the host: timers, clocks, `fetch`, stores and user-supplied functions.
//
// Each operation reports its outcome to the core, which makes all decisions.

import { readUpTo, readerOf } from "./body-reading.js";
import { withoutCache } from "./cache-mode.js";
import { failureOf, secretsOf, withoutMessage } from "./fetch-failure.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { providerErrorsOf, secretsOfGrant, tokensOf, withoutQuotations } from "./provider-errors.js";
import { ioEndsWithRequest } from "./request-scope.js";
import { parsed } from "./response-outline.js";
import { startTimer, stopTimer } from "./timers.js";
import { MAX_JSON_BYTES } from "./tables.js";
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
    return startTimer(callback, delay, keepsAlive);
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
   */
  setTimeLimit(callback, delay) {
    return startTimer(callback, delay, true);
  }

  /** @param {any} timer */
  clearTimeLimit(timer) {
    stopTimer(timer);
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
   * its status and the headers named in `wanted`. On a failure the outcome is a keyword or the system's error code. The
   * message is left out, because messages of `fetch` quote headers.
   *
   * @param {typeof globalThis.fetch | undefined} fetch replaces the global `fetch`
   * @param {string} url
   * @param {[name: string, value: string][]} headers
   * @param {string} body
   * @param {RequestCredentials | undefined} credentials
   * @param {string[] | undefined} quotable what errors may quote of the request; if `undefined`, they are left out
   * @param {string[]} wanted
   * @param {AbortSignal} signal
   * @param {ReportOutcome} done
   */
  sendRequest(fetch, url, headers, body, credentials, quotable, wanted, signal, done) {
    /** @type {RequestInit} */
    const init = {
      method: "POST",
      headers: Object.fromEntries(headers),
      body,
      // The request contains secrets, which must not follow a redirect.
      redirect: "manual",
      ...withoutCache(),
      signal,
    };
    // Workers reject a `credentials` member.
    if (credentials) init.credentials = credentials;
    reportOutcome(() => sendAndRead(fetch ?? globalThis.fetch, url, init, quotable, wanted), signal, done);
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

/**
 * Sends a request and returns the outcome as {@link HostBindings.sendRequest} describes it.
 *
 * @param {any} fetch
 * @param {string} url
 * @param {RequestInit} init
 * @param {string[] | undefined} quotable
 * @param {string[]} wanted
 */
async function sendAndRead(fetch, url, init, quotable, wanted) {
  const signal = /** @type {AbortSignal} */ (init.signal);
  if (typeof fetch !== "function") return "unavailable";
  const sent = Object.entries(/** @type {Record<string, string>} */ (init.headers));
  try {
    const response = await handled(fetch(url, init));
    const found = statusAndHeaders(response, wanted);
    const reader = found && readerOf(response.body);
    // A response without a stream is empty, or comes from a user-supplied `fetch` that has only `text()`.
    if (!found || !(reader || typeof response.text === "function")) return "invalid";
    const text = reader ? await readUpTo(reader, signal) : await handled(response.text());
    if (typeof text !== "string") return reader ? "too large" : "invalid";
    if (text.length > MAX_JSON_BYTES) return "too large";
    const secrets = () => secretsOfGrant(url, sent, String(init.body), quotable ?? []);
    const errors = quotable && grantErrors(text, found, wanted, secrets);
    const said = errors ? [JSON.stringify(errors), errors[0].message] : [undefined, undefined];
    return [withoutQuotations(text, secrets), ...said, ...found];
  } catch (error) {
    return failureOf(error, secretsOf(sent, init.body));
  }
}

/**
 * Returns the errors of the response to a grant; see {@link providerErrorsOf}.
 *
 * @param {string} text
 * @param {unknown[]} found its status and headers
 * @param {string[]} wanted names of the headers
 * @param {() => string[]} secrets
 */
function grantErrors(text, [, ...found], wanted, secrets) {
  if (!/"(?:errors?|message)"/.test(text)) return undefined;
  const answer = parsed(text);
  const headers = found.filter((value, index) => value && !PUBLIC_HEADER.test(wanted[index]));
  return providerErrorsOf(answer, () => [...secrets(), ...tokensOf(answer, headers.map(String))]);
}

/** Headers in which no token is received. */
const PUBLIC_HEADER = /^(?:date|retry-after|content-type)$/;

/**
 * @param {any} response
 * @param {string[]} wanted
 */
function statusAndHeaders(response, wanted) {
  try {
    const { status, headers } = response;
    const values = wanted.map((name) => bounded(headers.get(name)));
    return typeof status === "number" ? [status, ...values] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the value of a header, or `undefined` if it is longer than 65,536 characters, which is more than any server
 * sends: Node accepts 16 KiB for all headers of a response.
 *
 * @param {any} value
 */
function bounded(value) {
  return typeof value === "string" && value.length > 65_536 ? undefined : value;
}
