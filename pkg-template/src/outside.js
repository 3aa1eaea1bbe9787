// What the core waits for: functions of the user's, `fetch`, and stores.
//
// Decides nothing: the core is told how each ended.

import { failureOf, secretsOf, withoutQuotations } from "./fetch-failure.js";
import { withoutCache } from "./cache-mode.js";
import { runFakedMicrotasks } from "./microtask.js";
import { ioEndsWithRequest } from "./request-scope.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { lazyTextDecoder } from "./utf8.js";
import { handled } from "../stores/foreign-promise.js";

/**
 * Told once how it ended, and never while the core is on the stack. Gives whether anybody still waited: the core waits
 * only so long.
 *
 * @typedef {(ending: number, value?: unknown) => boolean} Done
 */

// How it ended; see `Ending` in src/host/waiting.rs.
const GAVE = 0;
const THREW = 1;
const LATE = 2;

/** What the core has of the world, and what takes its time in it; see src/host/outside.rs. None of it throws. */
export class Outside {
  /** Whether I/O ends with the request that started it; see `IoScope` in src/core/policy.rs. */
  ioEndsWithRequest = ioEndsWithRequest();

  /** Where timers end with their request: what the core's one timer is to call, and when, by `Date.now()`. */
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
   * Ends a wait of the core. Unlike its one timer, this is of the request that waits.
   *
   * @param {() => void} ring
   * @param {number} delay in ms
   */
  setLimit(ring, delay) {
    return startTimer(ring, delay, true);
  }

  /** @param {any} timer */
  clearLimit(timer) {
    stopTimer(timer);
  }

  /** Looked up at each use: fake timers replace it together with the wall clock. */
  monotonicNow() {
    try {
      const now = performance.now();
      return now >= 0 ? now : 0;
    } catch {
      return 0;
    }
  }

  /**
   * Gives up what was sent. Not where it may be another request's, which alone may abort it.
   *
   * @param {AbortController} sent
   */
  giveUp(sent) {
    if (!this.ioEndsWithRequest) sent.abort();
  }

  /**
   * Calls `woke` at moments at which a page may have slept: when it is shown again, or the network is back.
   *
   * @param {() => void} woke
   * @returns {() => void} ends it
   */
  listen(woke) {
    /** @type {[target: () => any, event: string][]} */
    const sources = [
      [() => globalThis.document, "visibilitychange"],
      // `online` also tells workers; Node's global has no events at all.
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
   * Calls a function of the user's.
   *
   * @param {(...args: any[]) => unknown} action
   * @param {unknown[]} args
   * @param {AbortSignal | undefined} signal gives it up
   * @param {Done} done
   */
  call(action, args, signal, done) {
    wait(() => action(...args), signal, done);
  }

  /**
   * As {@link call}. A lease that comes too late is given back.
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
   * Gives a lease back. Should that fail, it ends by itself.
   *
   * @param {any} lease
   */
  release(lease) {
    ignoringErrors(() => lease.release());
  }

  /**
   * Calls a store's `watch`, which should return a function that ends it and may return a promise of one.
   *
   * @param {(key: string, changed: () => void) => unknown} watch
   * @param {string} key
   * @param {() => void} changed
   * @returns {(() => void) | undefined} ends it, and never throws; `undefined` where `watch` threw
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
   * Sends a request and reads the whole answer: its text, status, and those of its headers that are `wanted`; or why
   * there is none, as a word or as the system's code, if there is one. Only a code: messages of `fetch` quote headers.
   *
   * @param {typeof globalThis.fetch | undefined} fetch instead of the global one
   * @param {string} url
   * @param {[name: string, value: string][]} headers
   * @param {string} body
   * @param {RequestCredentials | undefined} credentials
   * @param {string[]} wanted
   * @param {AbortSignal} signal
   * @param {Done} done
   */
  exchange(fetch, url, headers, body, credentials, wanted, signal, done) {
    /** @type {RequestInit} */
    const init = {
      method: "POST",
      headers: Object.fromEntries(headers),
      body,
      // Secrets are not sent on to wherever an answer points.
      redirect: "manual",
      ...withoutCache(),
      signal,
    };
    // Workers have no such member, and refuse it.
    if (credentials) init.credentials = credentials;
    wait(() => exchanged(fetch ?? globalThis.fetch, url, init, wanted), signal, done);
  }

  /**
   * The status of an answer, and those of its headers that are `wanted`; `undefined` if it is no answer.
   *
   * @param {any} answer
   * @param {string[]} wanted
   * @returns {unknown[] | undefined}
   */
  headersOf(answer, wanted) {
    return headersOf(answer, wanted);
  }
}

/**
 * Sets a timer, where there are any: elsewhere, what is due is done with the next call.
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

/** @param {any} timer */
export function stopTimer(timer) {
  if (timer === undefined) return;
  try {
    // Node keeps a list for each delay that a timer was set for and, once the timer was unref'd, drops it only when
    // that time has come: an hour, for each of our delays.
    timer.ref?.();
    clearTimeout(timer);
  } catch {
    // One that rings in vain does nothing.
  }
}

/**
 * @param {() => unknown} action
 * @param {AbortSignal | undefined} signal
 * @param {Done} done
 */
function wait(action, signal, done) {
  /** @type {(ended: [ending: number, value?: unknown]) => void} */
  let end = () => {};
  const ended = new Promise((/** @type {typeof end} */ resolve) => (end = resolve));
  const giveUp = () => end([LATE]);
  signal?.addEventListener("abort", giveUp);
  // Not `Promise.resolve`, which gives back a promise of the user's as it is, whose class or `then` may throw.
  new Promise((resolve) => resolve(handled(action()))).then(
    (value) => end([GAVE, value]),
    (thrown) => end([THREW, thrown]),
  );
  ended.then(([ending, value]) => {
    signal?.removeEventListener("abort", giveUp);
    done(ending, value);
  });
}

/**
 * @param {any} fetch
 * @param {string} url
 * @param {RequestInit} init
 * @param {string[]} wanted
 */
async function exchanged(fetch, url, init, wanted) {
  const signal = /** @type {AbortSignal} */ (init.signal);
  if (typeof fetch !== "function") return "absent";
  const sent = Object.entries(/** @type {Record<string, string>} */ (init.headers));
  try {
    const answer = await handled(fetch(url, init));
    const told = headersOf(answer, wanted);
    const reader = told && readerOf(answer.body);
    // No stream: an empty answer, or a `fetch` of the user's that has only text.
    if (!told || !(reader || typeof answer.text === "function")) return "rubbish";
    const text = reader ? await readUpTo(reader, signal) : await handled(answer.text());
    if (typeof text !== "string") return reader ? "large" : "rubbish";
    return text.length > LARGEST ? "large" : [withoutQuotations(text, sent, init.body), ...told];
  } catch (error) {
    return failureOf(error, secretsOf(sent, init.body));
  }
}

/**
 * @param {any} answer
 * @param {string[]} wanted
 */
function headersOf(answer, wanted) {
  try {
    const { status, headers } = answer;
    const values = wanted.map((name) => bounded(headers.get(name)));
    return typeof status === "number" ? [status, ...values] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The value of a header, unless it is longer than any that servers send: Node takes 16 KiB for all of them.
 *
 * @param {any} value
 */
function bounded(value) {
  return typeof value === "string" && value.length > 65_536 ? undefined : value;
}

/**
 * A reader of a body: of a web stream, or of one of Node's, which node-fetch and cross-fetch give.
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

/** A MiB: refusals, and answers to a grant, have some hundred bytes. */
export const LARGEST = 1024 * 1024;

const decoder = lazyTextDecoder();

/**
 * The text of a stream, which may be the user's; `undefined` where it is longer than a MiB. Read no further once it was
 * given up: the stream may not heed that, and never end.
 *
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {AbortSignal} [signal]
 * @param {number} [largest] in bytes, instead of a MiB
 */
export async function readUpTo(reader, signal, largest = LARGEST) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  for (let spent = 0; !signal?.aborted;) {
    const { value } = await handled(reader.read());
    runFakedMicrotasks();
    // Of any realm, and not what only inherits from bytes.
    if (!ArrayBuffer.isView(value)) break;
    // A copy: it throws where the bytes were given away.
    const part = new Uint8Array(value);
    parts.push(part);
    size += part.length;
    // An empty one counts as well, or a stream of them would never end.
    spent += part.length || 64;
    if (spent > largest) {
      // Not waited for: of a copy, it ends when the caller has read its own.
      ignoringErrors(() => reader.cancel());
      return undefined;
    }
  }
  const bytes = new Uint8Array(size);
  for (const part of parts.reverse()) bytes.set(part, (size -= part.length));
  return decoder.decode(bytes);
}

/**
 * The whole text of an answer, as `text()` gives it. That reads Node's streams without {@link runFakedMicrotasks}, and
 * so comes to no end where fake timers hold the end of the stream back.
 *
 * @param {Response} answer
 * @param {number} largest in bytes, after decompression
 * @returns {Promise<string | undefined>} `undefined` where it is longer
 */
export async function wholeText(answer, largest) {
  const reader = readerOf(answer.body);
  const text = reader ? await readUpTo(reader, undefined, largest) : await handled(answer.text());
  return text === undefined || text.length > largest ? undefined : text.replace(/^\uFEFF/, "");
}
