// The encryption key of a database: generated once, kept in the database and not extractable.

import { StoreError } from "./common.js";
import { open, problemOfKey, seal } from "./aes-gcm.js";
import { requested } from "./web-database.js";

/** @import { Database } from "./web-database.js" */
/** @import { Sealed } from "./aes-gcm.js" */

const ALGORITHM = { name: "AES-GCM", length: 256 };
/** Its key in the table `keys`. */
const ID = "aes-gcm";

export class DatabaseKey {
  #database;
  #name;
  /** @type {Promise<CryptoKey> | undefined} */
  #key;
  /** The connection that the key was loaded over. */
  #connection = -1;

  /**
   * @param {Database} database
   * @param {string} name
   */
  constructor(database, name) {
    this.#database = database;
    this.#name = name;
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  async seal(key, value) {
    return seal(await this.#load(), this.#bind(key), value);
  }

  /**
   * @param {string} key
   * @param {Sealed | undefined} sealed
   * @returns {Promise<string | undefined>}
   */
  async open(key, sealed) {
    return open(await this.#load(), this.#bind(key), sealed);
  }

  /** Returns the name that a value is bound to: its key and the database. @param {string} key */
  #bind(key) {
    return JSON.stringify([this.#name, key]);
  }

  /** @returns {Promise<CryptoKey>} */
  #load() {
    // The database may have been deleted with its key, and another tab may have created a new one.
    if (this.#key === undefined || this.#connection !== this.#database.connections) {
      const key = this.#make();
      this.#key = key;
      key.then(
        () => {
          this.#connection = this.#database.connections;
        },
        () => {
          if (this.#key === key) this.#key = undefined;
        },
      );
    }
    return this.#key;
  }

  async #make() {
    const subtle = globalThis.crypto?.subtle;
    if (subtle === undefined) {
      const message = "`encrypt: true` needs WebCrypto, which only pages of https: or localhost have";
      throw new StoreError("unsupported", message);
    }
    // Generated before the transaction, which commits as soon as no request is pending. It is discarded if a key
    // already exists.
    const candidate = /** @type {CryptoKey} */ (
      await subtle.generateKey(ALGORITHM, false, ["encrypt", "decrypt"])
    );
    return this.#database.run("readwrite", ["keys"], async (transaction) => {
      const keys = transaction.objectStore("keys");
      const existing = await requested(keys.get(ID));
      // A key that is extractable, or of another algorithm, does not protect values. It is replaced, and values
      // encrypted with it are treated as missing.
      if (problemOfKey(existing) === undefined) return /** @type {CryptoKey} */ (existing);
      keys.put(candidate, ID);
      return candidate;
    });
  }
}
