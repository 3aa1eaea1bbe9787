import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const kilobytes = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1).padStart(7)} KB`;

/**
 * Prints the size of each file that has a budget: as it is, and as a web server sends it. Returns a line for each file
 * that exceeds its budget.
 *
 * A line of the budgets contains a file, its largest size in bytes, and its largest size compressed by gzip. With
 * `bundle:` before the file, its size is that of a page's program that imports it, as bundled by esbuild without
 * splitting. With `first-load:`, it is bundled with splitting, and only what the page loads at once counts.
 *
 * @param {string} budgets Path of the file with the budgets.
 * @param {string} folder Folder of the package.
 */
export async function checkSizes(budgets, folder) {
  const tooLarge = [];
  for (const line of readFileSync(budgets, "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [name, raw, gzip, ...rest] = line.split(/\s+/);
    const budget = { raw: Number(raw), gzip: Number(gzip) };
    if (!(budget.raw > 0 && budget.gzip > 0) || rest.length > 0) {
      throw new Error(`${budgets}: \`${line}\` is not a file with its largest size, raw and gzip, in bytes`);
    }
    const [, how, file] = /^(?:(bundle|first-load):)?(.*)$/.exec(name) ?? [];
    const path = join(folder, file);
    const content = how ? await bundled(path, how === "first-load") : readFileSync(path);
    const sizes = { raw: content.length, gzip: gzipSync(content, { level: 9 }).length };
    console.error(
      `    ${name.padEnd(23)} ${kilobytes(sizes.raw)}${kilobytes(sizes.gzip)} gzip` +
        `${kilobytes(brotliCompressSync(content).length)} brotli`,
    );
    for (const form of /** @type {const} */ (["raw", "gzip"])) {
      const excess = sizes[form] - budget[form];
      if (excess > 0) {
        tooLarge.push(`    ${name}: ${sizes[form]} bytes ${form}, ${excess} more than ${budget[form]}`);
      }
    }
  }
  return tooLarge;
}

/**
 * @param {string} path
 * @param {boolean} splitting
 */
async function bundled(path, splitting) {
  const { outputFiles, metafile } = await build({
    entryPoints: [path],
    bundle: true,
    minify: true,
    splitting,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    outdir: "out",
    // Node's modules are imported by servers only.
    external: ["node:*"],
    logLevel: "error",
  });
  const outputs = Object.keys(metafile.outputs);
  const entry = outputs.find((name) => metafile.outputs[name].entryPoint !== undefined);
  const loaded = new Set([entry]);
  for (const name of loaded) {
    for (const { path, kind } of metafile.outputs[`${name}`].imports) {
      if (kind === "import-statement") loaded.add(path);
    }
  }
  return Buffer.concat(
    outputFiles.filter((_, at) => loaded.has(outputs[at])).map(({ contents }) => contents),
  );
}
