// Each code block of the documents is run or checked by the compiler.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { PATIENCE_MS } from "../support/patience.js";

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, "../..");

/** Folder of the blocks, inside the repository so that they resolve the installed package. */
let folder = "";

before(async () => {
  await mkdir(path.join(ROOT, "target"), { recursive: true });
  folder = await mkdtemp(path.join(ROOT, "target/blocks-"));
});

after(() => rm(folder, { recursive: true, force: true }));

/**
 * @param {string} text
 * @returns {{ language: string, code: string }[]}
 */
function blocks(text) {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, code]) => ({ language, code }));
}

/** @param {string} file */
const read = (file) => readFile(path.join(ROOT, file), "utf8");

/** Returns the examples in the documentation of the types. */
async function typeExamples() {
  const stores = ["encrypted", "file", "redis", "web"].map((name) => `pkg-template/stores/${name}.d.ts`);
  const main = ["broker", "index", "options", "slim", "store"].map((name) => `pkg-template/${name}.d.ts`);
  const texts = await Promise.all([...main, ...stores].map(read));
  return texts.flatMap((text) => blocks(text.replaceAll(/^ *\* ?/gm, "")));
}

test("every block of the README is of a kind that is checked", async () => {
  const languages = new Set(blocks(await read("README.md")).map(({ language }) => language));

  assert.deepEqual([...languages].sort(), ["js", "sh", "ts"]);
});

test("the JavaScript of the README runs as it is", async () => {
  const scripts = blocks(await read("README.md")).filter(({ language }) => language === "js");
  assert.ok(scripts.length > 0);

  for (const [place, { code }] of scripts.entries()) {
    const file = path.join(folder, `block-${place}.mjs`);
    await writeFile(file, code);

    const { stdout, stderr } = await run(process.execPath, [file], { timeout: PATIENCE_MS });

    assert.match(stdout, /offerId/);
    assert.equal(stderr, "");
  }
});

test("the TypeScript of the README and of the types' documentation is right", async () => {
  const readme = blocks(await read("README.md")).filter(({ language }) => language === "ts");
  const examples = [...readme, ...(await typeExamples())];
  assert.ok(examples.length > readme.length);
  const files = examples.map((_, place) => path.join(folder, `block-${place}.mts`));
  await Promise.all(files.map((file, place) => writeFile(file, examples[place].code)));
  const options = ["--noEmit", "--strict", "--target", "es2023", "--lib", "es2023,esnext.disposable,dom"];
  const modules = ["--module", "nodenext", "--types", "node", "--ignoreConfig"];

  const compiler = path.join(ROOT, "node_modules/typescript/bin/tsc");
  const checked = await run(process.execPath, [compiler, ...options, ...modules, ...files], {
    cwd: ROOT,
  }).catch((failure) => failure);

  assert.equal(`${checked.stdout}`, "");
});

test("the commands of the README are commands that there are", async () => {
  const lines = blocks(await read("README.md"))
    .filter(({ language }) => language === "sh")
    .flatMap(({ code }) => code.trim().split("\n"))
    .map((line) => line.replace(/ *#.*/, ""));
  const { stdout: help } = await run("cargo", ["xtask", "help"], { cwd: ROOT });
  const manifest = JSON.parse(await read("pkg-template/package.json"));
  const packages = [manifest.name, ...Object.keys(manifest.peerDependencies)].join(" ");

  for (const line of lines) {
    const command = /^cargo xtask (\w+)$/.exec(line)?.[1];
    const [, own, words = ""] = /^npx graphql-token-manager (\w+) (.*)$/.exec(line) ?? [];
    if (command) assert.match(help, new RegExp(`^ +${command} `, "m"));
    else if (own) await assertKnown(manifest, own, words);
    else assert.equal(line, `npm install ${packages}`);
  }
});

/**
 * Fails if a command of the package or one of its flags does not exist.
 * @param {{ name: string, bin: Record<string, string> }} manifest
 * @param {string} command
 * @param {string} words
 */
async function assertKnown({ name, bin }, command, words) {
  const program = path.join(ROOT, "node_modules", name, bin[name] ?? "");
  const { stdout: help } = await run(process.execPath, [program, command, "--help"]);
  for (const [flag] of words.matchAll(/--[a-z-]+/g)) assert.match(help, new RegExp(`^ +${flag} `, "m"));
}
