// Creates folders and their parents.
//
// The option `recursive` of Node's `mkdir` is not used: it never returns for an existing folder in which the system
// reports ENOENT instead of creating another, such as /proc and the mount points of autofs.

import { mkdirSync, statSync } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname } from "node:path";

/** Read, write and execute permission for the owner only. */
export const MODE_OF_FOLDER = 0o700;

/** @param {string} path absolute */
export async function makeFolders(path) {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolders(parent);
  try {
    await fs.mkdir(path, MODE_OF_FOLDER);
  } catch (error) {
    if (!exists(error)) throw error;
  }
}

/** @param {string} path absolute */
export function makeFoldersNow(path) {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeFoldersNow(parent);
  try {
    mkdirSync(path, MODE_OF_FOLDER);
  } catch (error) {
    if (!exists(error)) throw error;
  }
}

/** @param {string} path */
async function isFolder(path) {
  try {
    return (await fs.stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Returns whether the name exists: another process created the folder, or it is not a folder, which its next use
 * reports.
 *
 * @param {any} error
 */
function exists(error) {
  return error?.code === "EEXIST";
}
