/**
 * Makes the content of the npm package in `target/npm/package`, from `pkg-template` and the core.
 *
 * Usage: node xtask/scripts/bundle.js <version> <compiler of the core>
 *
 * @module
 */

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build } from "esbuild";
import { minify } from "terser";

import { licenses } from "./licenses.js";

/** @import { BuildOptions } from "esbuild" */

const [version, compiler] = process.argv.slice(2);
const CORE = "target/npm/core";
const PACKAGE = "target/npm/package";

/** Entries whose checked source lies beside their types: packed unchanged for `import`, bundled for `require`. */
const UNBUNDLED = unbundledEntries();

/** @type {BuildOptions} */
const COMMON = {
  bundle: true,
  target: "es2022",
  charset: "utf8",
  logLevel: "warning",
  // A package is bundled only where an entry says so, because `licenses.js` lists the bundled ones.
  packages: "external",
};
/** @type {BuildOptions} */
const MINIFIED = {
  ...COMMON,
  minify: true,
  // Limits the length of the line that Node prints for an uncaught error.
  lineLimit: 1000,
};
/**
 * With the platform `node`, esbuild lists the names of the exports in a form that Node detects when an ES module imports
 * the file.
 *
 * @type {BuildOptions}
 */
const COMMON_JS = { format: "cjs", platform: "node" };

const began = performance.now();

/**
 * Prints a step that has ended, with the time since the start. The steps share one process, so one that ends late may
 * have been short.
 *
 * @param {string} step
 */
function done(step) {
  console.error(`    ${step.padEnd(30)} ${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s`);
}

rmSync(PACKAGE, { recursive: true, force: true });
mkdirSync(join(PACKAGE, "dist"), { recursive: true });
await Promise.all([
  ...mainEntries(),
  entry("broker", "pkg-template/src/broker/index.js"),
  entry("scopes", "pkg-template/src/scopes/index.js", {
    // The parser of graphql-js is bundled, so that this entry needs no other package.
    packages: "bundle",
    // Prefers ES modules of dependencies, because unused code can be removed from those.
    mainFields: ["module", "main"],
    // Omits the checks that graphql-js makes during development.
    define: { "process.env.NODE_ENV": '"production"' },
    banner: {
      js: "/*! With parts of graphql-js, (c) GraphQL Contributors, MIT: see THIRD-PARTY-LICENSES */",
    },
  }),
  build({
    ...COMMON,
    ...COMMON_JS,
    entryPoints: UNBUNDLED.map((name) => `pkg-template/${name}.js`),
    outbase: "pkg-template",
    outExtension: { ".js": ".cjs" },
    outdir: PACKAGE,
  }).then(() => done("otel, providers, stores, testing: *.cjs")),
]);
copyFiles();
copyTypes();
done("copied files and types");

/** Returns the files of these entries, without extension: the stores, `/otel`, `/providers` and `/testing`. */
function unbundledEntries() {
  const { exports } = JSON.parse(readFileSync("pkg-template/package.json", "utf8"));
  /** @type {string[]} */
  const files = Object.values(exports).map((conditions) => conditions.require?.default ?? "");
  return files.flatMap(
    (file) => /^\.\/((?:otel|providers|stores|testing)\/[\w-]+)\.cjs$/.exec(file)?.[1] ?? [],
  );
}

/** Bundles the forms of the main entry, which differ in the source of the core, and in when they load it. */
function mainEntries() {
  const core = readFileSync(join(CORE, "core.wasm"));
  const mangleCache = JSON.parse(readFileSync(join(CORE, "short-names.json"), "utf8"));
  const options = (/** @type {string} */ source, loading = "static", file = "./core.wasm") => ({
    alias: {
      "#glue": `./${CORE}/glue.js`,
      "#wasm": `./${CORE}/wasm.js`,
      "#module": `./pkg-template/src/module-source/${source}.js`,
      "#load-core-chunk": `./pkg-template/src/load-core-chunk/${loading}.js`,
      "#microtask": "./pkg-template/src/microtask.js",
      "#weak": "./pkg-template/src/weak.js",
      "#utf8": "./pkg-template/src/utf8.js",
      "#static": file,
    },
    external: [file],
    // The module imports the glue's functions by these names. Other names that match are shortened as well.
    mangleProps: /^__wb/,
    mangleCache,
    define: {
      __VERSION__: JSON.stringify(version),
      // Kept for the user's bundler; esbuild would decide it here.
      "process.env.NODE_ENV": "process.env.NODE_ENV",
      __CORE_SHA256__: JSON.stringify(createHash("sha256").update(core).digest("hex")),
    },
  });
  const source = "pkg-template/src/index.js";
  return [
    entry("index", source, options("inline")),
    split("lazy", source, options("inline", "dynamic")),
    entry("slim", source, options("none")),
    entry("workerd", source, options("precompiled"), false),
    entry("edge", source, options("precompiled", "static", "./core.wasm?module"), false),
  ];
}

/**
 * Bundles an entry for `import`, with the code that it loads later in a file of its own, and with the code that both need
 * in a third one.
 *
 * @param {string} name
 * @param {string} source
 * @param {BuildOptions} options
 */
async function split(name, source, options) {
  const { outputFiles } = await build({
    ...MINIFIED,
    ...options,
    entryPoints: { [name]: source },
    format: "esm",
    splitting: true,
    chunkNames: `${name}-[name]`,
    write: false,
    outdir: join(PACKAGE, "dist"),
  });
  for (const { path, text } of outputFiles) {
    writeFileSync(path, await smaller(text));
    done(relative(PACKAGE, path));
  }
}

/**
 * Bundles an entry for `import` and for `require`.
 *
 * @param {string} name
 * @param {string} source
 * @param {BuildOptions} [options]
 * @param {boolean} [cjs] False for an entry without a form for `require`.
 */
async function entry(name, source, options, cjs = true) {
  const output = join(PACKAGE, "dist", name);
  const bundle = { ...MINIFIED, ...options, entryPoints: [source] };
  if (cjs) {
    await build({ ...bundle, ...COMMON_JS, outfile: `${output}.cjs` });
    done(`dist/${name}.cjs`);
  }
  const { outputFiles } = await build({ ...bundle, format: "esm", write: false, outfile: `${output}.js` });
  writeFileSync(`${output}.js`, await smaller(outputFiles[0].text));
  done(`dist/${name}.js`);
}

/**
 * Minifies a module by another 7 %. Not for the forms for `require`: terser removes the list of exports that esbuild
 * writes into them.
 *
 * @param {string} module
 */
async function smaller(module) {
  const { code = "" } = await minify(module, {
    module: true,
    compress: { passes: 3, ecma: 2020 },
    format: { comments: /^!/, max_line_len: MINIFIED.lineLimit },
  });
  return code;
}

function copyFiles() {
  for (const folder of ["bin", "otel", "providers", "stores", "testing"]) {
    cpSync(join("pkg-template", folder), join(PACKAGE, folder), { recursive: true });
  }
  cpSync(join(CORE, "core.wasm"), join(PACKAGE, "dist/core.wasm"));
  for (const name of ["CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"]) {
    cpSync(name, join(PACKAGE, name));
  }
  writeFileSync(join(PACKAGE, "THIRD-PARTY-LICENSES"), licenses(compiler));
  const manifest = JSON.parse(readFileSync("pkg-template/package.json", "utf8"));
  writeFileSync(join(PACKAGE, "package.json"), `${JSON.stringify({ ...manifest, version }, null, 2)}\n`);
  const repository = manifest.repository.url.replace(/^git\+|\.git$/g, "");
  writeFileSync(join(PACKAGE, "README.md"), withAbsoluteLinks(`${repository}/blob/v${version}/`));
}

/**
 * Returns the README with absolute links, because the package does not contain `docs`.
 *
 * @param {string} base URL of the files of this version in the repository.
 */
function withAbsoluteLinks(base) {
  return readFileSync("README.md", "utf8").replaceAll(/\]\((?!https:|#)/g, `](${base}`);
}

/** Copies the types of each entry, also for CommonJS, where imports of other entries end in `.cjs`. */
function copyTypes() {
  for (const name of readdirSync("pkg-template").filter((file) => file.endsWith(".d.ts"))) {
    const types = readFileSync(join("pkg-template", name), "utf8");
    writeFileSync(join(PACKAGE, "dist", name), types);
    if (name === "core.wasm.d.ts") continue;
    const commonJs = types.replaceAll('.js";', '.cjs";');
    writeFileSync(join(PACKAGE, "dist", name.replace(/\.ts$/, ".cts")), commonJs);
  }
  for (const name of UNBUNDLED) cpSync(`pkg-template/${name}.d.ts`, join(PACKAGE, `${name}.d.cts`));
}
