/**
 * Where tokens are shared: what a store is, and how those of this package fail.
 *
 * @packageDocumentation
 */

/**
 * Where tokens are kept for several holders: tabs, processes, machines. The stores of this package are made by
 * `graphql-token-manager/stores/…`; an object of your own with these methods is as good, and `checkStore` of
 * `graphql-token-manager/testing` says whether it is.
 *
 * Any method may throw or reject, with a {@link StoreError} or with anything else: that costs sharing, not tokens.
 * Keys hold no secret; a store may show them.
 */
export interface TokenStore {
  /** What was written last; `undefined` if there is nothing, it has expired, or is no entry. Takes no lock. */
  get(key: string): Promise<string | undefined> | string | undefined;

  /**
   * Replaces the value, until `expiresAt`: milliseconds since the Unix epoch, by this device's clock.
   *
   * With a fence: `false`, and nothing written, when a later lease has written or been granted since. A value of more
   * than 1 MiB is refused.
   */
  set(
    key: string,
    value: string,
    expiresAt: number,
    fence?: number,
  ): Promise<boolean | void> | boolean | void;

  /** Forgets the value, not the fence. */
  delete(key: string): Promise<void> | void;

  /**
   * An exclusive lease, at once; `undefined` when somebody else holds it. Expires by itself after `ttlMs`, also while its
   * holder sleeps.
   */
  acquire?(key: string, ttlMs: number): Promise<Lease | undefined>;

  /**
   * Calls `changed` when another holder changed the key: rather once too often than once too seldom. The manager reads
   * the key after each call. While its token is in use, it also reads the key 60 s after the last read, in case a call was
   * lost.
   *
   * @returns a function that ends it
   */
  watch?(key: string, changed: () => void): () => void;
}

/** A store that can do all of it, and answers with promises, as those of this package. */
export interface SharedStore extends TokenStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, expiresAt: number, fence?: number): Promise<boolean>;
  delete(key: string): Promise<void>;
  acquire(key: string, ttlMs: number): Promise<Lease | undefined>;
  watch(key: string, changed: () => void): () => void;
}

/** The right to write, for a while. */
export interface Lease {
  /** Later leases of a key have higher ones: after a release, a crash, and where the store lost everything. */
  readonly fence: number;
  /** Lets others have it. Harmless where it has expired, and when called again. */
  release(): Promise<void>;
}

/** Why one of this package's stores failed. Holds no value. Told by its `name`, since each store has a copy. */
export interface StoreError extends Error {
  /** The class's name. */
  readonly name: "StoreError";
  /** What to branch on. */
  readonly code: StoreErrorCode;
}

/**
 * What went wrong; the contract of {@link StoreError}.
 *
 * - `invalid_options`: an option or an argument is wrong.
 * - `blocked`: the browser does not let this page use storage.
 * - `full`: there is no room; nothing was written.
 * - `too_large`: the value is larger than 1 MiB; nothing was written.
 * - `insecure`: a symbolic link, or a file of somebody else, lies where the store's own should.
 * - `unsupported`: what the store needs is not there, as WebCrypto in a page without https:.
 * - `unavailable`: it cannot be reached, or failed.
 */
export type StoreErrorCode =
  "invalid_options" | "blocked" | "full" | "too_large" | "insecure" | "unsupported" | "unavailable";

/** Something about a store to look into; it works all the same. */
export interface StoreWarning {
  /** A file or a folder that others could use, which was corrected; a value that does not open. */
  readonly code: "insecure_mode" | "unreadable";
  /** For people. */
  readonly message: string;
}
