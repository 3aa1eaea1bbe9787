/**
 * Encryption of the values of any store.
 *
 * @packageDocumentation
 */

import type { StoreWarning, TokenStore } from "graphql-token-manager";

/**
 * Encrypts the values of another store with AES-GCM (WebCrypto). Each value is bound to its store key: a value that
 * was moved to another key does not decrypt.
 *
 * A value that does not decrypt, or was never encrypted, is treated as missing, and reported once by a warning. Store
 * keys, times and leases are not encrypted: they contain no secret. Encryption makes a value a third larger.
 *
 * It protects the confidentiality of a value, and its integrity, including its key. It does not protect against an
 * attacker with write access to the store that restores an old value or deletes one: holders then find an older token.
 *
 * To rotate a key, pass the new key first and the old one after it: the first encrypts, all are tried for decryption.
 * Remove the old key when every process has the new one and the last token encrypted with the old one has expired.
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
 * A key: 32 random bytes, the same in base64, or a non-extractable AES-GCM `CryptoKey` with the usages `encrypt` and
 * `decrypt`. Identical bytes, other lengths, and keys of another implementation than the platform's WebCrypto are
 * rejected with `invalid_options`.
 */
export type EncryptionKey = CryptoKey | Uint8Array | string;

/** A store with asynchronous methods, and with those optional methods that the underlying store has. */
export type EncryptedStore<S extends TokenStore> = {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, expiresAt: number, fence?: number): Promise<boolean | void>;
  delete(key: string): Promise<void>;
} & Pick<S, keyof S & ("acquire" | "watch")>;

/** Options of {@link encrypted}. */
export interface EncryptedOptions {
  /**
   * Called once for a value that does not decrypt, with the code `unreadable`.
   *
   * @defaultValue `process.emitWarning`, if the platform has it
   */
  onWarning?: ((warning: StoreWarning) => void) | undefined;
}
