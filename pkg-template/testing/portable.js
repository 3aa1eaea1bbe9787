/**
 * What the sandbox needs of its platform, by globals that Node and browsers have.
 *
 * @module
 */

/** Returns random bytes as hexadecimal digits, two for each. @param {number} bytes */
export function randomHex(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Returns random decimal digits, of which the first is not 0. @param {number} length */
export function randomDigits(length) {
  const random = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(random, (byte, index) => (index === 0 ? 1 + (byte % 9) : byte % 10)).join("");
}

/** Returns a random UUID (RFC 9562, version 4). */
export const randomUUID = () => crypto.randomUUID();

/** Returns the Base64 form of a text in UTF-8. @param {string} text */
export const base64 = (text) =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));

/** Returns the Base64 form for URLs, without padding (RFC 4648, section 5). @param {string} text */
export const base64Url = (text) => base64(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/**
 * Resolves after a delay, or rejects with the reason of the signal.
 *
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
