/**
 * Runs programs in separate Node processes, for behavior of a whole process.
 *
 * @module
 */

import "./guard.js";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

import { TEST_TIMEOUT_MS } from "./timeouts.js";

/**
 * Runs a program, an ES module, until it exits.
 * @param {string} program
 * @param {object} [how]
 * @param {string[]} [how.flags] Options of Node.
 * @param {unknown} [how.given] Value of `given` in the program; JSON.
 * @returns {Promise<{ status: number | null, stdout: string, stderr: string }>} `status` is null if it had to be
 *   killed.
 */
export function run(program, { flags = [], given } = {}) {
  const source = `const given = ${JSON.stringify(given ?? null)};\n${program}`;
  const args = [...flags, "--input-type=module", "--eval", source];
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      { cwd, timeout: TEST_TIMEOUT_MS },
      (_error, stdout, stderr) => {
        resolve({ status: child.exitCode, stdout, stderr });
      },
    );
  });
}
