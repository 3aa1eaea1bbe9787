/**
 * Waits for conditions and events, never for a fixed time.
 *
 * @module
 */

import { TokenError } from "graphql-token-manager";

import { TEST_TIMEOUT_MS } from "./timeouts.js";

/** @import { TokenEvent, TokenManager } from "graphql-token-manager" */

// The real functions, even if a test replaces them later.
const { setTimeout, clearTimeout } = globalThis;
const now = performance.now.bind(performance);

/**
 * Resolves when a condition holds, which is polled every few milliseconds.
 * @param {() => unknown} condition may be asynchronous
 * @param {string} what Description of the condition, for the error.
 */
export async function until(condition, what) {
  const end = now() + TEST_TIMEOUT_MS;
  while (!(await condition())) {
    if (now() > end) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/**
 * Settles as a promise does, or rejects if it remains pending, so that a test never hangs.
 * @template T
 * @param {Promise<T>} promise
 * @param {string} what Description of what is awaited, for the error.
 * @returns {Promise<T>}
 */
export function within(promise, what) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out waiting for ${what}`)), TEST_TIMEOUT_MS);
  });
  return Promise.race([promise, /** @type {Promise<never>} */ (late)]).finally(() => clearTimeout(timer));
}

/**
 * Resolves with the next event of a type that satisfies `fits`.
 * @template {TokenEvent["type"]} T
 * @param {TokenManager} tokens
 * @param {T} type
 * @param {(event: Extract<TokenEvent, { type: T }>) => boolean} [fits]
 * @returns {Promise<Extract<TokenEvent, { type: T }>>}
 */
export function next(tokens, type, fits = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`timed out waiting for a ${type} event`)),
      TEST_TIMEOUT_MS,
    );
    const end = tokens.on(type, (event) => {
      if (!fits(event)) return;
      clearTimeout(timer);
      end();
      resolve(event);
    });
  });
}

/**
 * Records all events from now on, in order.
 * @param {TokenManager} tokens
 * @returns {TokenEvent[]}
 */
export function record(tokens) {
  /** @type {TokenEvent[]} */
  const events = [];
  for (const type of EVENT_TYPES) tokens.on(type, (event) => events.push(event));
  return events;
}

export const EVENT_TYPES = /** @type {const} */ ([
  "token",
  "cleared",
  "retry",
  "error",
  "expired",
  "warning",
  "close",
]);

/**
 * Resolves with the TokenError that a promise rejects with.
 * @param {Promise<unknown>} promise
 * @returns {Promise<TokenError>}
 */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    if (TokenError.is(error)) return error;
    throw new Error("it rejected with something that is no TokenError", { cause: error });
  }
  throw new Error("it did not reject");
}

/**
 * Returns the value that a function throws.
 * @param {() => unknown} action
 * @returns {any}
 */
export function thrown(action) {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("it did not throw");
}

/** A promise that is resolved by `open`. @template [T=void] */
export class Gate {
  /** @type {(value: T) => void} */
  open = () => {};
  /** @type {Promise<T>} */
  opened = new Promise((resolve) => {
    this.open = resolve;
  });
}
