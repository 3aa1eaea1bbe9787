// AES-GCM encryption bound to a name: a value that was encrypted for one name does not decrypt for another.

import { StoreError } from "./common.js";

/** @typedef {{ iv: Uint8Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer> }} Sealed */

/** The IV length that NIST SP 800-38D recommends for GCM. */
const IV_BYTES = 12;

/**
 * @param {CryptoKey} key
 * @param {string} name
 * @param {string} text
 * @returns {Promise<Sealed>}
 */
export async function seal(key, name, text) {
  const { subtle, random } = await webCrypto();
  const iv = random(new Uint8Array(IV_BYTES));
  const bytes = await subtle.encrypt(parameters(iv, name), key, encode(text));
  return { iv, bytes: new Uint8Array(bytes) };
}

/**
 * @param {CryptoKey} key
 * @param {string} name
 * @param {Partial<Sealed> | undefined} sealed
 * @returns {Promise<string | undefined>} undefined if it was not encrypted with this key for this name
 */
export async function open(key, name, sealed) {
  const { iv, bytes } = Object(sealed);
  if (!(iv instanceof Uint8Array) || !(bytes instanceof Uint8Array)) return undefined;
  const { subtle } = await webCrypto();
  try {
    const plain = await subtle.decrypt(
      parameters(/** @type {any} */ (iv), name),
      key,
      /** @type {any} */ (bytes),
    );
    return new TextDecoder().decode(plain);
  } catch {
    return undefined;
  }
}

/**
 * Returns the reason for which a key is rejected, or `undefined` if it is valid.
 *
 * Its properties are read by the platform's own getters, because a lookalike of a CryptoKey, or one with overriding
 * properties, could return anything.
 *
 * @param {unknown} key
 * @returns {string | undefined}
 */
export function problemOfKey(key) {
  const read = (/** @type {string} */ name) => {
    const { get } = Object.getOwnPropertyDescriptor(globalThis.CryptoKey.prototype, name) ?? {};
    return get?.call(key);
  };
  try {
    if (read("algorithm")?.name !== "AES-GCM") return "a CryptoKey must be one of AES-GCM";
    if (read("extractable") !== false) {
      return "a CryptoKey must not be extractable; generate or import it with `extractable: false`";
    }
    const usages = read("usages");
    if (!usages.includes("encrypt") || !usages.includes("decrypt")) {
      return "a CryptoKey must be usable to `encrypt` and to `decrypt`";
    }
    return undefined;
  } catch {
    return "a key must be 32 random bytes, those in base64, or a CryptoKey that this platform's WebCrypto made";
  }
}

/** @returns {Promise<{ subtle: SubtleCrypto, random: <T extends Uint8Array>(bytes: T) => T }>} */
export async function webCrypto() {
  const { crypto } = globalThis;
  if (crypto?.subtle === undefined) {
    throw new StoreError(
      "unsupported",
      "encryption needs WebCrypto, which only pages of https: or localhost have",
    );
  }
  return { subtle: crypto.subtle, random: (bytes) => crypto.getRandomValues(/** @type {any} */ (bytes)) };
}

/**
 * @param {Uint8Array<ArrayBuffer>} iv
 * @param {string} name
 */
const parameters = (iv, name) => ({ name: "AES-GCM", iv, additionalData: encode(name) });

/** @param {string} text */
export const encode = (text) => new TextEncoder().encode(text);
