// Detects changes in a folder: by notifications of the system where available, and by polling.

import { statSync, watch } from "node:fs";

import { unref } from "./common.js";

/** @import { FSWatcher, Stats } from "node:fs" */

/** Timestamp granularity in ms: within this time after a change, another one may leave the same modification time. */
const GRAIN_MS = 2_000;

export class FolderWatch {
  #path;
  #pollMs;
  #look;
  /** @type {FSWatcher | undefined} */
  #watcher;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** The inode of the watched folder, which may have been replaced. @type {number | undefined} */
  #inode;
  /** The state of the folder at the last check of all keys, and the time of that check. */
  #looked = { inode: /** @type {number | undefined} */ (undefined), changedAt: 0, at: 0 };

  /**
   * @param {string} path
   * @param {number} pollMs
   * @param {(prefix?: string) => Promise<void>} look Receives the prefix of a changed file's name, or nothing to check
   * all keys.
   */
  constructor(path, pollMs, look) {
    this.#path = path;
    this.#pollMs = pollMs;
    this.#look = look;
  }

  start() {
    this.#open(folderAt(this.#path));
    // Polled in addition to notifications, because folders that a container shares with its host have none.
    this.#timer = setInterval(() => this.#poll(), this.#pollMs);
    unref(this.#timer);
  }

  stop() {
    clearInterval(this.#timer);
    this.#close();
  }

  #poll() {
    const folder = folderAt(this.#path);
    if (this.#watcher === undefined || this.#inode !== folder?.ino) {
      this.#close();
      this.#open(folder);
    }
    const { inode, changedAt, at } = this.#looked;
    // Every change creates or renames a file in the folder. Without one, checking thousands of keys one by one would
    // be wasted.
    const isAsBefore = folder !== undefined && inode === folder.ino && changedAt === folder.mtimeMs;
    if (isAsBefore && at - changedAt > GRAIN_MS) return;
    this.#looked = { inode: folder?.ino, changedAt: folder?.mtimeMs ?? 0, at: Date.now() };
    void this.#look();
  }

  /** @param {Stats | undefined} folder */
  #open(folder) {
    this.#inode = folder?.ino;
    if (folder === undefined) return;
    try {
      const watcher = watch(this.#path, { persistent: false }, (_event, name) => {
        if (name === null) void this.#look();
        else if (name.endsWith(".token")) void this.#look(name.split(".", 1)[0]);
      });
      // The folder was removed, or the system's limit of watchers is reached.
      watcher.on("error", () => this.#close());
      this.#watcher = watcher;
    } catch {
      // The next poll tries again.
    }
  }

  #close() {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

/** @param {string} path */
function folderAt(path) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // The folder is not accessible; the asynchronous operations report that.
    return undefined;
  }
}
