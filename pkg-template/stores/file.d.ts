/**
 * A store in a folder that the processes of one machine share, for Node, Deno and Bun.
 *
 * @packageDocumentation
 */

import type { StoreWarning, SharedStore } from "graphql-token-manager";

/**
 * Shares tokens between the processes of one machine, in files of a folder.
 *
 * - The folder is created with mode 0700, its files with 0600; a less restrictive mode is corrected and reported.
 *   Symbolic links and files of other users are rejected: `insecure`.
 * - If the folder belongs to root, as container volumes do (for example with mode 2777), it is not changed; the store
 *   uses a subfolder `user-<uid>` that only this user can access. The user needs no name. A folder of any other user,
 *   and a `path` that is a symbolic link, are rejected with an error that contains the remedy.
 * - Entries are replaced atomically, and are on the disk when `set` resolves.
 * - A lease is released when its process ends, in any way, where that can be detected: on one machine, and in one
 *   container. Elsewhere, it ends at its time.
 * - A file that is not a valid entry is treated as missing.
 *
 * Windows has no such modes: restrict access to the folder by its access control list. After a power failure on
 * Windows, a recently renamed file may be lost. Network file systems are not supported: use Redis.
 *
 * Deno needs `--allow-read` and `--allow-write` for the folder. Without permission to read `/proc`, `--allow-sys` and
 * `--allow-run`, the lease of a crashed process lasts until its time.
 *
 * @example
 * ```ts
 * import { fileStore } from "graphql-token-manager/stores/file";
 *
 * const store = fileStore({ path: "/var/lib/my-service/tokens" });
 * ```
 */
export function fileStore(options: FileStoreOptions): SharedStore;

/** Options of {@link fileStore}. */
export interface FileStoreOptions {
  /** The folder, which is created if it does not exist. It must not be used for anything else. */
  path: string;
  /**
   * Interval at which changes are polled, in addition to the notifications of the system, which some folders do not
   * have.
   *
   * @defaultValue 5000 ms
   */
  pollMs?: number | undefined;
  /**
   * Called once for a mode that was too permissive, or for a folder of root in which other users may remove entries,
   * with the code `insecure_mode`.
   *
   * @defaultValue `process.emitWarning`
   */
  onWarning?: ((warning: StoreWarning) => void) | undefined;
}
