// Handling of promises that user-supplied functions return.

const promiseThen = Promise.prototype.then;

/**
 * Returns a user-supplied value; if it is a promise, its rejection no longer counts as unhandled.
 *
 * A rejection without a handler ends a Node process. `await` and `resolve` register their handlers by calling `then`
 * of the value, which may throw or register nothing if it is overridden or a getter. Every value that is awaited or
 * ignored therefore passes through here first, where the platform's own `then` is used. A promise whose `constructor`
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
    // The value is not a promise.
  }
  return value;
}

function ignore() {}
