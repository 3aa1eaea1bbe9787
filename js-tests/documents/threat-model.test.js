// The threat model references an existing test for each guarantee.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

const DOCS = path.resolve(import.meta.dirname, "../../docs");
const text = await readFile(path.join(DOCS, "threat-model.md"), "utf8");

/** Returns the rows below the headings `| promise | test |`: the guarantee and the links. */
const promises = text
  .split(/^\| promise \| test \|\n\|[-|]+\|\n/m)
  .slice(1)
  .flatMap((part) => part.split(/\n(?!\|)/)[0]?.split("\n") ?? [])
  .filter((row) => row.startsWith("|"))
  .map((row) => {
    const [, promise = "", tests = ""] = row.split(/ ?\| ?/);
    return { promise, tests: [...tests.matchAll(/\]\(([^)#]+)\)/g)].map(([, target = ""]) => target) };
  });

test("every guarantee of the threat model references a test", () => {
  assert.ok(promises.length > 25, `${promises.length} promises were read`);
  assert.deepEqual(
    promises.filter(({ tests }) => tests.length === 0),
    [],
  );
});

test("every test referenced by the threat model exists", () => {
  const named = promises.flatMap(({ tests }) => tests);

  assert.deepEqual(
    named.filter((file) => !existsSync(path.join(DOCS, file))),
    [],
  );
});
