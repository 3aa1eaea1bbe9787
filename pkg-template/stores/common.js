// Parts that all stores share: errors, validation of arguments, fences, leases, warnings and watchers.

import { handled } from "./foreign-promise.js";
import { MAX_BYTES } from "./limits.js";

/** @import { StoreErrorCode, StoreWarning } from "graphql-token-manager" */

// In bytes of UTF-8. Tokens have a few thousand bytes; a larger value is not a token, and each holder would read it.
export { MAX_BYTES };

/** The error of a store. Its message never contains the value, even if the error of the backend does. */
export class StoreError extends Error {
  /** Set explicitly: consoles print the name of the class, which bundlers shorten. */
  static name = "StoreError";

  /** A field and no assignment, which throws where `Error.prototype` is frozen. */
  name = /** @type {const} */ ("StoreError");

  /**
   * @param {StoreErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** @param {string} message */
export const wrongOption = (message) => new StoreError("invalid_options", message);

/**
 * Rejects a value that is not a string or exceeds {@link MAX_BYTES}, before anything is written.
 * @param {string} value
 */
export function checkValue(value) {
  if (typeof value !== "string") throw wrongOption("a store takes values that are strings");
  if (!isSmall(value)) {
    throw new StoreError(
      "too_large",
      "the value is larger than 1 MiB, which no store takes; nothing was written",
    );
  }
}

/** Returns whether a value is within {@link MAX_BYTES}. @param {string} value */
export function isSmall(value) {
  // A UTF-16 code unit takes one to three bytes of UTF-8.
  if (value.length > MAX_BYTES) return false;
  return value.length * 3 <= MAX_BYTES || new TextEncoder().encode(value).length <= MAX_BYTES;
}

/** @param {number} ttlMs */
export function checkSpan(ttlMs) {
  if (typeof ttlMs === "number" && ttlMs > 0 && Number.isFinite(ttlMs)) return;
  throw wrongOption("`ttlMs` of a lease must be a number of milliseconds above 0");
}

/**
 * Returns whether a value is a valid fence: a non-negative integer with an exact successor. Any other stored
 * value is damaged.
 * @param {unknown} value
 * @returns {value is number}
 */
export const isFence = (value) =>
  Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < Number.MAX_SAFE_INTEGER;

/** @param {number | undefined} fence */
export function checkFence(fence) {
  if (fence === undefined || isFence(fence)) return;
  throw wrongOption("a fence must be the number that a lease has: whole, at least 0, below 2^53 - 1");
}

/**
 * Returns the fence after `last`.
 *
 * It is at least the current time, so that fences also grow if the last one was damaged, or lost with the whole store.
 * @param {number} last
 */
export const nextFence = (last) => Math.max(isFence(last) ? last + 1 : 1, Date.now());

/** Returns whether an entry has expired. @param {number} expiresAt */
export const isOver = (expiresAt) => expiresAt <= Date.now();

/** Tolerance for clock corrections: larger than a routine correction sets a clock back. */
const STEP_MS = 60_000;

/**
 * Returns whether a lease is still held according to the clock.
 *
 * A lease that ends more than `ttlMs` from now was written before the clock was set back. It counts as expired,
 * because otherwise it would last longer by the amount of the correction.
 * @param {{ until: number, ttlMs: number }} lease
 */
export function isHeld({ until, ttlMs }) {
  const left = until - Date.now();
  return left > 0 && left <= ttlMs + STEP_MS;
}

/** Returns a unique name. */
export function uniqueName() {
  const { crypto } = globalThis;
  // Insecure contexts have no `randomUUID`.
  if (crypto?.getRandomValues === undefined) return `${Date.now().toString(36)}-${digits()}${digits()}`;
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

const digits = () => Math.random().toString(36).slice(2);

/**
 * Reports a warning to the listener; without one, as a process warning, where the platform has them.
 * @param {((warning: StoreWarning) => void) | undefined} listener
 * @param {StoreWarning} warning
 */
export function warn(listener, warning) {
  if (listener !== undefined) {
    try {
      handled(listener(warning));
    } catch {
      // A listener that throws must not fail the acquisition.
    }
    return;
  }
  const { process } = /** @type {{ process?: { emitWarning?: Function } }} */ (
    /** @type {unknown} */ (globalThis)
  );
  process?.emitWarning?.(warning.message, { type: "StoreWarning", code: warning.code });
}

/**
 * Prevents a timer from keeping the process running, where the platform supports it.
 * @param {unknown} timer
 */
export function unref(timer) {
  /** @type {{ unref?: () => void }} */ (Object(timer)).unref?.();
}

/** The watchers of a store by key. */
export class Watchers {
  /** @type {Map<string, Set<() => void>>} */
  #byKey = new Map();

  /**
   * @param {string} key
   * @param {() => void} changed
   * @returns {() => void} removes the watcher
   */
  add(key, changed) {
    // Wrapped, because the same function may be added twice, and each watcher is removed separately.
    const watcher = () => changed();
    const watchers = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#byKey.get(key) === watchers) this.#byKey.delete(key);
    };
  }

  /** @param {string} key */
  tell(key) {
    for (const watcher of [...(this.#byKey.get(key) ?? [])]) {
      try {
        watcher();
      } catch {
        // A watcher that throws must not affect the others.
      }
    }
  }

  tellAll() {
    for (const key of this.keys()) this.tell(key);
  }

  /** @param {string} key */
  has(key) {
    return this.#byKey.has(key);
  }

  /** @returns {string[]} */
  keys() {
    return [...this.#byKey.keys()];
  }

  get empty() {
    return this.#byKey.size === 0;
  }
}
