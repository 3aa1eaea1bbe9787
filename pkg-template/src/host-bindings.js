// The core's bindings to the host: timers, clocks, `fetch`, stores and user-supplied functions.
//
// Each operation reports its outcome to the core, which makes all decisions.

import { failureOf, secretsOf, withoutQuotations } from "./fetch-failure.js";
import { withoutCache } from "./cache-mode.js";
import { runFakedMicrotasks } from "./microtask.js";
import { ioEndsWithRequest } from "./request-scope.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { lazyTextDecoder } from "./utf8.js";
import { handled } from "../stores/foreign-promise.js";

/**
 * Receives the outcome of an operation, once, and never while the core is on the stack. Returns whether the core was
 * still waiting for it, since its waits have a timeout.
 *
 * @typedef {(ending: number, value?: unknown) => boolean} Done
 */

// Outcomes of an operation; see `CallOutcome` in src/host/callback_future.rs.
const RESOLVED = 0;
const REJECTED = 1;
const TIMED_OUT = 2;

/** The host functions that the core calls; see src/host/bindings.rs. None of them throws. */
export class Outside {
  /** Set where I/O ends with the request that started it; see `IoScope` in src/core/policy.rs. */
  ioEndsWithRequest = ioEndsWithRequest();

  /** The callback of the core's one timer and its time by `Date.now()`. Used where timers end with their request. */
  ring = () => {};
  ringsAt = Infinity;

  /**
   * @param {() => void} ring
   * @param {number} delay in ms
   * @param {boolean} holds keeps the process running, where there is one
   */
  setTimer(ring, delay, holds) {
    if (this.ioEndsWithRequest) {
      this.ring = ring;
      this.ringsAt = Date.now() + delay;
      return undefined;
    }
    return startTimer(ring, delay, holds);
  }

  /** @param {any} timer */
  clearTimer(timer) {
    this.ringsAt = Infinity;
    stopTimer(timer);
  }

  /**
   * Sets the timeout of one wait of the core. Unlike the core's one timer, it belongs to the request that waits.
   *
   * @param {() => void} ring
   * @param {number} delay in ms
   */
  setTimeLimit(ring, delay) {
    return startTimer(ring, delay, true);
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
   * Calls `woke` when a page may have been suspended: when it becomes visible again, or the network returns.
   *
   * @param {() => void} woke
   * @returns {() => void} removes the listeners
   */
  subscribeToWakeups(woke) {
    /** @type {[target: () => any, event: string][]} */
    const sources = [
      [() => globalThis.document, "visibilitychange"],
      // `online` is dispatched in workers too. Node's global object has no events at all.
      [() => globalThis, "pageshow"],
      [() => globalThis, "online"],
    ];
    const each = (/** @type {string} */ method) => {
      for (const [target, event] of sources) ignoringErrors(() => target()?.[method]?.(event, woke));
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
   * @param {Done} done
   */
  call(action, args, signal, done) {
    wait(() => action(...args), signal, done);
  }

  /**
   * Acquires a lease, as {@link call}. A lease that arrives too late is released.
   *
   * @param {(...args: any[]) => unknown} action
   * @param {unknown[]} args
   * @param {Done} done
   */
  acquire(action, args, done) {
    this.call(action, args, undefined, (ending, lease) => {
      const waited = done(ending, lease);
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
    ignoringErrors(() => lease.release());
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
   * Sends a POST request and reads the whole response: its text, its status and the headers named in `wanted`. On a
   * failure the outcome is a keyword or the system's error code. The message is left out, because messages of `fetch`
   * quote headers.
   *
   * @param {typeof globalThis.fetch | undefined} fetch replaces the global `fetch`
   * @param {string} url
   * @param {[name: string, value: string][]} headers
   * @param {string} body
   * @param {RequestCredentials | undefined} credentials
   * @param {string[]} wanted
   * @param {AbortSignal} signal
   * @param {Done} done
   */
  sendRequest(fetch, url, headers, body, credentials, wanted, signal, done) {
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
    wait(() => sendAndRead(fetch ?? globalThis.fetch, url, init, wanted), signal, done);
  }

  /**
   * Returns the status of a response and its headers named in `wanted`; `undefined` if it is not a response.
   *
   * @param {any} answer
   * @param {string[]} wanted
   * @returns {unknown[] | undefined}
   */
  statusAndHeaders(answer, wanted) {
    return statusAndHeaders(answer, wanted);
  }
}

/**
 * Sets a timer. In a host without timers, the next call runs what is due.
 *
 * @param {() => void} ring
 * @param {number} delay in ms
 * @param {boolean} holds keeps the process running, where there is one
 */
export function startTimer(ring, delay, holds) {
  try {
    /** @type {any} */
    const timer = setTimeout(ring, delay);
    if (holds) return timer;
    if (timer?.unref) timer.unref();
    else /** @type {any} */ (globalThis).Deno?.unrefTimer(timer);
    return timer;
  } catch {
    return undefined;
  }
}

/** Clears a timer, if there is one. @param {any} timer */
export function stopTimer(timer) {
  if (timer === undefined) return;
  try {
    // Node keeps a timer list for each delay. If the timer is unref'd, Node drops the list only after that delay, which
    // is up to an hour here. `ref()` avoids that.
    timer.ref?.();
    clearTimeout(timer);
  } catch {
    // A timer that still fires has no effect.
  }
}

/**
 * Calls `action` and reports its outcome, or `TIMED_OUT` as soon as `signal` is aborted.
 *
 * @param {() => unknown} action
 * @param {AbortSignal | undefined} signal
 * @param {Done} done
 */
function wait(action, signal, done) {
  /** @type {(ended: [ending: number, value?: unknown]) => void} */
  let end = () => {};
  const ended = new Promise((/** @type {typeof end} */ resolve) => (end = resolve));
  const giveUp = () => end([TIMED_OUT]);
  signal?.addEventListener("abort", giveUp);
  // Not `Promise.resolve`: it returns a promise unchanged, and the class or `then` of a user-supplied promise may
  // throw.
  new Promise((resolve) => resolve(handled(action()))).then(
    (value) => end([RESOLVED, value]),
    (thrown) => end([REJECTED, thrown]),
  );
  ended.then(([ending, value]) => {
    signal?.removeEventListener("abort", giveUp);
    done(ending, value);
  });
}

/**
 * Sends a request and returns the outcome as {@link Outside.sendRequest} describes it.
 *
 * @param {any} fetch
 * @param {string} url
 * @param {RequestInit} init
 * @param {string[]} wanted
 */
async function sendAndRead(fetch, url, init, wanted) {
  const signal = /** @type {AbortSignal} */ (init.signal);
  if (typeof fetch !== "function") return "unavailable";
  const sent = Object.entries(/** @type {Record<string, string>} */ (init.headers));
  try {
    const answer = await handled(fetch(url, init));
    const told = statusAndHeaders(answer, wanted);
    const reader = told && readerOf(answer.body);
    // A response without a stream is empty, or comes from a user-supplied `fetch` that has only `text()`.
    if (!told || !(reader || typeof answer.text === "function")) return "invalid";
    const text = reader ? await readUpTo(reader, signal) : await handled(answer.text());
    if (typeof text !== "string") return reader ? "too large" : "invalid";
    return text.length > LARGEST ? "too large" : [withoutQuotations(text, sent, init.body), ...told];
  } catch (error) {
    return failureOf(error, secretsOf(sent, init.body));
  }
}

/**
 * @param {any} answer
 * @param {string[]} wanted
 */
function statusAndHeaders(answer, wanted) {
  try {
    const { status, headers } = answer;
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

/**
 * Returns a reader of a body: of a web stream, or of a Node stream as node-fetch and cross-fetch return.
 *
 * @param {any} body
 * @returns {ReadableStreamDefaultReader<any> | undefined}
 */
export function readerOf(body) {
  try {
    if (typeof body.getReader === "function") return body.getReader();
    const chunks = body[Symbol.asyncIterator]();
    return /** @type {any} */ ({ read: () => chunks.next(), cancel: () => chunks.return() });
  } catch {
    return undefined;
  }
}

/** The largest body that is examined: 1 MiB. Rejections and responses to a grant have some hundred bytes. */
export const LARGEST = 1024 * 1024;

const decoder = lazyTextDecoder();

/**
 * Reads the text of a stream, which may be user-supplied. Returns `undefined` if it is longer than `largest`. Stops
 * when `signal` is aborted, because the stream may ignore the signal and never end.
 *
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {AbortSignal} [signal]
 * @param {number} [largest] in bytes; 1 MiB by default
 */
export async function readUpTo(reader, signal, largest = LARGEST) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  for (let spent = 0; !signal?.aborted;) {
    const { value } = await handled(reader.read());
    runFakedMicrotasks();
    // `ArrayBuffer.isView` accepts arrays of any realm and rejects objects that only inherit from one.
    if (!ArrayBuffer.isView(value)) break;
    // A copy, which throws if the buffer was detached.
    const part = new Uint8Array(value);
    parts.push(part);
    size += part.length;
    // Empty chunks count too, or a stream of them would never end.
    spent += part.length || 64;
    if (spent > largest) {
      // Not awaited: for a clone, it resolves only after the caller has read the original.
      ignoringErrors(() => reader.cancel());
      return undefined;
    }
  }
  const bytes = new Uint8Array(size);
  for (const part of parts.reverse()) bytes.set(part, (size -= part.length));
  return decoder.decode(bytes);
}

/**
 * Reads the whole text of a response, as `text()` does. `text()` itself reads Node's streams without
 * {@link runFakedMicrotasks}, and does not return while fake timers hold back the end of the stream.
 *
 * @param {Response} answer
 * @param {number} largest in bytes, after decompression
 * @returns {Promise<string | undefined>} `undefined` if it is longer
 */
export async function wholeText(answer, largest) {
  const reader = readerOf(answer.body);
  const text = reader ? await readUpTo(reader, undefined, largest) : await handled(answer.text());
  return text === undefined || text.length > largest ? undefined : text.replace(/^\uFEFF/, "");
}
