/**
 * Stores that the tabs and workers of one origin share.
 *
 * @packageDocumentation
 */

import type { SharedStore } from "graphql-token-manager";

/**
 * Shares tokens between tabs through `localStorage`, or keeps them across a reload in `sessionStorage`.
 *
 * Best effort: browsers propagate writes to other tabs with a delay. Prefer {@link indexedDbStore}, which has no such
 * delay and supports encryption: every script of the page can read `localStorage` in clear text.
 *
 * Leases are Web Locks, which are released when the tab is closed or crashes, and taken away 7 to 10 s after it hangs
 * or is frozen. Without locks (pages without https:), a lease is a record that two tabs may, in rare cases,
 * both acquire; the fence then decides which token is kept.
 *
 * @param storage `localStorage`, `sessionStorage`, or a function that returns one. In a page without permission to use
 * storage, the expression `localStorage` itself throws; with a function, that is a `blocked` error of the store.
 *
 * @example
 * ```ts
 * import { webStorageStore } from "graphql-token-manager/stores/web";
 *
 * const store = webStorageStore(() => localStorage);
 * ```
 */
export function webStorageStore(storage: Storage | (() => Storage), options?: WebStorageOptions): SharedStore;

/** Options of {@link webStorageStore}. */
export interface WebStorageOptions {
  /**
   * Prefix of all items.
   *
   * @defaultValue `"graphql-token-manager:"`
   */
  prefix?: string | undefined;
}

/**
 * Shares tokens between the tabs and workers of an origin through IndexedDB.
 *
 * Each operation is one transaction. Leases are Web Locks, which are released when the tab is closed or crashes, and
 * taken away 7 to 10 s after it hangs or is frozen; without locks (pages without https:), they are records that
 * expire. A `BroadcastChannel` announces *that* a key changed, without its value. A database that is deleted, or
 * whose connection is closed, is opened again.
 *
 * @example
 * ```ts
 * import { indexedDbStore } from "graphql-token-manager/stores/web";
 *
 * const store = indexedDbStore({ name: "tokens", encrypt: true });
 * ```
 */
export function indexedDbStore(options?: IndexedDbOptions): SharedStore;

/** Options of {@link indexedDbStore}. */
export interface IndexedDbOptions {
  /**
   * The name of the database, which must not be used for anything else.
   *
   * @defaultValue `"graphql-token-manager"`
   */
  name?: string | undefined;
  /**
   * Encrypts values with AES-GCM, each bound to its store key. The encryption key is kept in the database and cannot
   * be extracted by scripts. A script of the page can still use it while the page is open, replace it, or restore an
   * old value. An extractable key in the database is replaced. Requires https: or localhost; elsewhere the store fails
   * with `unsupported` instead of writing values in clear text.
   *
   * @defaultValue `false`
   */
  encrypt?: boolean | undefined;
}
