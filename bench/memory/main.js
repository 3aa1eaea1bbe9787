// What stays in memory after much use. Each use runs in a process of its own, first so often that everything is warm,
// then as often again, twice: what grew between is kept for good. Ends with 1 where something is.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { circumstances, report, table } from "../report.js";
import { USES } from "./uses.js";

/** Bytes for one use: what growth of the heap's own books and of the resident set cannot be told from. */
const BOUND = 8;

/** @typedef {{ times: number, before: Bytes, middle: Bytes, after: Bytes }} Measured */
/** @typedef {{ heap: number, wasm: number, resident: number }} Bytes */

const rows = [];
const faults = [];
for (const { name, times } of USES) {
  console.error(`==> ${times.toLocaleString("en")} × ${name}`);
  const program = fileURLToPath(new URL("measure.js", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", program, name]);
  /** @type {Measured} */
  const { before, middle, after } = JSON.parse(stdout);
  // The lesser of the two: something may be made once, late.
  const grown = (/** @type {keyof Bytes} */ part) =>
    Math.min(after[part] - middle[part], middle[part] - before[part]);
  const shown = (/** @type {keyof Bytes} */ part) => `${Math.max(0, grown(part)).toLocaleString("en")} B`;
  rows.push([
    name,
    times.toLocaleString("en"),
    shown("heap"),
    shown("wasm"),
    `${(after.resident / 2 ** 20).toFixed(0)} MiB`,
  ]);
  if (grown("heap") + grown("wasm") > Math.max(BOUND * times, 100_000))
    faults.push(`FAILED: ${name} leaves memory behind.`);
}

report(
  "memory",
  `
What stays after a collection when a use is repeated so often once more.

${table(["use", "times", "JavaScript heap grew", "WebAssembly memory grew", "resident at the end"], rows)}

- A process for each row; warmed up by as many uses before. The lesser growth of two repetitions counts.
- Below 100 KB, growth cannot be told from that of the engine's own books.

${circumstances(["graphql-token-manager"])}
Again: \`cargo xtask bench memory\`.

${faults.length === 0 ? "Nothing stays." : faults.join("\n")}
`,
);
if (faults.length > 0) process.exitCode = 1;
