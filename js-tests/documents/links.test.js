// Links in the documents are valid, and stated versions are correct.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

const ROOT = path.resolve(import.meta.dirname, "../..");
const CLIENTS = "examples/clients";

/** @param {string} file */
const read = (file) => readFile(path.join(ROOT, file), "utf8");

/** Returns the links of a document, except those to other sites. @param {string} text */
const links = (text) => [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => target);

for (const file of [
  "ARCHITECTURE.md",
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "docs/react.md",
  "docs/testing.md",
  "docs/threat-model.md",
  `${CLIENTS}/README.md`,
  "examples/demo/README.md",
  "examples/quickstart/README.md",
]) {
  test(`every link of ${file} leads to a file`, async () => {
    const missing = links(await read(file)).filter(
      (target) => !existsSync(path.join(ROOT, path.dirname(file), target)),
    );

    assert.deepEqual(missing, []);
  });
}

test("every path that ARCHITECTURE.md names exists", async () => {
  const text = await read("ARCHITECTURE.md");
  const paths = [...text.matchAll(/`((?:src|pkg-template|js-tests)(?:\/[\w.-]+)*)\b/g)].map(
    ([, named]) => named,
  );

  assert.ok(paths.length > 30);
  assert.deepEqual(
    paths.filter((named) => !existsSync(path.join(ROOT, named))),
    [],
  );
});

test("every example of a client is in both tables", async () => {
  const files = (await readdir(path.join(ROOT, CLIENTS)))
    .filter((name) => /\.[jt]s$/.test(name) && !["tokens.js", "own-api.js"].includes(name))
    .concat("typed-documents/offers.ts")
    .sort();

  const own = links(await read(`${CLIENTS}/README.md`));
  const main = links(await read("README.md"));

  assert.deepEqual(
    files.filter((name) => !own.includes(name) || !main.includes(`${CLIENTS}/${name}`)),
    [],
  );
});

test("the versions told are those that are tested", async () => {
  const told = [...(await read(`${CLIENTS}/README.md`)).matchAll(/\| `([@\w/-]+)` ([\d.]+) /g)];
  const manifests = await Promise.all(
    ["package.json", `${CLIENTS}/typed-documents/package.json`].map(async (file) =>
      JSON.parse(await read(file)),
    ),
  );
  const tested = Object.assign({}, ...manifests.map(({ devDependencies }) => devDependencies));

  assert.ok(told.length >= 11);
  for (const [, name, version] of told) {
    assert.ok(tested[name]?.startsWith(`${version}.`), `${name} ${version} is told, ${tested[name]} tested`);
  }
});
