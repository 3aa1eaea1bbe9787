/**
 * Servers in Python: their installation into a virtual environment, in the versions of a `requirements.txt`.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** @import { InstallSteps } from "./install.js" */

/**
 * Returns the installation of the packages that a server's `requirements.txt` lists, with all of their dependencies.
 *
 * @param {string} folder of the server
 * @returns {InstallSteps}
 */
export function pythonSteps(folder) {
  const text = readFileSync(join(folder, "requirements.txt"), "utf8");
  const packages = text.split("\n").filter((line) => line !== "");
  const pip = ["bin/pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"];
  return {
    manifests: [],
    // Debian's; the tests install its package python3-venv.
    commands: [
      ["/usr/bin/python3", "-m", "venv", "."],
      [...pip, ...packages],
    ],
  };
}
