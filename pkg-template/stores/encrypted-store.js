// Encrypts the values of another store.

import { warn, wrongOption } from "./common.js";
import { handled } from "./foreign-promise.js";
import { open, problemOfKey, seal, webCrypto } from "./aes-gcm.js";

/** @import { TokenStore } from "graphql-token-manager" */
/** @import { EncryptedOptions, EncryptionKey } from "./encrypted.js" */

/** Format prefix of an encrypted value, so that later formats can be distinguished. */
const FORMAT = "gtm1.";
/** AES-256. A key of 128 bits would suffice for tokens, but a single length prevents mistakes. */
const KEY_BYTES = 32;
const IV_BYTES = 12;

/**
 * See `encrypted.d.ts`.
 * @template {TokenStore} S
 * @param {S} store
 * @param {EncryptionKey | readonly EncryptionKey[]} key
 * @param {EncryptedOptions} [options]
 * @returns {any}
 */
export function encrypted(store, key, { onWarning } = {}) {
  if (typeof store?.get !== "function" || typeof store.set !== "function") {
    throw wrongOption("encrypted() needs a store: an object with `get`, `set` and `delete`");
  }
  const keys = new Keys(Array.isArray(key) ? key : [key]);
  let isReported = false;
  const report = () => {
    if (isReported) return;
    isReported = true;
    const message =
      "encrypted(): a value does not open with any of the keys, and is taken for missing. " +
      "Was the key replaced without listing the old one behind it, or the value changed or moved?";
    warn(onWarning, { code: "unreadable", message });
  };

  return {
    async get(/** @type {string} */ name) {
      const text = await handled(store.get(name));
      if (text === undefined) return undefined;
      const value = await keys.open(name, text);
      if (value === undefined) report();
      return value;
    },
    async set(
      /** @type {string} */ name,
      /** @type {string} */ value,
      /** @type {number} */ expiresAt,
      /** @type {number | undefined} */ fence,
    ) {
      return handled(store.set(name, await keys.seal(name, value), expiresAt, fence));
    },
    delete: async (/** @type {string} */ name) => handled(store.delete(name)),
    ...(store.acquire && {
      acquire: (/** @type {string} */ name, /** @type {number} */ ttlMs) => store.acquire?.(name, ttlMs),
    }),
    ...(store.watch && {
      watch: (/** @type {string} */ name, /** @type {() => void} */ changed) => store.watch?.(name, changed),
    }),
  };
}

/** Encryption keys. The first encrypts; all are tried for decryption. */
class Keys {
  #keys;
  /** @type {Promise<CryptoKey[]> | undefined} */
  #imported;

  /** @param {readonly EncryptionKey[]} keys */
  constructor(keys) {
    if (keys.length === 0) throw wrongOption("encrypted() needs at least one key");
    this.#keys = keys.map(checked);
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  async seal(name, value) {
    const [first] = await this.#import();
    const { iv, bytes } = await seal(/** @type {CryptoKey} */ (first), name, value);
    return FORMAT + toBase64([iv, bytes]);
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  async open(name, text) {
    const bytes = text.startsWith(FORMAT) ? fromBase64(text.slice(FORMAT.length)) : undefined;
    if (bytes === undefined) return undefined;
    const sealed = { iv: bytes.slice(0, IV_BYTES), bytes: bytes.slice(IV_BYTES) };
    for (const key of await this.#import()) {
      const value = await open(key, name, sealed);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #import() {
    return (this.#imported ??= this.#importAll().catch((error) => {
      this.#imported = undefined;
      throw error;
    }));
  }

  async #importAll() {
    const { subtle } = await webCrypto();
    return Promise.all(
      this.#keys.map((key) =>
        key instanceof Uint8Array
          ? subtle.importKey("raw", /** @type {any} */ (key), "AES-GCM", false, ["encrypt", "decrypt"])
          : key,
      ),
    );
  }
}

/**
 * Validates a key. Bytes are copied, so that the caller may overwrite them.
 * @param {EncryptionKey} key
 * @returns {CryptoKey | Uint8Array}
 */
function checked(key) {
  const bytes =
    typeof key === "string" ? fromBase64(key) : key instanceof Uint8Array ? new Uint8Array(key) : undefined;
  if (bytes?.length === KEY_BYTES) {
    // Identical bytes are a placeholder, or an array that was never filled.
    if (bytes.every((byte) => byte === bytes[0]))
      throw wrongOption("a key must be random; these bytes are all the same");
    return bytes;
  }
  if (bytes !== undefined || typeof key !== "object") {
    throw wrongOption("a key must be 32 random bytes, those in base64, or a CryptoKey of AES-GCM");
  }
  const problem = problemOfKey(key);
  if (problem !== undefined) throw wrongOption(problem);
  return key;
}

/** Chunk size in bytes: engines limit the number of arguments of a call. */
const PIECE = 0x8000;

/** @param {Uint8Array[]} parts */
function toBase64(parts) {
  let binary = "";
  for (const part of parts) {
    for (let start = 0; start < part.length; start += PIECE) {
      binary += String.fromCharCode(...part.subarray(start, start + PIECE));
    }
  }
  return btoa(binary);
}

/**
 * @param {string} text In base64 or base64url, padded or not.
 * @returns {Uint8Array<ArrayBuffer> | undefined}
 */
function fromBase64(text) {
  try {
    const binary = atob(text.trim().replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
