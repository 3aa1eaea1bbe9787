// Measures memory that stays allocated after heavy use. Each use runs in a separate process: two runs to warm up, then
// six measured runs of as many repetitions. Memory that grew each time counts as a leak. Exits with 1 if there is one.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { circumstances, report, table } from "../report.js";
import { USES } from "./uses.js";

/** Bytes per use. Smaller growth cannot be distinguished from the heap's own bookkeeping and the resident set. */
const BOUND = 8;

/** @typedef {{ heap: number, wasm: number, resident: number }} Bytes */

const rows = [];
const faults = [];
for (const { name, times } of USES) {
  console.error(`==> ${times.toLocaleString("en")} × ${name}`);
  const program = fileURLToPath(new URL("measure.js", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", program, name]);
  /** @type {Bytes[]} */
  const states = JSON.parse(stdout);
  const grown = { heap: growthOfHeap(states), wasm: growthOfWasm(states) };
  const shown = (/** @type {number} */ bytes) => `${Math.max(0, bytes).toLocaleString("en")} B`;
  rows.push([
    name,
    times.toLocaleString("en"),
    shown(grown.heap),
    shown(grown.wasm),
    `${((states.at(-1)?.resident ?? 0) / 2 ** 20).toFixed(0)} MiB`,
  ]);
  if (grown.heap + grown.wasm > Math.max(BOUND * times, 100_000))
    faults.push(`FAILED: ${name} leaves memory behind.`);
}

report(
  "memory",
  `
What stays after a collection when a use is repeated so often once more.

${table(["use", "times", "JavaScript heap grew", "WebAssembly memory grew", "resident at the end"], rows)}

- A process for each row; warmed up by twice as many uses before, and repeated six times. Of the heap, the least of the last
  three sizes is compared with that of the first three, since the collector leaves some for later; WebAssembly's memory
  never shrinks, so that its least growth counts: what stays grows it each time.
- Below 100 KB, growth cannot be told from that of the engine's own books.

${circumstances(["graphql-token-manager"])}
Again: \`cargo xtask bench memory\`.

${faults.length === 0 ? "Nothing stays." : faults.join("\n")}
`,
);
if (faults.length > 0) process.exitCode = 1;

/** Returns the growth per repetition. @param {Bytes[]} states */
function growthOfHeap(states) {
  const least = (/** @type {Bytes[]} */ some) => Math.min(...some.map(({ heap }) => heap));
  return Math.round((least(states.slice(-3)) - least(states.slice(0, 3))) / (states.length - 3));
}

/** Returns the growth per repetition. @param {Bytes[]} states */
function growthOfWasm(states) {
  return Math.min(...states.slice(1).map(({ wasm }, place) => wasm - (states[place]?.wasm ?? 0)));
}
