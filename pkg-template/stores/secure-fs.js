// File access of a `fileStore`: files are private to the user, symbolic links are not followed, and writes are atomic.

import { constants, lstatSync } from "node:fs";
import * as fs from "node:fs/promises";

import { MAX_BYTES, StoreError, uniqueName, warn } from "./common.js";
import { MODE_OF_FOLDER, makeFolders } from "./file-make.js";

/** @import { StoreWarning } from "graphql-token-manager" */
/** @import { Stats } from "node:fs" */

/** JSON may encode a byte as six. */
const MAX_FILE_BYTES = 6 * MAX_BYTES + 1024;
const MODE_OF_FILE = 0o600;
const BEYOND_OWNER = 0o077;

/** Symbolic links are not followed, and opening a pipe does not block. Windows has neither flag. */
export const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export class Access {
  /** Kinds of warnings that were already reported. @type {Set<string>} */
  #reported = new Set();
  #path;
  #onWarning;

  /**
   * @param {string} path Named in errors and warnings.
   * @param {((warning: StoreWarning) => void) | undefined} onWarning
   */
  constructor(path, onWarning) {
    this.#path = path;
    this.#onWarning = onWarning;
  }

  /**
   * Creates a folder, or checks the owner and the mode of the existing one.
   * @param {string} path
   */
  async makeFolder(path) {
    await makeFolders(path);
    await this.checkFolder(path);
  }

  /**
   * Creates the configured folder, or checks it. A folder that belongs to root is accepted, because root can read
   * every file anyway; its contents are checked separately.
   * @param {string} path
   */
  async makeRoot(path) {
    await makeFolders(path);
    await this.checkRoot(path);
  }

  /** @param {string} path */
  async checkRoot(path) {
    const stats = await fs.lstat(path);
    if (stats.isSymbolicLink()) {
      const target = await fs.realpath(path).catch(() => "the folder itself");
      throw insecure(`the folder is a symbolic link; set \`path\` to where it leads, ${target}`);
    }
    if (!belongsToRoot(stats.uid)) return this.#check(stats, (mode) => fs.chmod(path, mode));
    // With the sticky bit, an entry can be removed only by its owner.
    if ((stats.mode & 0o022) !== 0 && (stats.mode & 0o1000) === 0) this.#reportShared(stats.mode);
  }

  /** @param {string} path */
  async checkFolder(path) {
    await this.#check(await fs.lstat(path), (mode) => fs.chmod(path, mode));
  }

  /**
   * Creates an empty file unless it exists. Returns whether it was created.
   * @param {string} path
   */
  async addEmpty(path) {
    const made = await fs.open(path, "wx", MODE_OF_FILE).catch(unless("EEXIST"));
    await made?.close();
    return made !== undefined;
  }

  /**
   * Creates a file with its content atomically unless it exists. Returns whether it was created.
   * @param {string} path
   * @param {string} temporary
   * @param {string} text
   */
  async add(path, temporary, text) {
    await this.#write(temporary, text, "volatile");
    try {
      return await link(temporary, path);
    } finally {
      await fs.rm(temporary, { force: true });
    }
  }

  /**
   * Creates or replaces a file atomically and durably: after a crash of the machine, it has either the old or the new
   * content.
   * @param {string} path
   * @param {string} temporary
   * @param {string} text
   * @param {string} folder
   * @returns {Promise<Stats>} the new file
   */
  async replace(path, temporary, text, folder) {
    await this.rejectLink(path);
    await this.#write(temporary, text, "durable");
    try {
      const stats = await fs.lstat(temporary);
      await rename(temporary, path);
      await syncFolder(folder);
      return stats;
    } catch (error) {
      await fs.rm(temporary, { force: true });
      throw error;
    }
  }

  /**
   * Reads a file. Returns undefined if it does not exist, and empty text if it is too large.
   * @param {string} path
   */
  read(path) {
    return this.guarded("read a file", async () => {
      // This platform has no flag that prevents following it.
      if (constants.O_NOFOLLOW === undefined) await this.rejectLink(path);
      const file = await fs.open(path, READ);
      try {
        const stats = await file.stat();
        if (!stats.isFile()) throw insecure("an entry of the folder is no file");
        await this.#check(stats, (mode) => file.chmod(mode));
        return stats.size > MAX_FILE_BYTES ? "" : await file.readFile("utf8");
      } finally {
        await file.close();
      }
    });
  }

  /**
   * Runs an operation on the folder. Returns undefined if the file or the folder does not exist.
   * @template T
   * @param {string} what
   * @param {() => Promise<T>} action
   * @returns {Promise<T | undefined>}
   */
  async guarded(what, action) {
    try {
      return await action();
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw this.#failure(what, error);
    }
  }

  /**
   * Runs an operation that requires the folder to exist.
   * @template T
   * @param {string} what
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  async required(what, action) {
    try {
      return await action();
    } catch (error) {
      throw this.#failure(what, error);
    }
  }

  /** @param {string} path */
  async rejectLink(path) {
    const stats = await fs.lstat(path).catch(unless("ENOENT"));
    if (stats?.isSymbolicLink()) throw isLink();
  }

  /**
   * @param {string} path
   * @param {string} text
   * @param {"durable" | "volatile"} how Durable content survives a crash of the machine.
   */
  async #write(path, text, how) {
    const file = await fs.open(path, "wx", MODE_OF_FILE);
    try {
      await file.writeFile(text);
      if (how === "durable") await file.sync();
    } catch (error) {
      await fs.rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
  }

  /**
   * Rejects a symbolic link and a file or folder of another user, and corrects a mode that gives access to others.
   * @param {Stats} stats
   * @param {(mode: number) => Promise<void>} chmod
   */
  async #check(stats, chmod) {
    if (stats.isSymbolicLink()) throw isLink();
    // Windows has no such owners and modes.
    const own = process.getuid?.();
    if (own === undefined || process.platform === "win32") return;
    const what = stats.isDirectory() ? "folder" : "file in the folder";
    if (stats.uid !== own) {
      throw insecure(
        `the ${what} belongs to user ${stats.uid}, and this process runs as user ${own}; run it as that user, change ` +
          "the owner (chown), or set `path` to a folder of this user or of root",
      );
    }
    if ((stats.mode & BEYOND_OWNER) === 0) return;
    const mode = stats.isDirectory() ? MODE_OF_FOLDER : MODE_OF_FILE;
    await chmod(mode);
    this.#report(what, stats.mode & 0o777, mode);
  }

  /** @param {number} mode */
  #reportShared(mode) {
    this.#warnOnce("root", {
      code: "insecure_mode",
      message:
        `fileStore: the folder belongs to root and has mode ${octal(mode & 0o7777)}, so that others may remove or replace ` +
        `the folder of this user in it; they cannot read it. Folder: ${this.#path}`,
    });
  }

  /**
   * @param {string} what
   * @param {number} found
   * @param {number} corrected
   */
  #report(what, found, corrected) {
    this.#warnOnce(what, {
      code: "insecure_mode",
      message:
        `fileStore: a ${what} had mode ${octal(found)}, so that others could use it; it is ${octal(corrected)} now. ` +
        `Replace the credentials if somebody may have read them. Folder: ${this.#path}`,
    });
  }

  /**
   * @param {string} what
   * @param {StoreWarning} warning
   */
  #warnOnce(what, warning) {
    if (this.#reported.has(what)) return;
    this.#reported.add(what);
    warn(this.#onWarning, warning);
  }

  /**
   * @param {string} what
   * @param {unknown} error
   * @returns {StoreError}
   */
  #failure(what, error) {
    if (error instanceof StoreError) return new StoreError(error.code, `${error.message}: ${this.#path}`);
    const code = codeOf(error);
    if (code === "ELOOP") return this.#failure(what, isLink());
    const kind = code === "ENOSPC" || code === "EDQUOT" ? "full" : "unavailable";
    const hint = ["EACCES", "EPERM", "EROFS"].includes(code ?? "") ? permissionHint() : "";
    return new StoreError(
      kind,
      `fileStore cannot ${what} (${code ?? "unknown reason"})${hint}: ${this.#path}`,
    );
  }
}

/** @param {number} mode */
const octal = (mode) => `0${mode.toString(8)}`;

/** Returns advice for a missing write permission. */
function permissionHint() {
  const own = process.getuid?.();
  const who = own === undefined ? "this process" : `this process, which runs as user ${own},`;
  return `; ${who} needs a folder that it may write to: change the owner or the mode, or set \`path\``;
}

/** Returns whether the owner is root and this process is not. @param {number} owner */
export const belongsToRoot = (owner) =>
  owner === 0 && process.platform !== "win32" && (process.getuid?.() ?? 0) !== 0;

/** Returns the owner of a folder, or undefined if it does not exist. @param {string} path */
export function ownerNow(path) {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.uid;
  } catch {
    // The asynchronous operations report the failure.
    return undefined;
  }
}

/** Makes a new name durable across a crash of the machine. Windows has no equivalent. @param {string} path */
async function syncFolder(path) {
  const folder = await fs.open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

/**
 * Creates a hard link unless the name exists. Returns whether it was created.
 * @param {string} from
 * @param {string} to
 */
export async function link(from, to) {
  try {
    await fs.link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // Some file systems, such as those of USB drives, have no hard links.
    if (!["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"].includes(codeOf(error) ?? "")) throw error;
  }
  const copied = await fs.copyFile(from, to, constants.COPYFILE_EXCL).then(() => true, unless("EEXIST"));
  return copied === true;
}

/** Attempts on Windows, where a file that is being read cannot be replaced. */
const MAX_RENAMES = 10;

/**
 * @param {string} from
 * @param {string} to
 */
async function rename(from, to) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await fs.rename(from, to);
    } catch (error) {
      const isBusy = ["EPERM", "EACCES", "EBUSY"].includes(codeOf(error) ?? "");
      if (process.platform !== "win32" || !isBusy || tries === MAX_RENAMES) throw error;
      await new Promise((resolve) => setTimeout(resolve, tries * 5));
    }
  }
}

/**
 * Returns a handler that maps one error code to undefined and rethrows the others.
 * @param {string} expected
 */
function unless(expected) {
  return (/** @type {unknown} */ error) => {
    if (codeOf(error) === expected) return undefined;
    throw error;
  };
}

/**
 * @param {unknown} error
 * @returns {string | undefined}
 */
const codeOf = (error) => /** @type {{ code?: string }} */ (Object(error)).code;

/** @param {string} what */
const insecure = (what) => new StoreError("insecure", `fileStore refuses to work: ${what}`);

const isLink = () => insecure("there is a symbolic link where the folder or a file should be");
