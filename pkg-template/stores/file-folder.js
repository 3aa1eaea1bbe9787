// The files of a `fileStore`: how they are named, and what they hold.
//
// `<two digits>/<hash of the key>.<number>.token` is an entry, `….lease` says who holds the lease of that number, `….tmp`
// is not finished. The digits are the hash's first: a folder is listed at each step, and thousands of entries in one
// would cost each of them. `epoch`, in each, is empty: its time is where numbers start, so that they grow where the
// folder was emptied.

import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { join, resolve } from "node:path";

import { isFence, isSmall, uniqueName } from "./common.js";
import { Access, belongsToRoot, link, ownerNow, READ } from "./file-access.js";
import { makeFoldersNow } from "./file-make.js";

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
/** What was begun so long ago is not finished any more. */
const MAX_WRITE_MS = 60_000;
/** After this, the clock of any file system has moved on: a folder made anew has a later epoch. */
const TICK_MS = 10;
/** An entry whose file was replaced between listing and reading is looked for again: each time, a lease was taken. */
const MAX_TRIES = 20;

export class Folder {
  #path;
  #access;
  /** Known once the folder is there. @type {string | undefined} */
  #ownBase;

  /**
   * @param {string} path
   * @param {((warning: StoreWarning) => void) | undefined} onWarning
   */
  constructor(path, onWarning) {
    // A process may change its folder later.
    this.#path = resolve(path);
    this.#access = new Access(this.#path, onWarning);
  }

  /**
   * What the names of a key's files start with.
   * @param {string} key
   */
  prefix(key) {
    // In hex: some file systems do not tell capitals apart.
    return createHash("sha256").update(key).digest("hex");
  }

  /**
   * The folder that a key's files lie in.
   * @param {string} key
   */
  place(key) {
    return join(this.#base(), this.prefix(key).slice(0, 2));
  }

  /**
   * The folder that holds the entries: the one that was given, or one of this user's own inside it where that one belongs
   * to root, as the volumes of containers do.
   */
  #base() {
    if (this.#ownBase === undefined) {
      const owner = ownerNow(this.#path);
      if (owner === undefined) return this.#path;
      this.#ownBase = belongsToRoot(owner) ? join(this.#path, `user-${process.getuid?.()}`) : this.#path;
    }
    return this.#ownBase;
  }

  /**
   * Makes the folders of a key, or sees to it that they are ours.
   * @param {string} key
   */
  async make(key) {
    await this.#access.required("make the folder", async () => {
      await this.#access.makeRoot(this.#path);
      if (this.#base() !== this.#path) await this.#access.makeFolder(this.#base());
      await this.#access.makeFolder(this.place(key));
    });
  }

  /**
   * Makes the folders of a key at once, so that they can be watched, if it can be done; whether they are ours is seen
   * when they are used.
   * @param {string} key
   */
  makeNow(key) {
    try {
      if (lstatSync(this.#path, { throwIfNoEntry: false })?.isSymbolicLink()) return;
      makeFoldersNow(this.place(key));
    } catch {
      // Every other method says so.
    }
  }

  /**
   * @param {string} key
   * @returns {Promise<Listing>}
   */
  async list(key) {
    const place = this.place(key);
    const all = await this.#access.doing("list the folder", async () => {
      await this.#access.checkRoot(this.#path);
      if (this.#base() !== this.#path) await this.#access.checkFolder(this.#base());
      await this.#access.checkFolder(place);
      return fs.readdir(place);
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
      const text = await this.#access.read(this.#file(key, number, "token"));
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
      const { value } = listing(readdirSync(this.place(key)), this.prefix(key));
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
    const text = JSON.stringify({ version: VERSION, key, ...entry });
    return this.#access.required("write an entry", () =>
      this.#access.replace(this.#file(key, number, "token"), this.#temporary(key), text, this.place(key)),
    );
  }

  /**
   * Whether an entry is a certain file, by whatever name.
   * @param {string} key
   * @param {number} number
   * @param {Stats} file
   */
  async isSame(key, number, file) {
    const stats = await this.#access.doing("look at an entry", () =>
      fs.lstat(this.#file(key, number, "token")),
    );
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
    return this.#access.required("write an entry", async () => {
      await this.#access.refuseLink(source);
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
    const text = await this.#access.read(this.#file(key, number, "lease"));
    const lease = parse(text);
    return typeof lease?.until === "number" && typeof lease.ttlMs === "number" ? lease : undefined;
  }

  /**
   * @param {string} key
   * @param {number} number
   */
  async removeLease(key, number) {
    await this.#access.doing("release a lease", () =>
      fs.rm(this.#file(key, number, "lease"), { force: true }),
    );
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
      const path = join(this.place(key), name);
      const isOld = name.endsWith(".tmp") ? await isAbandoned(path) : numberOf(name, prefix) < number;
      // Whoever cannot remove it leaves it to the next.
      if (isOld) await fs.rm(path, { force: true }).catch(() => {});
    }
  }

  /**
   * Where the numbers of a key's folder start: the same for all, and later where it was emptied.
   * @param {string} key
   */
  async epoch(key) {
    return this.#access.required("write a file", async () => {
      const path = join(this.place(key), "epoch");
      if (await this.#access.addEmpty(path)) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      // A file may be dated before 1970, and numbers start at 1.
      return Math.max(0, Math.floor((await fs.lstat(path)).mtimeMs));
    });
  }

  /**
   * @param {string} key
   * @param {number} number
   * @param {"token" | "lease"} kind
   */
  #file(key, number, kind) {
    return join(this.place(key), `${this.prefix(key)}.${number}.${kind}`);
  }

  /** @param {string} key */
  #temporary(key) {
    return join(this.place(key), `${this.prefix(key)}.${uniqueName()}.tmp`);
  }

  /**
   * Makes a file with its content at once, unless there is one; says whether it did.
   * @param {string} path
   * @param {string} key
   * @param {string} text
   */
  #add(path, key, text) {
    return this.#access.required("write a file", () => this.#access.add(path, this.#temporary(key), text));
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
 * The number in a file's name; 0 where there is none. A file with a number that cannot be counted on from is damage: it is
 * neither read nor followed, and is removed by the next lease.
 * @param {string} name
 * @param {string} prefix
 */
function numberOf(name, prefix) {
  const [number] = name.slice(prefix.length + 1).split(".");
  return /^[1-9]\d{0,15}$/.test(number ?? "") && isFence(Number(number)) ? Number(number) : 0;
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

/** @param {string} path */
async function isAbandoned(path) {
  const stats = await fs.lstat(path).catch(() => undefined);
  return stats !== undefined && Math.abs(Date.now() - stats.mtimeMs) > MAX_WRITE_MS;
}
