/**
 * Files of a shared folder: for any contents, the store repairs them or throws a `StoreError`; fences are increasing
 * safe integers, and at most one of two holders has the lease.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { fileStore } from "graphql-token-manager/stores/file";

import { edited, edits } from "../generators.js";
import { SECRET, assertHidden } from "../oracles.js";

const KEY = "gtm1-fuzzed";
const HOUR_MS = 3_600_000;

export const cases = fc.record({
  writes: fc.nat({ max: 2 }),
  held: fc.boolean(),
  damages: fc.array(
    fc.record({
      which: fc.nat({ max: 7 }),
      how: fc.oneof(
        { weight: 4, arbitrary: fc.record({ kind: fc.constant("edit"), edits }) },
        {
          weight: 2,
          arbitrary: fc.record({
            kind: fc.constant("replace"),
            text: fc.string({ maxLength: 40, unit: "binary" }),
          }),
        },
        {
          weight: 4,
          arbitrary: fc.record({
            kind: fc.constant("number"),
            to: fc.constantFrom(
              "nan",
              "inf",
              "-1",
              "0",
              "1e3",
              "9007199254740992",
              "99999999999999999999",
              "0x10",
              "",
            ),
          }),
        },
        {
          weight: 4,
          arbitrary: fc.record({
            kind: fc.constant("name"),
            to: fc.constantFrom(
              "nan",
              "inf",
              "-1",
              "0",
              "007",
              "9007199254740991",
              "9007199254740992",
              "1e3",
              "99999999999999999999",
            ),
          }),
        },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove") }) },
      ),
    }),
    { maxLength: 3 },
  ),
});

/** @param {any} input */
export async function check({ writes, held, damages }) {
  const path = await mkdtemp(join(tmpdir(), "graphql-token-manager-fuzz-"));
  try {
    const before = fileStore({ path });
    const first = await before.acquire(KEY, HOUR_MS);
    assert.ok(first !== undefined, "the lease was free");
    for (let count = 0; count < writes; count++)
      await before.set(KEY, `${SECRET}.${count}`, soon(), first.fence);
    if (!held) await first.release();
    for (const damage of damages) await corruptFile(path, damage);

    const store = fileStore({ path, onWarning: (/** @type {any} */ warning) => assertHidden(warning) });
    const found = await settled(() => store.get(KEY));
    assert.ok(found === undefined || typeof found === "string");
    if (damages.length === 0) assert.equal(found, writes === 0 ? undefined : `${SECRET}.${writes - 1}`);

    const lease = await settled(() => store.acquire(KEY, HOUR_MS));
    if (damages.length === 0) assert.equal(lease === undefined, held, "exclusion");
    if (lease === undefined) return;
    assert.ok(Number.isSafeInteger(lease.fence), `the fence ${lease.fence}`);
    if (damages.length === 0) assert.ok(lease.fence > first.fence, "the fence grew");
    assert.equal(
      await settled(() => fileStore({ path }).acquire(KEY, HOUR_MS)),
      undefined,
      "two holders of one lease",
    );
    assert.equal(
      await settled(() => store.set(KEY, "new", soon(), lease.fence)),
      true,
      "the holder may write",
    );
    assert.equal(await settled(() => store.get(KEY)), "new");
    await lease.release();

    const next = await settled(() => store.acquire(KEY, HOUR_MS));
    assert.ok(next !== undefined, "the lease was released");
    assert.ok(
      Number.isSafeInteger(next.fence) && next.fence > lease.fence,
      `${next.fence} after ${lease.fence}`,
    );
    assert.equal(
      await settled(() => store.set(KEY, "late", soon(), lease.fence)),
      false,
      "a holder that is over wrote",
    );
    assert.equal(await settled(() => store.get(KEY)), "new");
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

const soon = () => Date.now() + HOUR_MS;

/**
 * Returns the result of a call, or undefined if it fails with a `StoreError`.
 * @template T
 * @param {() => Promise<T>} call
 */
async function settled(call) {
  try {
    return await call();
  } catch (error) {
    assert.ok(error instanceof Error && error.name === "StoreError", `rejected with ${error}`);
    assertHidden(error);
    return undefined;
  }
}

/** @param {string} path @param {{ which: number, how: any }} damage */
async function corruptFile(path, { which, how }) {
  const names = (await readdir(path, { recursive: true })).sort();
  const files = [];
  for (const name of names) if ((await stat(join(path, name))).isFile()) files.push(join(path, name));
  const file = files[which % files.length];
  if (file === undefined) return;
  if (how.kind === "remove") return rm(file);
  if (how.kind === "name") {
    const name = basename(file).replace(/\d+(?=\D*$)/, how.to);
    return rename(file, join(dirname(file), name));
  }
  const text = await readFile(file, "utf8");
  if (how.kind === "replace") return writeFile(file, how.text);
  if (how.kind === "number") return writeFile(file, text.replace(/\d+/, how.to));
  return writeFile(file, edited(text, how.edits));
}
