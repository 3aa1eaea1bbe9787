// The key of a database: made once, kept in it, and never out of the browser.

import { StoreError } from "./common.js";
import { open, problemOfKey, seal } from "./sealing.js";
import { requested } from "./web-database.js";

/** @import { Database } from "./web-database.js" */
/** @import { Sealed } from "./sealing.js" */

const ALGORITHM = { name: "AES-GCM", length: 256 };
/** Under which it lies in its table. */
const ID = "aes-gcm";

export class DatabaseKey {
  #database;
  #name;
  /** @type {Promise<CryptoKey> | undefined} */
  #key;
  /** Of which connection the key is. */
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

  /** A value is of one key of one database. @param {string} key */
  #bind(key) {
    return JSON.stringify([this.#name, key]);
  }

  /** @returns {Promise<CryptoKey>} */
  #load() {
    // The database may have been deleted with its key, and another tab has made both anew.
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
    // Before the transaction, which ends where nothing is asked of it. Most are thrown away.
    const candidate = /** @type {CryptoKey} */ (
      await subtle.generateKey(ALGORITHM, false, ["encrypt", "decrypt"])
    );
    return this.#database.run("readwrite", ["keys"], async (transaction) => {
      const keys = transaction.objectStore("keys");
      const existing = await requested(keys.get(ID));
      // One that scripts could take out, or of another kind, protects nothing: it is replaced, and what was sealed with it
      // reads as missing.
      if (problemOfKey(existing) === undefined) return /** @type {CryptoKey} */ (existing);
      keys.put(candidate, ID);
      return candidate;
    });
  }
}
