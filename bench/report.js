/**
 * Output of the figures: to the terminal and to BENCHMARKS.md, where each benchmark has its own section.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";

const FILE = new URL("../BENCHMARKS.md", import.meta.url);

const HEAD = `# Benchmarks

Written by \`cargo xtask bench NAME\`, which replaces one section; an unknown name lists them. Each section names the commit
that it measured: the package may have changed since.
`;

/**
 * Prints a section and writes it to BENCHMARKS.md, where it replaces the previous one of that benchmark.
 *
 * @param {string} name name of the benchmark
 * @param {string} text
 */
export function report(name, text) {
  const section = `## ${name}\n\n${text.trim()}\n`;
  console.log(section);
  const [, ...others] = existing().split(/^(?=## )/m);
  const kept = others
    .filter((other) => !other.startsWith(`## ${name}\n`))
    .map((other) => `${other.trim()}\n`);
  writeFileSync(FILE, [HEAD, ...[...kept, section].sort()].join("\n"));
}

function existing() {
  try {
    return readFileSync(FILE, "utf8");
  } catch {
    // The file does not exist before the first run.
    return HEAD;
  }
}

/**
 * Returns a Markdown table.
 *
 * @param {string[]} head
 * @param {string[][]} rows
 */
export function table(head, rows) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

/**
 * Describes the measurement: commit, machine, runtime and package versions.
 *
 * @param {string[]} packages packages under measurement
 */
export function circumstances(packages) {
  const [{ model }, ...more] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const busy = loadavg()[0].toFixed(1);
  const versions = packages.map((name) => `${name} ${versionOf(name)}`);
  const commit = execFileSync("git", ["show", "--no-patch", "--format=%h, %cs"], { encoding: "utf8" });
  return [
    `Measured at commit ${commit.trim()}.`,
    `Machine: ${more.length + 1} × ${model.trim()}, ${gigabytes} GB, ${type()} ${release()} ${arch()}, load ${busy}.`,
    `Node ${process.versions.node}; ${versions.join(", ")}.`,
  ].join("\n");
}

/** @param {string} name */
function versionOf(name) {
  for (const folder of ["./node_modules", "../node_modules"]) {
    try {
      return JSON.parse(readFileSync(new URL(`${folder}/${name}/package.json`, import.meta.url), "utf8"))
        .version;
    } catch {
      // The package may be installed in the other folder.
    }
  }
  throw new Error(`${name} is not installed`);
}
