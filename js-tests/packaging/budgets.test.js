// The sizes of the package's files are kept within the budgets of xtask/budgets.txt, by `cargo xtask pack`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../xtask/scripts/sizes.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "graphql-token-manager-sizes-"));
const budgets = join(folder, "budgets.txt");

before(() => writeFileSync(join(folder, "entry.js"), "a".repeat(1000)));
after(() => rmSync(folder, { recursive: true }));

/** @param {string} text */
function check(text) {
  writeFileSync(budgets, text);
  const { status, stderr } = spawnSync(process.execPath, [script, budgets, folder], { encoding: "utf8" });
  return { status, stderr };
}

describe("budgets", () => {
  test("a file as large as its budget passes, and its sizes are printed", () => {
    const { status, stderr } = check("# file raw gzip\n\nentry.js  1000  100\n");

    assert.equal(status, 0, stderr);
    assert.match(stderr, /entry\.js +1\.0 KB +0\.0 KB gzip/);
  });

  test("a file that is larger fails and is named with what it is too large by", () => {
    const { status, stderr } = check("entry.js 999 100\n");

    assert.equal(status, 1);
    assert.match(stderr, /entry\.js: 1000 bytes raw, 1 more than 999/);
  });

  test("a file that compresses worse than its budget fails", () => {
    const { status, stderr } = check("entry.js 1000 10\n");

    assert.equal(status, 1);
    assert.match(stderr, /entry\.js: \d+ bytes gzip, \d+ more than 10/);
  });

  test("a line that sets no budget is refused", () => {
    for (const line of ["entry.js", "entry.js 1000", "entry.js many few", "entry.js 1000 100 10"]) {
      assert.match(check(line).stderr, /is not a file with its largest size/, line);
    }
  });
});
