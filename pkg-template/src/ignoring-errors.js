// Calls functions and ignores their errors.

import { handled } from "../stores/foreign-promise.js";

/**
 * Calls a function and ignores its exception or the rejection of the promise that it returns.
 *
 * @param {() => unknown} action
 * @returns {Promise<void>} resolves when the function, and its promise, have finished
 */
export async function ignoringErrors(action) {
  try {
    await handled(action());
  } catch {
    // Ignored, as documented.
  }
}
