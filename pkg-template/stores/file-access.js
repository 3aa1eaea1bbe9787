// How a `fileStore` touches files: nobody else may use them, links are not followed, and each is there whole or not at all.

import { constants, lstatSync } from "node:fs";
import * as fs from "node:fs/promises";

import { MAX_BYTES, StoreError, uniqueName, warn } from "./common.js";
import { MODE_OF_FOLDER, makeFolders } from "./file-make.js";

/** @import { StoreWarning } from "graphql-token-manager" */
/** @import { Stats } from "node:fs" */

/** JSON may write a byte as six. */
const MAX_FILE_BYTES = 6 * MAX_BYTES + 1024;
const MODE_OF_FILE = 0o600;
const BEYOND_OWNER = 0o077;

/** Links are not followed, and a pipe is not waited for. Windows knows neither flag. */
export const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export class Access {
  /** What was reported already. @type {Set<string>} */
  #reported = new Set();
  #path;
  #onWarning;

  /**
   * @param {string} path What errors and warnings name.
   * @param {((warning: StoreWarning) => void) | undefined} onWarning
   */
  constructor(path, onWarning) {
    this.#path = path;
    this.#onWarning = onWarning;
  }

  /**
   * Makes a folder, or sees to it that it is one of ours.
   * @param {string} path
   */
  async makeFolder(path) {
    await makeFolders(path);
    await this.checkFolder(path);
  }

  /**
   * Makes the folder that was given, or checks it. One that belongs to root is accepted, because root may read everything
   * in any case; what lies in it is checked by itself.
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
    // With the sticky bit, only the owner of an entry may remove it.
    if ((stats.mode & 0o022) !== 0 && (stats.mode & 0o1000) === 0) this.#reportShared(stats.mode);
  }

  /** @param {string} path */
  async checkFolder(path) {
    await this.#check(await fs.lstat(path), (mode) => fs.chmod(path, mode));
  }

  /**
   * Makes an empty file, unless there is one; says whether it did.
   * @param {string} path
   */
  async addEmpty(path) {
    const made = await fs.open(path, "wx", MODE_OF_FILE).catch(unless("EEXIST"));
    await made?.close();
    return made !== undefined;
  }

  /**
   * Makes a file with its content at once, unless there is one; says whether it did.
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
   * Replaces a file, or makes it, with its content at once; a crash of the machine leaves the old one or the new.
   * @param {string} path
   * @param {string} temporary
   * @param {string} text
   * @param {string} folder
   * @returns {Promise<Stats>} the file it became
   */
  async replace(path, temporary, text, folder) {
    await this.refuseLink(path);
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
   * The content of a file; undefined if it is not there, and nothing in it if it is too large.
   * @param {string} path
   */
  read(path) {
    return this.doing("read a file", async () => {
      // Where the system cannot refuse to follow it.
      if (constants.O_NOFOLLOW === undefined) await this.refuseLink(path);
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
   * Does something with the folder; undefined where a file, or the folder, is not there.
   * @template T
   * @param {string} what
   * @param {() => Promise<T>} action
   * @returns {Promise<T | undefined>}
   */
  async doing(what, action) {
    try {
      return await action();
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw this.#failure(what, error);
    }
  }

  /**
   * Does something with the folder, which cannot do without it.
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
  async refuseLink(path) {
    const stats = await fs.lstat(path).catch(unless("ENOENT"));
    if (stats?.isSymbolicLink()) throw isLink();
  }

  /**
   * @param {string} path
   * @param {string} text
   * @param {"durable" | "volatile"} how Whether it must survive a crash of the machine.
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
   * Refuses what is not ours alone, and corrects its mode.
   * @param {Stats} stats
   * @param {(mode: number) => Promise<void>} chmod
   */
  async #check(stats, chmod) {
    if (stats.isSymbolicLink()) throw isLink();
    // Windows has neither owners nor modes of this kind.
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

/** What to do where this process may not write. */
function permissionHint() {
  const own = process.getuid?.();
  const who = own === undefined ? "this process" : `this process, which runs as user ${own},`;
  return `; ${who} needs a folder that it may write to: change the owner or the mode, or set \`path\``;
}

/** Whether an owner is root, and this process is not. @param {number} owner */
export const belongsToRoot = (owner) =>
  owner === 0 && process.platform !== "win32" && (process.getuid?.() ?? 0) !== 0;

/** The owner of a folder; undefined if it is not there. @param {string} path */
export function ownerNow(path) {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.uid;
  } catch {
    // Every other method says so.
    return undefined;
  }
}

/** Lets a new name survive a crash of the machine. Windows has no such thing. @param {string} path */
async function syncFolder(path) {
  const folder = await fs.open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

/**
 * Gives a file a second name, unless that is taken; says whether it did.
 * @param {string} from
 * @param {string} to
 */
export async function link(from, to) {
  try {
    await fs.link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // Some file systems, as that of USB sticks, know one name for each file.
    if (!["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"].includes(codeOf(error) ?? "")) throw error;
  }
  const copied = await fs.copyFile(from, to, constants.COPYFILE_EXCL).then(() => true, unless("EEXIST"));
  return copied === true;
}

/** How often Windows is asked again: it renames nothing over a file that somebody reads just now. */
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
 * Takes one failure for no answer.
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
