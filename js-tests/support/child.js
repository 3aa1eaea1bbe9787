/**
 * Programs of their own, run by Node: for what only a whole process can show.
 *
 * @module
 */

import "./guard.js";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

import { PATIENCE_MS } from "./patience.js";

/**
 * Runs a program, an ES module, to its end.
 * @param {string} program
 * @param {object} [how]
 * @param {string[]} [how.flags] For Node.
 * @param {unknown} [how.given] What the program finds as `given`; JSON.
 * @returns {Promise<{ status: number | null, stdout: string, stderr: string }>} `status` is null where it had to be ended.
 */
export function run(program, { flags = [], given } = {}) {
  const source = `const given = ${JSON.stringify(given ?? null)};\n${program}`;
  const args = [...flags, "--input-type=module", "--eval", source];
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      { cwd, timeout: PATIENCE_MS },
      (_error, stdout, stderr) => {
        resolve({ status: child.exitCode, stdout, stderr });
      },
    );
  });
}
