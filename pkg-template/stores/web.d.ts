/**
 * Stores that the tabs and workers of one origin share.
 *
 * @packageDocumentation
 */

import type { SharedStore } from "graphql-token-manager";

/**
 * Shares tokens by `localStorage`, or keeps them over a reload by `sessionStorage`.
 *
 * Best effort: browsers copy what one tab writes to the others when they find the time. Prefer {@link indexedDbStore},
 * which knows no such delay and can encrypt: every script of the page reads `localStorage` as it is.
 *
 * Leases are Web Locks, freed when the tab is closed or crashes, and taken away from a tab that hangs or is frozen 7 to
 * 10 s after that. Where there are no locks (pages without https:), a lease is
 * a record, which two tabs may rarely both believe to have; the fence then decides whose token is kept.
 *
 * @param storage `localStorage`, `sessionStorage`, or a function that returns one: a page that may not use storage
 * fails where it says `localStorage`, and with a function this is a `blocked` error of the store.
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
   * What all items start with.
   *
   * @defaultValue `"graphql-token-manager:"`
   */
  prefix?: string | undefined;
}

/**
 * Shares tokens between the tabs and workers of an origin by IndexedDB.
 *
 * Each step is one transaction. Leases are Web Locks, freed when the tab is closed or crashes, and taken away from a tab
 * that hangs or is frozen 7 to 10 s after that; where there are none
 * (pages without https:), records that expire. A `BroadcastChannel` says *that* a key changed, never what it is now. A
 * database that is deleted, or whose connection ends, is opened again.
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
   * The name of the database; for nothing else but this store.
   *
   * @defaultValue `"graphql-token-manager"`
   */
  name?: string | undefined;
  /**
   * Seals values with AES-GCM, each bound to its store key, under a key that is kept in the database and that no script
   * can take out of the browser. A script of the page can still use it while the page is open, put another key in its
   * place, or put an old value back. A key in the database that is extractable is replaced. Needs https: or
   * localhost; elsewhere the store fails with `unsupported` rather than write what can be read.
   *
   * @defaultValue `false`
   */
  encrypt?: boolean | undefined;
}
