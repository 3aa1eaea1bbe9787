/**
 * A store in a folder that the processes of one machine share: Node, Deno, Bun.
 *
 * @packageDocumentation
 */

import type { StoreWarning, SharedStore } from "graphql-token-manager";

/**
 * Shares tokens between the processes of one machine, by files in a folder.
 *
 * - The folder is made with mode 0700, its files with 0600; a wider mode is corrected and reported. Symbolic links,
 *   and files of other users, are refused: `insecure`.
 * - A folder that belongs to root, as the volumes of containers do (mode 2777, say), is used as it is, by a folder
 *   `user-<uid>` inside it that only this user can use; no name of the user is needed. A folder of any other user, or a
 *   `path` that is a symbolic link, is refused, and the error says what to set.
 * - Entries are replaced at once or not at all, and are on the disk when `set` resolves.
 * - A lease is freed when its process ends, however it ends, where that can be known: on one machine, and in one
 *   container. Elsewhere, when its time is over.
 * - What is no entry reads as missing.
 *
 * On Windows there are no such modes: protect the folder by its access list. The disk may hold a renamed file late
 * there after a power failure. Folders on network file systems are not for this store: use Redis.
 *
 * Deno needs `--allow-read` and `--allow-write` for the folder; without reading `/proc`, `--allow-sys` and
 * `--allow-run`, the lease of a process that crashed lasts for its time.
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
  /** The folder. Made if it is not there; for nothing else but this store. */
  path: string;
  /**
   * How often to look for changes, beside the system's own notices, which not every folder has.
   *
   * @defaultValue 5000 ms
   */
  pollMs?: number | undefined;
  /**
   * Told once of a mode that was too wide, or of a folder of root in which others may remove entries: `insecure_mode`.
   *
   * @defaultValue `process.emitWarning`
   */
  onWarning?: ((warning: StoreWarning) => void) | undefined;
}
