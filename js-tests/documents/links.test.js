// Links of the documents lead to files and headings that exist, and tables of files are complete.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { ROOT, anchors, documents, links, pages, read } from "./documents.js";

const CLIENTS = "examples/clients";
const PACKAGE = "node_modules/graphql-token-manager";

/** Returns whether a link leads to another site. @param {string} target */
const isExternal = (target) => /^[a-z]+:/.test(target);

/**
 * Returns the links of a document that lead to no file or no heading.
 *
 * @param {string} file
 */
async function broken(file) {
  const found = [];
  for (const link of links(await read(file))) {
    if (isExternal(link)) continue;
    const [target = "", anchor] = link.split("#");
    const to = target === "" ? file : path.join(path.dirname(file), target);
    if (!existsSync(path.join(ROOT, to))) found.push(link);
    else if (anchor !== undefined && !anchors(await read(to)).includes(anchor)) found.push(link);
  }
  return found;
}

for (const file of await documents()) {
  test(`every link of ${file} leads to a file and a heading`, async () => {
    assert.deepEqual(await broken(file), []);
  });
}

test("anchors are derived as GitHub does", () => {
  const text =
    "# `tokens.fetch` and **more**\n\n```sh\n# a comment\n```\n\n## Über C++, 2\n## Same\n## Same\n";

  assert.deepEqual(anchors(text), ["tokensfetch-and-more", "über-c-2", "same", "same-1"]);
});

test("every link of the package's README leads to a file of the package, or of its tag in the repository", async () => {
  const { version, repository } = JSON.parse(await read(`${PACKAGE}/package.json`));
  const base = `${repository.url.replace(/^git\+|\.git$/g, "")}/blob/v${version}/`;

  const targets = links(await read(`${PACKAGE}/README.md`));

  const own = targets.filter((target) => target.startsWith(base)).map((target) => target.slice(base.length));
  assert.ok(own.length > 10, `${own.length} links lead to the repository`);
  assert.deepEqual(
    own.filter((target) => !existsSync(path.join(ROOT, target.split("#")[0] ?? ""))),
    [],
  );
  assert.deepEqual(
    targets.filter((target) => !isExternal(target) && !existsSync(path.join(ROOT, PACKAGE, target))),
    [],
  );
});

test("the README has at most 1,500 words", async () => {
  const count = (await read("README.md")).split(/\s+/).filter(Boolean).length;

  assert.ok(count <= 1_500, `${count} words`);
});

test("the index of the documentation has every page", async () => {
  const listed = links(await read("docs/README.md")).map((target) => path.join("docs", target));

  assert.deepEqual(
    (await pages()).filter((page) => page !== "docs/README.md" && !listed.includes(page)),
    [],
  );
});

test("every path in ARCHITECTURE.md exists", async () => {
  const text = await read("ARCHITECTURE.md");
  const paths = [...text.matchAll(/`((?:src|pkg-template|js-tests)(?:\/[\w.-]+)*)\b/g)].map(
    ([, named = ""]) => named,
  );

  assert.ok(paths.length > 30);
  assert.deepEqual(
    paths.filter((named) => !existsSync(path.join(ROOT, named))),
    [],
  );
});

test("every tested environment is listed, with its test", async () => {
  const listed = links(await read("docs/places.md"));
  const folders = ["js-tests/packaging/places", "js-tests/workers"];
  const tests = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(path.join(ROOT, folder))).map((name) => `../${folder}/${name}`),
    ),
  );

  assert.deepEqual(
    tests.flat().filter((file) => file.endsWith(".test.js") && !listed.includes(file)),
    [],
  );
});

test("every client example is in the table of clients", async () => {
  const files = (await readdir(path.join(ROOT, CLIENTS)))
    .filter((name) => /\.[jt]s$/.test(name) && !["tokens.js", "own-api.js"].includes(name))
    .concat("typed-documents/offers.ts");
  const listed = links(await read(`${CLIENTS}/README.md`));

  assert.deepEqual(
    files.filter((name) => !listed.includes(name)),
    [],
  );
});

test("the stated versions of the clients are the tested ones", async () => {
  const stated = [...(await read(`${CLIENTS}/README.md`)).matchAll(/\| `([@\w/-]+)` ([\d.]+) /g)];
  const manifests = await Promise.all(
    ["package.json", `${CLIENTS}/typed-documents/package.json`].map(async (file) =>
      JSON.parse(await read(file)),
    ),
  );
  const tested = Object.assign({}, ...manifests.map(({ devDependencies }) => devDependencies));

  assert.ok(stated.length >= 11);
  for (const [, name = "", version] of stated) {
    assert.ok(
      tested[name]?.startsWith(`${version}.`),
      `${name} ${version} is stated, ${tested[name]} tested`,
    );
  }
});
