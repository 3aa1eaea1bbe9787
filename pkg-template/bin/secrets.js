/**
 * Reads secrets from environment variables, files and standard input.
 *
 * Messages never repeat the given name or path, because it may be a secret that was passed by mistake.
 *
 * @module
 */

import { open } from "node:fs/promises";
import { UsageError } from "./errors.js";

/** Maximum size in bytes, much larger than any secret, so that a log file given by mistake is reported. */
const LONGEST = 65_536;

/** Read, write or execute permission for the group or others. */
const OTHERS = 0o077;

/**
 * @param {string} flag The name without dashes.
 * @param {string} name
 */
export function fromVariable(flag, name) {
  // Excludes inherited properties such as `toString`.
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
 * Returns the content of a file without its final line break.
 * @param {string} flag The name without dashes.
 * @param {string} path `-` for standard input.
 * @param {(text: string) => void} warn
 */
export async function fromFile(flag, path, warn) {
  const text = path === "-" ? await fromInput(flag) : await contentOf(flag, path, warn);
  const secret = text.replace(/\r?\n$/, "");
  if (secret !== "") return secret;
  throw new UsageError(`${path === "-" ? "standard input" : `the file that --${flag} names`} holds nothing`);
}

/** Set once standard input was read, which is possible only once. */
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
      // A pipe (`<(command)`) is private; Windows has no such modes.
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
 * Returns the text of a file, or `undefined` if it is longer than the limit. The size reported for a device or a pipe
 * is meaningless.
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
 * @param {string} what description of the file for a message
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

/** 1 MiB. Profiles and documents have a few thousand bytes. */
export const LONGEST_TEXT = 1_048_576;

/** @param {string} what @param {number} largest */
const tooLong = (what, largest) => new UsageError(`${what} is longer than ${largest} bytes`);
