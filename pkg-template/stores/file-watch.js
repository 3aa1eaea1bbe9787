// Notices changes in a folder: at once where the system tells, else by looking again and again.

import { statSync, watch } from "node:fs";

import { unref } from "./common.js";

/** @import { FSWatcher, Stats } from "node:fs" */

/** Within so long of its last change, a folder may change again and show the same time. */
const GRAIN_MS = 2_000;

export class FolderWatch {
  #path;
  #pollMs;
  #look;
  /** @type {FSWatcher | undefined} */
  #watcher;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** Which folder is watched: it may have been replaced. @type {number | undefined} */
  #inode;
  /** How the folder was when all was looked at, and when that was. */
  #looked = { inode: /** @type {number | undefined} */ (undefined), changedAt: 0, at: 0 };

  /**
   * @param {string} path
   * @param {number} pollMs
   * @param {(prefix?: string) => Promise<void>} look Called with what a changed file's name starts with, or without for all.
   */
  constructor(path, pollMs, look) {
    this.#path = path;
    this.#pollMs = pollMs;
    this.#look = look;
  }

  start() {
    this.#open(folderAt(this.#path));
    // Also beside the system's notices: folders that a container shares with its host have none.
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
    // Every change makes or renames a file, and each is looked at by itself: thousands of them, mostly for nothing.
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
      // The folder is gone, or there are too many watchers.
      watcher.on("error", () => this.#close());
      this.#watcher = watcher;
    } catch {
      // Polling goes on, and tries again.
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
    // It may not be looked at any more; every other method says so.
    return undefined;
  }
}
