/**
 * Takes secrets from where they are kept: environment variables, files, standard input.
 *
 * No message repeats the name or the path that was written: a secret may stand there by mistake.
 *
 * @module
 */

import { open } from "node:fs/promises";
import { UsageError } from "./errors.js";

/** Far more than any secret has: whoever names a log file should hear of it. */
const LONGEST = 65_536;

/** Read, write or execute for the group or for others. */
const OTHERS = 0o077;

/**
 * @param {string} flag Without dashes.
 * @param {string} name
 */
export function fromVariable(flag, name) {
  // Not `toString` and the like, which every object has.
  const value = Object.hasOwn(process.env, name) ? process.env[name] : undefined;
  if (value) return value;
  if (value === undefined && !/^[A-Za-z_]\w*$/.test(name)) {
    throw new UsageError(
      `--${flag} takes the name of an environment variable, not a secret: letters, digits and underscores`,
    );
  }
  const what = value === undefined ? "not set" : "empty";
  throw new UsageError(
    `the environment variable that --${flag} names is ${what}; export it, or correct the name`,
  );
}

/**
 * The content of a file, without the line break at its end.
 * @param {string} flag Without dashes.
 * @param {string} path `-` for standard input.
 * @param {(text: string) => void} warn
 */
export async function fromFile(flag, path, warn) {
  const text = path === "-" ? await fromInput(flag) : await contentOf(flag, path, warn);
  const secret = text.replace(/\r?\n$/, "");
  if (secret !== "") return secret;
  throw new UsageError(`${path === "-" ? "standard input" : `the file that --${flag} names`} holds nothing`);
}

/** Whether somebody has read standard input; it is there once. */
let inputTaken = false;

/**
 * @param {string} flag
 * @param {number} largest number of characters accepted
 */
export async function fromInput(flag, largest = LONGEST) {
  if (inputTaken) throw new UsageError(`--${flag} - reads standard input, which another flag has read`);
  inputTaken = true;
  let text = "";
  for await (const piece of process.stdin.setEncoding("utf8")) {
    text += piece;
    if (text.length > largest) throw tooLong("standard input", largest);
  }
  return text;
}

/**
 * @param {string} flag
 * @param {string} path
 * @param {(text: string) => void} warn
 */
async function contentOf(flag, path, warn) {
  const named = `the file that --${flag} names`;
  try {
    const file = await open(path, "r");
    try {
      const status = await file.stat();
      // A pipe (`<(command)`) is nobody else's; Windows has no such modes.
      if (status.isFile() && status.mode & OTHERS && process.platform !== "win32") {
        warn(`others can use ${named} (mode ${(status.mode & 0o777).toString(8)}); chmod 600 it`);
      }
      const text = await readUpTo(file, LONGEST);
      if (text === undefined) throw tooLong(named, LONGEST);
      return text;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = /** @type {NodeJS.ErrnoException} */ (error).code ?? "unknown";
    throw new UsageError(`${named} cannot be read (${code})`);
  }
}

/**
 * Returns the text of a file; `undefined` where it is longer. The size that a device or a pipe states says nothing.
 *
 * @param {import("node:fs/promises").FileHandle} file
 * @param {number} largest in bytes
 */
export async function readUpTo(file, largest) {
  const bytes = Buffer.alloc(largest + 1);
  let size = 0;
  for (let read = -1; read !== 0 && size <= largest; size += read) {
    read = (await file.read(bytes, size, bytes.length - size, null)).bytesRead;
  }
  return size > largest ? undefined : bytes.toString("utf8", 0, size);
}

/**
 * Returns the text of a file that is not a secret.
 *
 * @param {string} path
 * @param {string} what it is, for a message
 */
export async function readText(path, what) {
  let file;
  try {
    file = await open(path, "r");
    const text = await readUpTo(file, LONGEST_TEXT);
    if (text !== undefined) return text;
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new UsageError(`${what} cannot be read (${code})`);
  } finally {
    await file?.close();
  }
  throw tooLong(what, LONGEST_TEXT);
}

/** A MiB: profiles and documents have some thousand bytes. */
export const LONGEST_TEXT = 1_048_576;

/** @param {string} what @param {number} largest */
const tooLong = (what, largest) => new UsageError(`${what} is longer than ${largest} bytes`);
