/**
 * Loads examples. Those in TypeScript are compiled, because the tests also run on Node 20, which cannot run them.
 *
 * @module
 */

import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const ROOT = path.resolve(import.meta.dirname, "../..");

/**
 * Returns the file that Node can run: the example itself, or its compiled form.
 * @param {string} file Below examples/.
 */
export async function runnable(file) {
  const source = path.join(ROOT, "examples", file);
  if (!file.endsWith(".ts")) return source;
  // Inside the repository, so that it resolves the installed package.
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
