/**
 * Atomic replacement of files.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";

/**
 * Replaces a file atomically, with permissions for its owner only (mode 0600).
 * @param {string} path
 * @param {string} text
 */
export async function replaceFile(path, text) {
  // In the same folder, because a file cannot be renamed across file systems. It is a new file, so that no link is
  // followed.
  const unfinished = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(unfinished, "wx", 0o600);
  try {
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
