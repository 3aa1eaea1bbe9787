// What the stores have in common: their errors, their limit, and how fences grow.

import { handled } from "./foreign-promise.js";

/** @import { StoreErrorCode, StoreWarning } from "graphql-token-manager" */

/**
 * Largest value, in bytes of UTF-8. Tokens have a few thousand; whatever is larger is no token, and reading it
 * would cost every holder.
 */
export const MAX_BYTES = 1024 * 1024;

/** Why a store could not do what it was asked. Holds no value, whatever the backend put into its own error. */
export class StoreError extends Error {
  /** Bundlers shorten names, and the class's own is what consoles print. */
  static name = "StoreError";

  /**
   * @param {StoreErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = /** @type {const} */ ("StoreError");
    this.code = code;
  }
}

/** @param {string} message */
export const wrongOption = (message) => new StoreError("invalid_options", message);

/**
 * Refuses what is no string, or too large, before anything is written.
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

/** Whether a value is within {@link MAX_BYTES}. @param {string} value */
export function isSmall(value) {
  // Between a byte and three for each unit of UTF-16.
  if (value.length > MAX_BYTES) return false;
  return value.length * 3 <= MAX_BYTES || new TextEncoder().encode(value).length <= MAX_BYTES;
}

/** @param {number} ttlMs */
export function checkSpan(ttlMs) {
  if (typeof ttlMs === "number" && ttlMs > 0 && Number.isFinite(ttlMs)) return;
  throw wrongOption("`ttlMs` of a lease must be a number of milliseconds above 0");
}

/**
 * Whether a value can be a fence: a whole number whose successor is exact as well. Anything else in a store is damage.
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
 * The fence after `last`.
 *
 * The time is its floor, so that fences also grow where the last one was lost with the whole store, or damaged.
 * @param {number} last
 */
export const nextFence = (last) => Math.max(isFence(last) ? last + 1 : 1, Date.now());

/** Whether an entry is over. @param {number} expiresAt */
export const isOver = (expiresAt) => expiresAt <= Date.now();

/** More than clocks are ever set back by their daily correction. */
const STEP_MS = 60_000;

/**
 * Whether a lease is still held, as far as time tells.
 *
 * One that ends later than it could is from before the clock was set back, and would last for as long as that.
 * @param {{ until: number, ttlMs: number }} lease
 */
export function isHeld({ until, ttlMs }) {
  const left = until - Date.now();
  return left > 0 && left <= ttlMs + STEP_MS;
}

/** A name that nobody else takes. */
export function uniqueName() {
  const { crypto } = globalThis;
  // Pages that are not secure contexts have no `randomUUID`.
  if (crypto?.getRandomValues === undefined) return `${Date.now().toString(36)}-${digits()}${digits()}`;
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

const digits = () => Math.random().toString(36).slice(2);

/**
 * Tells what is to be looked into: to the listener, or as a process warning where there is neither.
 * @param {((warning: StoreWarning) => void) | undefined} listener
 * @param {StoreWarning} warning
 */
export function warn(listener, warning) {
  if (listener !== undefined) {
    try {
      handled(listener(warning));
    } catch {
      // A listener that fails must not cost a token.
    }
    return;
  }
  const { process } = /** @type {{ process?: { emitWarning?: Function } }} */ (
    /** @type {unknown} */ (globalThis)
  );
  process?.emitWarning?.(warning.message, { type: "StoreWarning", code: warning.code });
}

/**
 * Lets a timer not keep the process running, where there is one to keep.
 * @param {unknown} timer
 */
export function unref(timer) {
  /** @type {{ unref?: () => void }} */ (Object(timer)).unref?.();
}

/** The watchers of a store, by key. */
export class Watchers {
  /** @type {Map<string, Set<() => void>>} */
  #byKey = new Map();

  /**
   * @param {string} key
   * @param {() => void} changed
   * @returns {() => void} ends it
   */
  add(key, changed) {
    // The same function may watch twice, and each watch ends by itself.
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
        // It disturbs nobody else.
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
