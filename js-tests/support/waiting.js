/**
 * Waiting for what happens, and never for time to pass.
 *
 * @module
 */

import { TokenError } from "graphql-token-manager";

import { PATIENCE_MS } from "./patience.js";

/** @import { TokenEvent, TokenManager } from "graphql-token-manager" */

// The real ones, also where a test replaces them later.
const { setTimeout, clearTimeout } = globalThis;
const now = performance.now.bind(performance);

/**
 * Resolves when a condition holds; it is looked at every few milliseconds.
 * @param {() => unknown} condition
 * @param {string} what It is; for the failure.
 * @returns {Promise<void>}
 */
export function until(condition, what) {
  const end = now() + PATIENCE_MS;
  return new Promise((resolve, reject) => {
    const look = () => {
      if (condition()) return resolve();
      if (now() > end) return reject(new Error(`waited in vain until ${what}`));
      setTimeout(look, 2);
    };
    look();
  });
}

/**
 * The next event of a type, or the next one that fits.
 * @template {TokenEvent["type"]} T
 * @param {TokenManager} tokens
 * @param {T} type
 * @param {(event: Extract<TokenEvent, { type: T }>) => boolean} [fits]
 * @returns {Promise<Extract<TokenEvent, { type: T }>>}
 */
export function next(tokens, type, fits = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited in vain for a ${type} event`)), PATIENCE_MS);
    const end = tokens.on(type, (event) => {
      if (!fits(event)) return;
      clearTimeout(timer);
      end();
      resolve(event);
    });
  });
}

/**
 * All events from now on, in their order.
 * @param {TokenManager} tokens
 * @returns {TokenEvent[]}
 */
export function record(tokens) {
  /** @type {TokenEvent[]} */
  const events = [];
  for (const type of EVENT_TYPES) tokens.on(type, (event) => events.push(event));
  return events;
}

export const EVENT_TYPES = /** @type {const} */ (["token", "retry", "error", "expired", "warning", "close"]);

/**
 * The TokenError that a promise rejects with.
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
 * What a function throws.
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

/** A promise that settles when told to. @template [T=void] */
export class Gate {
  /** @type {(value: T) => void} */
  open = () => {};
  /** @type {Promise<T>} */
  opened = new Promise((resolve) => {
    this.open = resolve;
  });
}
