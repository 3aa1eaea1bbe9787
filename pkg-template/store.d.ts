/**
 * Token stores: the interface, and the errors of the stores in this package.
 *
 * @packageDocumentation
 */

/**
 * A store that shares tokens between several holders: tabs, processes or machines. The stores of this package are
 * created by `graphql-token-manager/stores/…`. Any other object with these methods works as well; `checkStore` of
 * `graphql-token-manager/testing` verifies its behaviour.
 *
 * Each method may throw or reject, with a {@link StoreError} or any other value: the token is then not shared, but
 * still available. Keys contain no secret; a store may display them.
 */
export interface TokenStore {
  /**
   * Returns the last value written, or `undefined` if there is none, it has expired, or the content is not a valid
   * entry. Takes no lock.
   */
  get(key: string): Promise<string | undefined> | string | undefined;

  /**
   * Replaces the value until `expiresAt`, in milliseconds since the Unix epoch, by this device's clock.
   *
   * With a fence: returns `false` and writes nothing if a later lease has been granted or has written since. A value
   * of more than 1 MiB is rejected.
   */
  set(
    key: string,
    value: string,
    expiresAt: number,
    fence?: number,
  ): Promise<boolean | void> | boolean | void;

  /** Removes the value, but not the fence. */
  delete(key: string): Promise<void> | void;

  /**
   * Acquires an exclusive lease without waiting; returns `undefined` if another holder has it. It expires after
   * `ttlMs`, even if its holder is suspended.
   */
  acquire?(key: string, ttlMs: number): Promise<Lease | undefined>;

  /**
   * Calls `changed` when another holder changed the key. An unnecessary call is harmless, a missing one is not. The
   * manager reads the key after each call. While its token is in use, it also reads the key 60 s after the last read,
   * in case a call was lost.
   *
   * @returns a function that removes the watcher
   */
  watch?(key: string, changed: () => void): () => void;
}

/** A store with all methods, each of which returns a promise, like those of this package. */
export interface SharedStore extends TokenStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, expiresAt: number, fence?: number): Promise<boolean>;
  delete(key: string): Promise<void>;
  acquire(key: string, ttlMs: number): Promise<Lease | undefined>;
  watch(key: string, changed: () => void): () => void;
}

/** The exclusive right to renew a stored token, for a limited time. */
export interface Lease {
  /** Higher for each later lease of a key, even after a release, a crash, or the loss of all data. */
  readonly fence: number;
  /** Releases the lease. Has no effect if it has expired or was released before. */
  release(): Promise<void>;
}

/**
 * The error of a store of this package. Contains no value. Identify it by its `name`, because each store has a copy of
 * the class.
 */
export interface StoreError extends Error {
  /** The name of the class. */
  readonly name: "StoreError";
  /** The stable identifier of the failure. */
  readonly code: StoreErrorCode;
}

/**
 * Error codes of {@link StoreError}. They are stable.
 *
 * - `invalid_options`: an option or an argument is invalid.
 * - `blocked`: the browser does not let this page use storage.
 * - `full`: no space is left; nothing was written.
 * - `too_large`: the value is larger than 1 MiB; nothing was written.
 * - `insecure`: a symbolic link, or a file of another user, is in the place of the store's own.
 * - `unsupported`: the platform lacks a required feature, such as WebCrypto in a page without https:.
 * - `unavailable`: the store cannot be reached, or failed.
 */
export type StoreErrorCode =
  "invalid_options" | "blocked" | "full" | "too_large" | "insecure" | "unsupported" | "unavailable";

/** A problem of a store that does not prevent its use. */
export interface StoreWarning {
  /**
   * `insecure_mode`: other users had access to a file or a folder, which was corrected, or can remove entries of a
   * folder of root. `unreadable`: a value does not decrypt.
   */
  readonly code: "insecure_mode" | "unreadable";
  /** A description for humans. */
  readonly message: string;
}
