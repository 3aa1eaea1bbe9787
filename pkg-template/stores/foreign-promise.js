// Promises that user-supplied functions return.

const promiseThen = Promise.prototype.then;

/**
 * Returns a user-supplied value, whose rejection no longer counts as unhandled, where it is a promise.
 *
 * A rejection that no handler was registered for ends a Node process. `await` and `resolve` register theirs by calling
 * `then` of the value: one that is overridden, or a getter, may throw or register nothing. So every value that is to be
 * awaited, or ignored, passes through here first, which uses the `then` of the platform. A promise whose `constructor`
 * throws is not covered: no function of the language accepts a handler for it.
 *
 * @template T
 * @param {T} value
 * @returns {T}
 */
export function handled(value) {
  try {
    promiseThen.call(value, undefined, ignore);
  } catch {
    // It is not a promise.
  }
  return value;
}

function ignore() {}
