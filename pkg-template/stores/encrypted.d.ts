/**
 * Any store, whose values only those can read who have the key.
 *
 * @packageDocumentation
 */

import type { StoreWarning, TokenStore } from "graphql-token-manager";

/**
 * Seals the values of another store with AES-GCM (WebCrypto), each bound to its store key: a value that was moved to
 * another key does not open.
 *
 * A value that does not open, or was never sealed, reads as missing, and a warning says so once. Store keys, times and
 * leases are not hidden: they hold no secret. Sealing adds a third to a value's size.
 *
 * It protects what a value says, and that it is not changed or moved to another key. It does not protect from somebody who
 * can write to the store and puts an old value back, or deletes one: holders then find a token that is older than the last.
 *
 * To replace a key, give the new one first and the old one behind it: the first seals, each opens. Take the old one out
 * when every process has the new one and the last token sealed with the old one has expired.
 *
 * @example
 * ```ts
 * import { encrypted } from "graphql-token-manager/stores/encrypted";
 * import { fileStore } from "graphql-token-manager/stores/file";
 *
 * // 32 random bytes in base64, as `openssl rand -base64 32` prints them.
 * const key: string = process.env.TOKEN_KEY!;
 * const store = encrypted(fileStore({ path: "/var/lib/my-service/tokens" }), key);
 * ```
 */
export function encrypted<S extends TokenStore>(
  store: S,
  key: EncryptionKey | readonly EncryptionKey[],
  options?: EncryptedOptions,
): EncryptedStore<S>;

/**
 * A key: 32 random bytes, the same in base64, or a `CryptoKey` of AES-GCM that may encrypt and decrypt, and is not
 * extractable. Bytes that are all the same, other lengths, and keys of another implementation than the platform's WebCrypto
 * are refused with `invalid_options`.
 */
export type EncryptionKey = CryptoKey | Uint8Array | string;

/** A store of promises, which can what the store below can. */
export type EncryptedStore<S extends TokenStore> = {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, expiresAt: number, fence?: number): Promise<boolean | void>;
  delete(key: string): Promise<void>;
} & Pick<S, keyof S & ("acquire" | "watch")>;

/** Options of {@link encrypted}. */
export interface EncryptedOptions {
  /**
   * Told once of a value that does not open: `unreadable`.
   *
   * @defaultValue `process.emitWarning`, where there is one
   */
  onWarning?: ((warning: StoreWarning) => void) | undefined;
}
