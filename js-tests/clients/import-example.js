/**
 * Loads examples, those in TypeScript too: Node 20, which runs the tests, cannot read them as they are.
 *
 * @module
 */

import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const ROOT = path.resolve(import.meta.dirname, "../..");

/**
 * The file that Node can run: the example's own, or what it compiles to.
 * @param {string} file Below examples/.
 */
export async function runnable(file) {
  const source = path.join(ROOT, "examples", file);
  if (!file.endsWith(".ts")) return source;
  // Below the root, so that it finds the installed package.
  const outfile = path.join(ROOT, "target/examples", `${file}.mjs`);
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "error",
  });
  return outfile;
}

/** @param {string} file Below examples/. */
export async function importExample(file) {
  return import(pathToFileURL(await runnable(file)).href);
}
