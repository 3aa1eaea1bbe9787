// The files of a `fileStore`, each of mode 0600: how they are named, made and read.
//
// `<hash of the key>.<number>.token` is an entry, `….lease` says who holds the lease of that number, `….tmp` is not
// finished. `epoch` is empty: its time is where numbers start, so that they grow where the folder was emptied.

import { createHash } from "node:crypto";
import { constants, readdirSync, readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { join, resolve } from "node:path";

import { isSmall, MAX_BYTES, StoreError, uniqueName, warn } from "./common.js";

/** @import { StoreWarning } from "graphql-token-manager" */
/** @import { Stats } from "node:fs" */
/** @import { Holder } from "./file-process.js" */

/** @typedef {{ value: string | undefined, expiresAt: number, stamp: string }} Entry */
/** @typedef {Holder & { until: number, ttlMs: number }} LeaseRecord */
/**
 * The highest numbers of a key's entries and leases, 0 where there are none, and of both; the names of all its files.
 *
 * @typedef {{ value: number, lease: number, last: number, names: string[] }} Listing
 */

/** The format of the files; another one is not read. */
const VERSION = 1;
/** JSON may write a byte as six. */
const MAX_FILE_BYTES = 6 * MAX_BYTES + 1024;
/** What was begun so long ago is not finished any more. */
const MAX_WRITE_MS = 60_000;
/** After this, the clock of any file system has moved on: a folder made anew has a later epoch. */
const TICK_MS = 10;
/** An entry whose file was replaced between listing and reading is looked for again: each time, a lease was taken. */
const MAX_TRIES = 20;
const MODE_OF_FOLDER = 0o700;
const MODE_OF_FILE = 0o600;
const BEYOND_OWNER = 0o077;

/** Links are not followed, and a pipe is not waited for. Windows knows neither flag. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export class Folder {
  /** What was reported already. @type {Set<string>} */
  #reported = new Set();

  /**
   * @param {string} path
   * @param {((warning: StoreWarning) => void) | undefined} onWarning
   */
  constructor(path, onWarning) {
    // A process may change its folder later.
    this.path = resolve(path);
    this.#onWarning = onWarning;
  }

  #onWarning;

  /**
   * What the names of a key's files start with.
   * @param {string} key
   */
  prefix(key) {
    // In hex: some file systems do not tell capitals apart.
    return createHash("sha256").update(key).digest("hex");
  }

  /** Makes the folder, or sees to it that it is one of ours. */
  async make() {
    await this.#doing("make the folder", async () => {
      await fs.mkdir(this.path, { recursive: true, mode: MODE_OF_FOLDER });
      await this.#check(await fs.lstat(this.path), (mode) => fs.chmod(this.path, mode));
    });
  }

  /**
   * @param {string} key
   * @returns {Promise<Listing>}
   */
  async list(key) {
    const all = await this.#doing("list the folder", async () => {
      await this.#check(await fs.lstat(this.path), (mode) => fs.chmod(this.path, mode));
      return fs.readdir(this.path);
    });
    return listing(all ?? [], this.prefix(key));
  }

  /**
   * The entry that counts; undefined if there is none, or it is not readable.
   * @param {string} key
   * @returns {Promise<Entry | undefined>}
   */
  async newest(key) {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { value: number } = await this.list(key);
      if (number === 0) return undefined;
      const text = await this.#read(this.#file(key, number, "token"));
      if (text !== undefined) return parseEntry(text);
    }
    return undefined;
  }

  /**
   * The stamp of the entry that counts, at once.
   * @param {string} key
   */
  stampNow(key) {
    try {
      const { value } = listing(readdirSync(this.path), this.prefix(key));
      if (value === 0) return undefined;
      const file = this.#file(key, value, "token");
      return parseEntry(readFileSync(file, { encoding: "utf8", flag: /** @type {any} */ (READ) }))?.stamp;
    } catch {
      return undefined;
    }
  }

  /**
   * Replaces an entry, or makes it.
   * @param {string} key
   * @param {number} number
   * @param {Entry} entry
   * @returns {Promise<Stats>} the file it became
   */
  async put(key, number, entry) {
    const file = this.#file(key, number, "token");
    const text = JSON.stringify({ version: VERSION, key, ...entry });
    return this.#required("write an entry", async () => {
      await this.#refuseLink(file);
      const temporary = await this.#temporary(key, text, "durable");
      try {
        const stats = await fs.lstat(temporary);
        await rename(temporary, file);
        await this.#syncFolder();
        return stats;
      } catch (error) {
        await fs.rm(temporary, { force: true });
        throw error;
      }
    });
  }

  /**
   * Whether an entry is a certain file, by whatever name.
   * @param {string} key
   * @param {number} number
   * @param {Stats} file
   */
  async isSame(key, number, file) {
    const stats = await this.#doing("look at an entry", () => fs.lstat(this.#file(key, number, "token")));
    return stats !== undefined && stats.ino === file.ino && stats.dev === file.dev;
  }

  /**
   * Makes an entry of `to` what that of `from` is, so that the latter may change unseen; an empty one, if it is 0.
   * Says whether there was no such entry before.
   * @param {string} key
   * @param {number} from
   * @param {number} to
   */
  async carryOver(key, from, to) {
    const target = this.#file(key, to, "token");
    const source = this.#file(key, from, "token");
    if (from === 0) {
      const empty = { value: undefined, expiresAt: 0, stamp: "" };
      return this.#add(target, key, JSON.stringify({ version: VERSION, key, ...empty }));
    }
    return this.#required("write an entry", async () => {
      await this.#refuseLink(source);
      return link(source, target);
    });
  }

  /**
   * Makes the lease of a number, unless there is one.
   * @param {string} key
   * @param {number} number
   * @param {LeaseRecord} lease
   */
  addLease(key, number, lease) {
    return this.#add(this.#file(key, number, "lease"), key, JSON.stringify({ version: VERSION, ...lease }));
  }

  /**
   * @param {string} key
   * @param {number} number
   * @returns {Promise<LeaseRecord | undefined>}
   */
  async lease(key, number) {
    const text = await this.#read(this.#file(key, number, "lease"));
    const lease = parse(text);
    return typeof lease?.until === "number" && typeof lease.ttlMs === "number" ? lease : undefined;
  }

  /**
   * @param {string} key
   * @param {number} number
   */
  async removeLease(key, number) {
    await this.#doing("release a lease", () => fs.rm(this.#file(key, number, "lease"), { force: true }));
  }

  /**
   * Removes what is older than a number, and what nobody will finish.
   * @param {string} key
   * @param {number} number
   */
  async removeBelow(key, number) {
    const prefix = this.prefix(key);
    const { names } = await this.list(key);
    for (const name of names) {
      const path = join(this.path, name);
      const isOld = name.endsWith(".tmp") ? await isAbandoned(path) : numberOf(name, prefix) < number;
      // Whoever cannot remove it leaves it to the next.
      if (isOld) await fs.rm(path, { force: true }).catch(() => {});
    }
  }

  /** Where the numbers of this folder start: the same for all, and later where it was emptied. */
  async epoch() {
    return this.#required("write a file", async () => {
      const path = join(this.path, "epoch");
      const made = await fs.open(path, "wx", MODE_OF_FILE).catch(unless("EEXIST"));
      if (made !== undefined) {
        await made.close();
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      }
      return Math.floor((await fs.lstat(path)).mtimeMs);
    });
  }

  /**
   * @param {string} key
   * @param {number} number
   * @param {"token" | "lease"} kind
   */
  #file(key, number, kind) {
    return join(this.path, `${this.prefix(key)}.${number}.${kind}`);
  }

  /**
   * Makes a file with its content at once, unless there is one.
   * @param {string} path
   * @param {string} key
   * @param {string} text
   */
  #add(path, key, text) {
    return this.#required("write a file", async () => {
      const temporary = await this.#temporary(key, text, "volatile");
      try {
        return await link(temporary, path);
      } finally {
        await fs.rm(temporary, { force: true });
      }
    });
  }

  /**
   * @param {string} key
   * @param {string} text
   * @param {"durable" | "volatile"} how Whether it must survive a crash of the machine.
   */
  async #temporary(key, text, how) {
    const path = join(this.path, `${this.prefix(key)}.${uniqueName()}.tmp`);
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
    return path;
  }

  /**
   * The content of a file; undefined if it is not there, and nothing in it if it is too large.
   * @param {string} path
   */
  #read(path) {
    return this.#doing("read a file", async () => {
      // Where the system cannot refuse to follow it.
      if (constants.O_NOFOLLOW === undefined) await this.#refuseLink(path);
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

  /** Lets a new name survive a crash of the machine. Windows has no such thing. */
  async #syncFolder() {
    const folder = await fs.open(this.path, "r").catch(() => undefined);
    await folder?.sync().catch(() => {});
    await folder?.close();
  }

  /** @param {string} path */
  async #refuseLink(path) {
    const stats = await fs.lstat(path).catch(unless("ENOENT"));
    if (stats?.isSymbolicLink()) throw isLink();
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
    if (stats.uid !== own) throw insecure(`the ${what} belongs to somebody else`);
    if ((stats.mode & BEYOND_OWNER) === 0) return;
    const mode = stats.isDirectory() ? MODE_OF_FOLDER : MODE_OF_FILE;
    await chmod(mode);
    this.#report(what, stats.mode & 0o777, mode);
  }

  /**
   * @param {string} what
   * @param {number} found
   * @param {number} corrected
   */
  #report(what, found, corrected) {
    if (this.#reported.has(what)) return;
    this.#reported.add(what);
    const octal = (/** @type {number} */ mode) => `0${mode.toString(8)}`;
    warn(this.#onWarning, {
      code: "insecure_mode",
      message:
        `fileStore: a ${what} had mode ${octal(found)}, so that others could use it; it is ${octal(corrected)} now. ` +
        `Replace the credentials if somebody may have read them. Folder: ${this.path}`,
    });
  }

  /**
   * Does something with the folder; undefined where a file, or the folder, is not there.
   * @template T
   * @param {string} what
   * @param {() => Promise<T>} action
   * @returns {Promise<T | undefined>}
   */
  async #doing(what, action) {
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
  async #required(what, action) {
    try {
      return await action();
    } catch (error) {
      throw this.#failure(what, error);
    }
  }

  /**
   * @param {string} what
   * @param {unknown} error
   * @returns {StoreError}
   */
  #failure(what, error) {
    if (error instanceof StoreError) return new StoreError(error.code, `${error.message}: ${this.path}`);
    const code = codeOf(error);
    if (code === "ELOOP") return this.#failure(what, isLink());
    const kind = code === "ENOSPC" || code === "EDQUOT" ? "full" : "unavailable";
    return new StoreError(kind, `fileStore cannot ${what} (${code ?? "unknown reason"}): ${this.path}`);
  }
}

/**
 * @param {string[]} all
 * @param {string} prefix
 * @returns {Listing}
 */
function listing(all, prefix) {
  const names = all.filter((name) => name.startsWith(`${prefix}.`));
  const highest = (/** @type {string} */ ending) =>
    names.reduce((last, name) => (name.endsWith(ending) ? Math.max(last, numberOf(name, prefix)) : last), 0);
  const value = highest(".token");
  const lease = highest(".lease");
  return { value, lease, last: Math.max(value, lease), names };
}

/**
 * The number in a file's name; 0 where there is none.
 * @param {string} name
 * @param {string} prefix
 */
function numberOf(name, prefix) {
  const [number] = name.slice(prefix.length + 1).split(".");
  return /^[1-9]\d{0,15}$/.test(number ?? "") ? Number(number) : 0;
}

/**
 * @param {string} text
 * @returns {Entry | undefined}
 */
function parseEntry(text) {
  const { value, expiresAt, stamp } = parse(text) ?? {};
  if (typeof expiresAt !== "number" || typeof stamp !== "string") {
    // JSON has no number for an entry without an end.
    if (expiresAt !== null || typeof stamp !== "string") return undefined;
  }
  if (value !== undefined && (typeof value !== "string" || !isSmall(value))) return undefined;
  return { value, expiresAt: expiresAt ?? Infinity, stamp };
}

/**
 * @param {string | undefined} text
 * @returns {any} an object of this version, or undefined
 */
function parse(text) {
  try {
    const parsed = JSON.parse(text ?? "");
    return parsed?.version === VERSION ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Gives a file a second name, unless that is taken; says whether it did.
 * @param {string} from
 * @param {string} to
 */
async function link(from, to) {
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

/** @param {string} path */
async function isAbandoned(path) {
  const stats = await fs.lstat(path).catch(() => undefined);
  return stats !== undefined && Math.abs(Date.now() - stats.mtimeMs) > MAX_WRITE_MS;
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
