// The files of a `fileStore`: their names and contents.
//
// `<two digits>/<hash of the key>.<number>.token` is an entry, `….lease` records the holder of the lease of that
// number, and `….tmp` is an unfinished write. The digits are the first two of the hash: each operation lists a folder,
// which would be slow with thousands of entries in one. `epoch`, in each folder, is empty: its modification time is
// where the numbers start, so that they also grow after the folder was emptied.

import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { join, resolve } from "node:path";

import { isFence, isSmall, uniqueName } from "./common.js";
import { Access, belongsToRoot, link, ownerNow, READ } from "./secure-fs.js";
import { makeFoldersNow } from "./file-make.js";

/** @import { StoreWarning } from "graphql-token-manager" */
/** @import { Stats } from "node:fs" */
/** @import { Holder } from "./process-identity.js" */

/** @typedef {{ value: string | undefined, expiresAt: number, stamp: string }} Entry */
/** @typedef {Holder & { until: number, ttlMs: number }} LeaseRecord */
/**
 * The highest numbers of a key's entries and of its leases (0 without any), the higher of the two, and the names of
 * all its files.
 *
 * @typedef {{ value: number, lease: number, last: number, names: string[] }} Listing
 */

/** Version of the file format. Files of other versions are ignored. */
const VERSION = 1;
/** Age in ms at which an unfinished write counts as abandoned. */
const MAX_WRITE_MS = 60_000;
/**
 * Longer in ms than the timestamp granularity of any supported file system, so that a recreated folder has a later
 * epoch.
 */
const TICK_MS = 10;
/**
 * Attempts to read an entry if its file is replaced between listing and reading; each replacement means that a lease
 * was granted.
 */
const MAX_TRIES = 20;

export class Folder {
  #path;
  #access;
  /** Set once the folder exists. @type {string | undefined} */
  #ownBase;

  /**
   * @param {string} path
   * @param {((warning: StoreWarning) => void) | undefined} onWarning
   */
  constructor(path, onWarning) {
    // Resolved now, because the working directory of the process may change.
    this.#path = resolve(path);
    this.#access = new Access(this.#path, onWarning);
  }

  /**
   * Returns the prefix of the names of a key's files.
   * @param {string} key
   */
  prefix(key) {
    // In hex, because some file systems are case-insensitive.
    return createHash("sha256").update(key).digest("hex");
  }

  /**
   * Returns the folder of a key's files.
   * @param {string} key
   */
  place(key) {
    return join(this.#base(), this.prefix(key).slice(0, 2));
  }

  /**
   * Returns the folder of the entries: the configured one, or a subfolder of this user if the configured one belongs
   * to root, as container volumes do.
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
   * Creates the folders of a key, or checks the existing ones.
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
   * Creates the folders of a key synchronously, if possible, so that they can be watched. Owners and modes are checked
   * when the folders are used.
   * @param {string} key
   */
  makeNow(key) {
    try {
      if (lstatSync(this.#path, { throwIfNoEntry: false })?.isSymbolicLink()) return;
      makeFoldersNow(this.place(key));
    } catch {
      // The asynchronous operations report the failure.
    }
  }

  /**
   * @param {string} key
   * @returns {Promise<Listing>}
   */
  async list(key) {
    const place = this.place(key);
    const all = await this.#access.guarded("list the folder", async () => {
      await this.#access.checkRoot(this.#path);
      if (this.#base() !== this.#path) await this.#access.checkFolder(this.#base());
      await this.#access.checkFolder(place);
      return fs.readdir(place);
    });
    return listing(all ?? [], this.prefix(key));
  }

  /**
   * Returns the current entry, or undefined if it is missing or unreadable.
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
   * Returns the stamp of the current entry, synchronously.
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
   * Creates or replaces an entry.
   * @param {string} key
   * @param {number} number
   * @param {Entry} entry
   * @returns {Promise<Stats>} the new file
   */
  async put(key, number, entry) {
    const text = JSON.stringify({ version: VERSION, key, ...entry });
    return this.#access.required("write an entry", () =>
      this.#access.replace(this.#file(key, number, "token"), this.#temporary(key), text, this.place(key)),
    );
  }

  /**
   * Returns whether an entry is the given file, under any name.
   * @param {string} key
   * @param {number} number
   * @param {Stats} file
   */
  async isSame(key, number, file) {
    const stats = await this.#access.guarded("look at an entry", () =>
      fs.lstat(this.#file(key, number, "token")),
    );
    return stats !== undefined && stats.ino === file.ino && stats.dev === file.dev;
  }

  /**
   * Creates the entry `to` as a hard link or copy of the entry `from`, so that later writes to `from` have no effect
   * on readers. If `from` is 0, the entry is empty. Returns whether it was created.
   * @param {string} key
   * @param {number} from
   * @param {number} to
   */
  async migrateRecord(key, from, to) {
    const target = this.#file(key, to, "token");
    const source = this.#file(key, from, "token");
    if (from === 0) {
      const empty = { value: undefined, expiresAt: 0, stamp: "" };
      return this.#add(target, key, JSON.stringify({ version: VERSION, key, ...empty }));
    }
    return this.#access.required("write an entry", async () => {
      await this.#access.rejectLink(source);
      return link(source, target);
    });
  }

  /**
   * Creates the lease of a number unless it exists. Returns whether it was created.
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
    await this.#access.guarded("release a lease", () =>
      fs.rm(this.#file(key, number, "lease"), { force: true }),
    );
  }

  /**
   * Removes the files with smaller numbers, and abandoned writes.
   * @param {string} key
   * @param {number} number
   */
  async removeBelow(key, number) {
    const prefix = this.prefix(key);
    const { names } = await this.list(key);
    for (const name of names) {
      const path = join(this.place(key), name);
      const isOld = name.endsWith(".tmp") ? await isAbandoned(path) : numberOf(name, prefix) < number;
      // A file that cannot be removed is left for the next lease.
      if (isOld) await fs.rm(path, { force: true }).catch(() => {});
    }
  }

  /**
   * Returns the start of the numbers in a key's folder: the same for all processes, and later after the folder was
   * emptied.
   * @param {string} key
   */
  async epoch(key) {
    return this.#access.required("write a file", async () => {
      const path = join(this.place(key), "epoch");
      if (await this.#access.addEmpty(path)) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      // A modification time may be before 1970, but numbers start at 1.
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
   * Creates a file with its content atomically unless it exists. Returns whether it was created.
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
 * Returns the number in the name of a file, or 0 without a valid one. A number without an exact successor is damaged:
 * the file is ignored, and the next lease removes it.
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
    // JSON has no Infinity: `null` stands for an entry that does not expire.
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
