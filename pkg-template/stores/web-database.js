// An IndexedDB database that is reopened if it is deleted or its connection is closed.

import { StoreError } from "./common.js";

/** Incremented when the tables change; older pages then close their connection. */
const VERSION = 1;
const TABLES = ["tokens", "leases", "keys"];
/**
 * Attempts at a transaction, because the connection may close between opening and use. Three closures in a row are not
 * a coincidence.
 */
const MAX_TRIES = 3;

export class Database {
  #name;
  /** @type {Promise<IDBDatabase> | undefined} */
  #opening;

  /** @param {string} name */
  constructor(name) {
    this.#name = name;
  }

  /** Number of connections so far. After a new one, values read before may be from a database that was deleted. */
  connections = 0;

  /**
   * Runs a transaction. Resolves when it is committed.
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {string[]} tables
   * @param {(transaction: IDBTransaction) => Promise<T>} action Must await requests of the transaction only.
   * @returns {Promise<T>}
   */
  async run(mode, tables, action) {
    for (let tries = 1; ; tries += 1) {
      try {
        const database = await (this.#opening ??= this.#open());
        return await complete(database.transaction(tables, mode), action);
      } catch (error) {
        // The connection is closing, or was closed during the transaction.
        if (!["InvalidStateError", "AbortError"].includes(nameOf(error)) || tries === MAX_TRIES) {
          throw this.#failure(error);
        }
        await this.#forget();
      }
    }
  }

  async #forget() {
    const opening = this.#opening;
    this.#opening = undefined;
    (await opening?.catch(() => undefined))?.close();
  }

  /** @returns {Promise<IDBDatabase>} */
  #open() {
    const opening = new Promise((resolve, reject) => {
      const request = indexedDB.open(this.#name, VERSION);
      request.onupgradeneeded = () => {
        for (const table of TABLES) request.result.createObjectStore(table);
      };
      request.onblocked = () => reject(blocked());
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const database = request.result;
        const forget = () => {
          if (this.#opening === opening) this.#opening = undefined;
        };
        // The database is being deleted, or a later version of this package changes its tables.
        database.onversionchange = () => {
          forget();
          database.close();
        };
        // The site's data was cleared, or the disk failed.
        database.onclose = forget;
        this.connections += 1;
        resolve(database);
      };
    });
    // The next call opens it again.
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    return opening;
  }

  /** @param {unknown} error */
  #failure(error) {
    if (error instanceof StoreError) return error;
    const name = nameOf(error);
    const of = `the database ${JSON.stringify(this.#name)}`;
    if (name === "QuotaExceededError")
      return new StoreError("full", `${of} is full (${name}); nothing was written`);
    if (name === "SecurityError" || name === "ReferenceError") {
      return new StoreError("blocked", `the browser does not let this page use IndexedDB (${name})`);
    }
    if (name === "VersionError" || name === "NotFoundError") {
      return new StoreError(
        "unavailable",
        `${of} is not one that this version made; give \`name\` another name`,
      );
    }
    return new StoreError("unavailable", `${of} failed (${name})`);
  }
}

/**
 * Returns the result of a request.
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
export function requested(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @template T
 * @param {IDBTransaction} transaction
 * @param {(transaction: IDBTransaction) => Promise<T>} action
 * @returns {Promise<T>}
 */
async function complete(transaction, action) {
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error ?? new DOMException("", "AbortError"));
  });
  // A failure also rejects the action, so this rejection may have no handler.
  done.catch(() => {});
  try {
    const result = await action(transaction);
    await done;
    return result;
  } catch (error) {
    try {
      transaction.abort();
    } catch {
      // The transaction has already ended.
    }
    // The transaction's own error has the cause, such as a full disk.
    throw transaction.error ?? error;
  }
}

const blocked = () =>
  new StoreError("unavailable", "another tab has an older version of the database open; close that tab");

/** @param {unknown} error */
const nameOf = (error) => `${/** @type {{ name?: string }} */ (Object(error)).name}`;
