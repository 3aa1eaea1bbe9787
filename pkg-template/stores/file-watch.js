// Notices changes in a folder: at once where the system tells, else by looking again and again.

import { statSync, watch } from "node:fs";

import { unref } from "./common.js";

/** @import { FSWatcher } from "node:fs" */
/** @import { Folder } from "./file-folder.js" */

export class FolderWatch {
  #folder;
  #pollMs;
  #look;
  /** @type {FSWatcher | undefined} */
  #watcher;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** Which folder is watched: it may have been replaced. @type {number | undefined} */
  #inode;

  /**
   * @param {Folder} folder
   * @param {number} pollMs
   * @param {(prefix: string) => Promise<void>} look Called with what a changed file's name starts with; empty for all.
   */
  constructor(folder, pollMs, look) {
    this.#folder = folder;
    this.#pollMs = pollMs;
    this.#look = look;
  }

  start() {
    if (this.#timer !== undefined) return;
    this.#open();
    // Also beside the system's notices: folders that a container shares with its host have none.
    this.#timer = setInterval(() => this.#poll(), this.#pollMs);
    unref(this.#timer);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#close();
  }

  #poll() {
    if (this.#watcher === undefined || this.#inode !== inodeOf(this.#folder.path)) {
      this.#close();
      this.#open();
    }
    void this.#look("");
  }

  #open() {
    this.#inode = inodeOf(this.#folder.path);
    if (this.#inode === undefined) return;
    try {
      const watcher = watch(this.#folder.path, { persistent: false }, (_event, name) => {
        if (name === null) void this.#look("");
        else if (name.endsWith(".token")) void this.#look(name.split(".", 1)[0] ?? "");
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
function inodeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
