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
Memory that remains after a garbage collection when a use is repeated.

${table(["use", "times", "JavaScript heap grew", "WebAssembly memory grew", "resident at the end"], rows)}

- One process for each row, after a warm-up with twice as many uses; six repetitions. For the heap, the minimum of the last
  three sizes is compared with that of the first three, because the collector leaves some garbage for later. WebAssembly
  memory never shrinks, so its smallest growth counts: a leak would grow it each time.
- Growth below 100 KB cannot be distinguished from that of the engine's own data.

${circumstances(["graphql-token-manager"])}
Again: \`cargo xtask bench memory\`.

${faults.length === 0 ? "Nothing remains." : faults.join("\n")}
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
