// Makes the tarball from target/npm/package, and checks its files against xtask/files.txt and their sizes against
// xtask/budgets.txt. Prints the path of the tarball.
// Usage: node xtask/scripts/pack.js

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { checkSizes } from "./sizes.js";

const NPM = resolve("target/npm");
const FOLDER = join(NPM, "package");

const options = ["--json", "--silent", "--ignore-scripts", "--pack-destination", NPM];
const [{ filename, files }] = JSON.parse(
  execFileSync("npm", ["pack", ...options], { cwd: FOLDER, encoding: "utf8" }),
);

const packed = new Set(files.map((/** @type {{ path: string }} */ file) => file.path));
const expected = new Set(readFileSync("xtask/files.txt", "utf8").trim().split("\n"));
const differences = [
  ...[...expected].filter((path) => !packed.has(path)).map((path) => `  missing    ${path}`),
  ...[...packed].filter((path) => !expected.has(path)).map((path) => `  unexpected ${path}`),
];
if (differences.length > 0) {
  console.error(
    `the package and xtask/files.txt differ; correct whichever is wrong:\n${differences.join("\n")}`,
  );
  process.exitCode = 1;
}
const tooLarge = await checkSizes("xtask/budgets.txt", FOLDER);
if (tooLarge.length > 0) {
  console.error(
    `larger than xtask/budgets.txt allows:\n${tooLarge.join("\n")}\n` +
      "make it smaller, or raise the budget in the same commit and say what it buys",
  );
  process.exitCode = 1;
}
console.log(join(NPM, filename));
