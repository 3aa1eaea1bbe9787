// Bundlers, each with the setup from the first page of its documentation and no options for the package. The output
// runs in Chromium.

import assert from "node:assert/strict";
import { copyFile, readFile, readdir, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { chromiumFor } from "../../stores/browsers.js";
import { RESULT, assertQuiet, projectFor } from "./project.js";
import { siteFor, resultOf } from "./site.js";

/** @type {[name: string, tool: string, options: string[]][]} */
const BUNDLERS = [
  ["esbuild", "esbuild/bin/esbuild", ["main.js", "--bundle", "--format=esm", "--outdir=dist"]],
  ["Rollup", "rollup/dist/bin/rollup", ["main.js", "--dir=dist", "--plugin=node-resolve"]],
  ["Rolldown", "rolldown/bin/cli.mjs", ["main.js", "--dir=dist"]],
  ["webpack 5", "webpack/bin/webpack.js", ["--entry=./main.js", "--mode=production", "--output-path=dist"]],
  ["Rspack", "@rspack/cli/bin/rspack.js", ["build", "--entry=./main.js", "--mode=production"]],
  ["Vite", "vite/bin/vite.js", ["build"]],
];

const browser = chromiumFor({ after });

for (const [name, tool, options] of BUNDLERS) {
  test(`${name} bundles the package into a page`, async (t) => {
    const project = await projectFor(t, "page");

    assertQuiet(await project.node(tool, ...options));

    // Vite writes its own page.
    if (name !== "Vite") await copyFile(project.path("index.html"), project.path("dist/index.html"));
    const files = await readdir(project.path("dist"), { recursive: true });
    assert.deepEqual(
      files.filter((file) => !/\.(?:js|html|txt)$|^assets$/.test(file)),
      [],
    );
    assert.equal(await resultOf(await browser, await siteFor(t, project, "dist")), RESULT);
    project.assertServed();
  });
}

test("Vite bundles `/slim` with the URL of core.wasm", async (t) => {
  const project = await projectFor(t, "slim");
  const program = await readFile(project.path("program.js"), "utf8");
  await writeFile(project.path("program.js"), program.replace('-manager"', '-manager/slim"'));

  assertQuiet(await project.node("vite/bin/vite.js", "build"));

  const files = await readdir(project.path("dist/assets"));
  assert.equal(files.filter((file) => file.endsWith(".wasm")).length, 1);
  assert.equal(await resultOf(await browser, await siteFor(t, project, "dist")), RESULT);
  project.assertServed();
});

/** Tools and options that bundle a program into a single file. */
const SINGLE_FILES = /** @type {[string, string, string[]][]} */ ([
  [
    "esbuild, iife",
    "esbuild/bin/esbuild",
    ["main.js", "--bundle", "--format=iife", "--outfile=dist/main.js"],
  ],
  ["Rollup, iife", "rollup/dist/bin/rollup", [...rollupTo("iife"), "--name=page"]],
  ["Rollup, es", "rollup/dist/bin/rollup", rollupTo("es")],
]);

/** @param {string} format */
function rollupTo(format) {
  return ["main.js", "--file=dist/main.js", `--format=${format}`, "--plugin=node-resolve"];
}

for (const [name, tool, options] of SINGLE_FILES) {
  test(`${name} bundles the package into a single file`, async (t) => {
    const project = await projectFor(t, "page");

    assertQuiet(await project.node(tool, ...options));

    assert.deepEqual(await readdir(project.path("dist")), ["main.js"]);
    await copyFile(project.path("index.html"), project.path("dist/index.html"));
    assert.equal(await resultOf(await browser, await siteFor(t, project, "dist")), RESULT);
    project.assertServed();
  });
}

test("Vite bundles the package into a web worker with the default `worker.format`", async (t) => {
  const project = await projectFor(t, "vite-worker");

  assertQuiet(await project.node("vite/bin/vite.js", "build"));

  assert.equal(await resultOf(await browser, await siteFor(t, project, "dist")), RESULT);
  project.assertServed();
});
