// The sizes of the package's files are kept within the budgets of xtask/budgets.txt, by `cargo xtask pack`.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { checkSizes } from "../../xtask/scripts/sizes.js";

const folder = mkdtempSync(join(tmpdir(), "graphql-token-manager-sizes-"));
const budgets = join(folder, "budgets.txt");

before(() => {
  writeFileSync(join(folder, "entry.js"), "a".repeat(1000));
  writeFileSync(join(folder, "small.js"), 'import("./large.js").then(console.log)');
  writeFileSync(join(folder, "large.js"), `export default "${"a".repeat(1000)}"`);
});
after(() => rmSync(folder, { recursive: true }));

/** @param {string} text */
function check(text) {
  writeFileSync(budgets, text);
  return checkSizes(budgets, folder);
}

describe("budgets", () => {
  test("a file as large as its budget passes", async () => {
    assert.deepEqual(await check("# file raw gzip\n\nentry.js  1000  100\n"), []);
  });

  test("a file that is larger, or compresses worse, is named with its size and the excess", async () => {
    assert.match((await check("entry.js 999 100\n")).join(), /entry\.js: 1000 bytes raw, 1 more than 999/);
    assert.match((await check("entry.js 1000 10\n")).join(), /entry\.js: \d+ bytes gzip, \d+ more than 10/);
  });

  test("a bundle includes what its entry imports dynamically", async () => {
    assert.deepEqual(await check("small.js 100 100\n"), []);
    assert.match((await check("bundle:small.js 100 100\n")).join(), /bundle:small\.js: 1\d\d\d bytes raw/);
  });

  test("a line without a budget is rejected", async () => {
    for (const line of ["entry.js", "entry.js 1000", "entry.js many few", "entry.js 1000 100 10"]) {
      await assert.rejects(check(line), Error, line);
    }
  });
});
