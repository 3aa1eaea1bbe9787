/**
 * Where the figures go: to this terminal, and into BENCHMARKS.md, of which each bench writes its own section.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";

const FILE = new URL("../BENCHMARKS.md", import.meta.url);

const HEAD = `# Benchmarks

Written by \`cargo xtask bench\`, a section by each bench; an unknown name lists them.
`;

/**
 * Puts a section into BENCHMARKS.md, in place of what that bench wrote before, and prints it.
 *
 * @param {string} name of the bench
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
    // The first run.
    return HEAD;
  }
}

/**
 * A table in Markdown.
 *
 * @param {string[]} head
 * @param {string[][]} rows
 */
export function table(head, rows) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

/**
 * What the figures depend on.
 *
 * @param {string[]} packages that are measured
 */
export function circumstances(packages) {
  const [{ model }, ...more] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const busy = loadavg()[0].toFixed(1);
  const versions = packages.map((name) => `${name} ${versionOf(name)}`);
  return [
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
      // The other folder has it.
    }
  }
  throw new Error(`${name} is not installed`);
}
