// Makes folders and those above them.
//
// Not by the option `recursive` of Node's `mkdir`: it never returns where a folder exists in which none can be made and the
// system reports ENOENT for that, as in /proc and at mount points of autofs.

import { mkdirSync, statSync } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname } from "node:path";

/** Read, write and execute for the owner alone. */
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
 * Whether something of that name is there by now: made by another process, or not a folder, which its next use reports.
 *
 * @param {any} error
 */
function exists(error) {
  return error?.code === "EEXIST";
}
