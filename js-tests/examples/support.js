/**
 * Runs an example as a user would: in a separate process.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { TEST_TIMEOUT_MS } from "../support/timeouts.js";

const EXAMPLES = new URL("../../examples/", import.meta.url);

/** @typedef {{ status: number | null, stdout: string, stderr: string }} ExitResult */

/**
 * @param {string} file Below examples/.
 * @param {string[]} words Its arguments.
 * @param {Record<string, string>} env Its environment, in addition to the path and the locale.
 * @param {(stdout: string, stop: () => void) => void} [watch] Called with all output so far, each time that there is
 *   more.
 * @returns {Promise<ExitResult>}
 */
export function runExample(file, words, env, watch) {
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, EXAMPLES)), ...words], {
    env: { PATH: process.env.PATH, LANG: "C.UTF-8", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A test that hangs then fails with the output so far.
    timeout: TEST_TIMEOUT_MS,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
    watch?.(stdout, () => child.kill("SIGINT"));
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}
