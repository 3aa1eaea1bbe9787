// Prints the size of each file that has a budget, as it is and as a web server sends it, and fails where one is larger
// than its budget.
// Usage: node sizes.js <budgets> <folder of the package>
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const [budgets, folder] = process.argv.slice(2);
const kilobytes = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1).padStart(7)} KB`;
const tooLarge = [];

for (const line of readFileSync(budgets, "utf8").split("\n")) {
  if (line === "" || line.startsWith("#")) continue;
  const [file, raw, gzip, ...rest] = line.split(/\s+/);
  const budget = { raw: Number(raw), gzip: Number(gzip) };
  if (!(budget.raw > 0 && budget.gzip > 0) || rest.length > 0) {
    throw new Error(`${budgets}: \`${line}\` is not a file with its largest size, raw and gzip, in bytes`);
  }
  const content = readFileSync(join(folder, file));
  const sizes = { raw: content.length, gzip: gzipSync(content, { level: 9 }).length };
  console.error(
    `    ${file.padEnd(16)} ${kilobytes(sizes.raw)}${kilobytes(sizes.gzip)} gzip` +
      `${kilobytes(brotliCompressSync(content).length)} brotli`,
  );
  for (const form of /** @type {const} */ (["raw", "gzip"])) {
    if (sizes[form] > budget[form]) {
      tooLarge.push(
        `    ${file}: ${sizes[form]} bytes ${form}, ${sizes[form] - budget[form]} more than ${budget[form]}`,
      );
    }
  }
}

if (tooLarge.length > 0) {
  console.error(
    `larger than ${budgets} allows:\n${tooLarge.join("\n")}\n` +
      "make it smaller, or raise the budget in the same commit and say what it buys",
  );
  process.exitCode = 1;
}
