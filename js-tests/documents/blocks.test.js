// Each code block of the documents is run, or checked by the compiler or the program that it is for.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { ROOT, blocks, pages, read, sitePages } from "./documents.js";

const run = promisify(execFile);

/** Pages with blocks that are files of a project, and the tests that run it. */
const PROJECTS = new Map([
  ["docs/next.md", "js-tests/packaging/places/next.slow.test.js"],
  ["docs/react.md", "js-tests/packaging/places/react.test.js"],
  ["docs/testing.md", "js-tests/packaging/places/testing-page.test.js"],
]);

/** Folder of the blocks, inside the repository so that they resolve the installed package. */
let folder = "";

before(async () => {
  await mkdir(path.join(ROOT, "target"), { recursive: true });
  folder = await mkdtemp(path.join(ROOT, "target/blocks-"));
});

after(() => rm(folder, { recursive: true, force: true }));

/** Blocks of the README, of CONTRIBUTING.md and of the pages in `docs` and of the site, except those of a project. */
const all = await Promise.all(
  ["README.md", "CONTRIBUTING.md", ...(await pages()), ...(await sitePages())].map(async (document) =>
    blocks(await read(document)).map((block) => ({ document, ...block })),
  ),
);
const projectBlocks = all.flat().filter(({ file }) => file !== "");
const single = all.flat().filter(({ file }) => file === "");

/** @param {string} wanted */
const of = (wanted) => single.filter(({ language }) => language === wanted);

/** Returns the examples in the documentation of the types. */
async function typeExamples() {
  const files = await Promise.all(
    ["pkg-template", "pkg-template/otel", "pkg-template/providers", "pkg-template/stores"].map(
      async (folder) => (await readdir(path.join(ROOT, folder))).map((name) => `${folder}/${name}`),
    ),
  );
  const texts = await Promise.all(
    files
      .flat()
      .filter((file) => file.endsWith(".d.ts"))
      .map(read),
  );
  return texts.flatMap((text) => blocks(text.replaceAll(/^ *\* ?/gm, "")));
}

test("every block has a language that is checked", () => {
  const languages = new Set(single.map(({ language }) => language));

  assert.deepEqual([...languages].sort(), ["js", "json", "sh", "ts"]);
});

test("every block with a file name is on a page whose project is run by a test", () => {
  for (const { document } of projectBlocks) {
    const file = PROJECTS.get(document);
    assert.ok(file !== undefined && existsSync(path.join(ROOT, file)), document);
  }
});

test("JavaScript runs unchanged", async () => {
  const scripts = of("js");
  assert.ok(scripts.length > 0);

  for (const [index, { code, document }] of scripts.entries()) {
    const file = path.join(folder, `block-${index}.mjs`);
    await writeFile(file, code);

    const { stdout, stderr } = await run(process.execPath, [file], { timeout: TEST_TIMEOUT_MS });

    assert.match(stdout, /offerId/, document);
    assert.equal(stderr, "", document);
  }
});

test("TypeScript compiles, in the documents and in the doc comments of the types", async () => {
  const own = of("ts").map(({ code }) => code);
  const examples = [...own, ...(await typeExamples()).map(({ code }) => code)];
  assert.ok(own.length > 15 && examples.length > own.length);
  const files = examples.map((_, index) => path.join(folder, `block-${index}.mts`));
  await Promise.all(files.map((file, index) => writeFile(file, examples[index] ?? "")));
  const options = ["--noEmit", "--strict", "--target", "es2023", "--lib", "es2023,esnext.disposable,dom"];
  // Types of other packages are not checked: not all are correct with `nodenext`.
  const modules = ["--module", "nodenext", "--types", "node", "--ignoreConfig", "--skipLibCheck"];

  const compiler = path.join(ROOT, "node_modules/typescript/bin/tsc");
  const checked = await run(process.execPath, [compiler, ...options, ...modules, ...files], {
    cwd: ROOT,
  }).catch((failure) => failure);

  assert.equal(`${checked.stdout}`, "");
});

test("JSON is a valid profile for the command line", async () => {
  const profiles = of("json");
  assert.ok(profiles.length > 0);

  for (const { code } of profiles) {
    const file = path.join(folder, "profile.json");
    await writeFile(file, code);
    const variables = [...code.matchAll(/"\$env": "(\w+)"/g)].map(([, name = ""]) => [name, "secret"]);

    // `status` validates the profile and sends no request. It ends with 1, because the store is empty.
    const { code: status, stdout } = await run(
      process.execPath,
      [await program(), "status", "--json", "--profile", file, "--store", path.join(folder, "tokens")],
      { env: { ...process.env, ...Object.fromEntries(variables) } },
    ).catch((failure) => failure);

    assert.equal(status, 1);
    assert.equal(JSON.parse(stdout).state, "empty");
  }
});

test("commands of the package and of the repository, and their flags, exist", async () => {
  const lines = of("sh")
    .flatMap(({ code }) => code.trim().split("\n"))
    // What follows `--` is a command of its own.
    .flatMap((line) => line.split(" -- "))
    .map((line) => line.replace(/ *#.*/, ""));
  const { stdout: help } = await run("cargo", ["xtask", "help"], { cwd: ROOT });
  const manifest = JSON.parse(await read("pkg-template/package.json"));
  const packages = [manifest.name, ...Object.keys(manifest.peerDependencies)];

  for (const line of lines) {
    const [, tool = "", words = ""] = /^(cargo xtask|npx graphql-token-manager) (.*)$/.exec(line) ?? [];
    const [command = ""] = words.split(" ");
    if (tool === "cargo xtask") assert.match(help, new RegExp(`^ +${command} `, "m"), line);
    else if (tool !== "") await assertKnown(command, words);
    else if (line.startsWith("npm install")) {
      const installed = line.split(" ").slice(2);
      assert.equal(installed[0], manifest.name, line);
      for (const name of installed) assert.ok(packages.includes(name), line);
    }
  }
});

/** Returns the path of the installed command line. */
async function program() {
  const { name, bin } = JSON.parse(await read("pkg-template/package.json"));
  return path.join(ROOT, "node_modules", name, bin[name] ?? "");
}

/**
 * Fails if a command of the package or one of its flags does not exist.
 *
 * @param {string} command
 * @param {string} words
 */
async function assertKnown(command, words) {
  const { stdout: help } = await run(process.execPath, [await program(), command, "--help"]);
  for (const [flag] of words.matchAll(/--[a-z-]+/g))
    assert.match(help, new RegExp(`^ +${flag} `, "m"), words);
}
