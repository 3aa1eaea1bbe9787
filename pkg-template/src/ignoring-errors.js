// Calls of functions whose result does not matter.

import { handled } from "../stores/foreign-promise.js";

/**
 * Calls a function and ignores what it throws and how a promise that it returns is rejected, at once or later.
 *
 * @param {() => unknown} action
 * @returns {Promise<void>} resolves when all is over
 */
export async function ignoringErrors(action) {
  try {
    await handled(action());
  } catch {
    // By design.
  }
}
