/**
 * `node fuzz/main.js [TARGET...] [--time SECONDS] [--seed N] [--path P]`: runs targets against the installed package,
 * two at a time. Without a name, all of them.
 *
 * The corpus (inputs that once failed, and hand-written ones) is run first, then generated inputs until the time is
 * over. A failure is shrunk by fast-check, stored in the corpus, and printed with the command that reproduces it.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import fc from "fast-check";

import { guarded } from "./oracles.js";

/**
 * The exports of a file in `targets`.
 * @typedef {object} Target
 * @property {import("fast-check").Arbitrary<any>} cases Plain JSON, so that a case can be stored in a file.
 * @property {(input: any) => Promise<void>} check Throws if the package violates a guarantee.
 */

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { time: { type: "string", default: "60" }, seed: { type: "string" }, path: { type: "string" } },
});
const targets = readdirSync(new URL("targets/", import.meta.url)).map((file) => file.replace(/\.js$/, ""));
const unknown = positionals.find((word) => !targets.includes(word));
const seconds = Number(values.time);
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
if (unknown !== undefined)
  throw new Error(`no target is called \`${unknown}\`; these are: ${targets.join(", ")}`);
if (!(seconds > 0) || !Number.isSafeInteger(seed))
  throw new Error("--time takes seconds, --seed a whole number");
if (positionals.length !== 1) {
  if (values.seed !== undefined || values.path !== undefined)
    throw new Error("--seed and --path are those of one target");
  process.exit(await runEach(positionals.length > 0 ? positionals : targets));
}
const [name] = positionals;

/** @type {Target} */
const target = await import(`./targets/${name}.js`);
const corpus = new URL(`corpus/${name}/`, import.meta.url);
const check = guarded(target.check);

for (const file of existsSync(corpus) ? readdirSync(corpus).sort() : []) {
  const input = JSON.parse(readFileSync(new URL(file, corpus), "utf8"));
  try {
    await check(input);
  } catch (error) {
    fail(`fuzz/corpus/${name}/${file}`, error);
  }
}

const began = performance.now();
const report = await fc.check(fc.asyncProperty(target.cases, check), {
  seed,
  ...(values.path !== undefined && { path: values.path }),
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: seconds * 1000,
  markInterruptAsFailure: false,
  // Long enough for a slow machine; only a case that hangs fails.
  timeout: 300_000,
});
const took = ((performance.now() - began) / 1000).toFixed(0);
if (!report.failed) {
  console.log(`${name}: ${report.numRuns} cases in ${took} s, seed ${seed}`);
  process.exit(0);
}
const [input] = report.counterexample ?? [];
const text = `${JSON.stringify(input, undefined, 2)}\n`;
const kept = `${createHash("sha256").update(text).digest("hex").slice(0, 12)}.json`;
mkdirSync(corpus, { recursive: true });
writeFileSync(new URL(kept, corpus), text);
console.error(text.length > 4_000 ? `${text.slice(0, 4_000)} …` : text);
console.error(`Kept as ${fileURLToPath(new URL(kept, corpus))}; run it again by`);
console.error(`  cargo xtask fuzz ${name} --seed ${seed} --path ${report.counterexamplePath}`);
fail(`case ${report.numRuns}, shrunk ${report.numShrinks} times`, report.errorInstance);

/**
 * @param {string} where
 * @param {unknown} error
 * @returns {never}
 */
function fail(where, error) {
  console.error(`${name} failed at ${where}:`);
  console.error(error);
  process.exit(1);
}

/**
 * Runs targets in processes of their own. Returns 1 if one of them failed.
 * @param {string[]} names
 */
async function runEach(names) {
  const queue = [...names];
  let status = 0;
  const runNext = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const words = [fileURLToPath(import.meta.url), next, "--time", `${seconds}`];
      const [code] = await once(spawn(process.execPath, words, { stdio: "inherit" }), "exit");
      if (code !== 0) status = 1;
    }
  };
  await Promise.all([runNext(), runNext()]);
  return status;
}
