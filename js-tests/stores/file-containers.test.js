// Folders in containers: volumes owned by root, users without a name, links.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { fileStore } from "graphql-token-manager/stores/file";
import { folderFor } from "./support.js";

/** A user id that no system uses. */
const UID = 1_000_720_000;

const isRoot = process.getuid?.() === 0;
const entry = import.meta.resolve("graphql-token-manager/stores/file");

/**
 * Runs a program as another user, on a store in a folder.
 * @param {string} path
 * @param {string} program
 * @param {number} [uid]
 */
async function runAs(path, program, uid = UID) {
  const script = `
    import { fileStore } from ${JSON.stringify(entry)};
    const warnings = [];
    const store = fileStore({ path: ${JSON.stringify(path)}, onWarning: ({ code }) => warnings.push(code) });
    const failure = (action) => action.then(() => undefined, ({ code, message }) => ({ code, message }));
    ${program}`;
  const args = ["--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { uid, gid: uid, cwd: "/" });
  return JSON.parse(stdout);
}

const SHARE = `
  const lease = await store.acquire("key", 5_000);
  const kept = await store.set("key", "token", Date.now() + 60_000, lease.fence);
  await lease.release();
  console.log(JSON.stringify({ kept, value: await store.get("key"), warnings }));`;

/** @param {{ after: import("node:test").TestContext["after"] }} t @param {number} mode @param {number} [owner] */
async function volumeFor(t, mode, owner = 0) {
  const parent = await folderFor(t);
  await fs.chmod(parent, 0o755);
  const path = join(parent, "volume");
  await fs.mkdir(path);
  await fs.chown(path, owner, owner === 0 ? UID : owner);
  await fs.chmod(path, mode);
  return path;
}

describe("a volume owned by root", { skip: !isRoot && "needs to be run by root" }, () => {
  for (const mode of [0o2777, 0o1777, 0o2775]) {
    test(`of mode ${mode.toString(8)} serves a user without a name, in a folder of its own`, async (t) => {
      const path = await volumeFor(t, mode);

      const { kept, value, warnings } = await runAs(path, SHARE);

      assert.deepEqual([kept, value], [true, "token"]);
      // Other users may remove entries, unless the sticky bit is set.
      assert.deepEqual(warnings, mode === 0o1777 ? [] : ["insecure_mode"]);
      const own = await fs.lstat(join(path, `user-${UID}`));
      assert.deepEqual([own.uid, own.mode & 0o777], [UID, 0o700]);
    });
  }

  test("serves several users, each with its own entries", async (t) => {
    const path = await volumeFor(t, 0o2777);
    await runAs(path, SHARE);

    const found = await runAs(
      path,
      `console.log(JSON.stringify([await store.get("key") ?? null]));`,
      UID + 1,
    );

    assert.deepEqual(found, [null]);
  });

  test("in which another user created the folder is rejected", async (t) => {
    const path = await volumeFor(t, 0o2777);
    await fs.mkdir(join(path, `user-${UID}`), { mode: 0o777 });

    const { code, message } = await runAs(
      path,
      `console.log(JSON.stringify(await failure(store.get("key"))));`,
    );

    assert.equal(code, "insecure");
    assert.ok(message.includes("user 0") && message.includes(`user ${UID}`), message);
  });

  test("that this user may not write to is rejected with the system's error code and a remedy", async (t) => {
    const path = await volumeFor(t, 0o755);

    const { code, message } = await runAs(
      path,
      `console.log(JSON.stringify(await failure(store.acquire("key", 5_000))));`,
    );

    assert.equal(code, "unavailable");
    assert.match(message, /EACCES/);
    assert.ok(message.includes(`${UID}`), message);
  });

  test("owned by another user is rejected, and the error names both users", async (t) => {
    const path = await volumeFor(t, 0o2777, UID + 1);

    const { code, message } = await runAs(
      path,
      `console.log(JSON.stringify(await failure(store.get("key"))));`,
    );

    assert.equal(code, "insecure");
    assert.ok(message.includes(`${UID + 1}`) && message.includes(`user ${UID};`), message);
  });
});

test("mounted at a symbolic link is rejected, and the error names the option to set", async (t) => {
  const parent = await fs.realpath(await folderFor(t));
  const target = join(parent, "mount");
  await fs.mkdir(target, { mode: 0o700 });
  await fs.symlink(target, join(parent, "link"));

  const error = await fileStore({ path: join(parent, "link") })
    .acquire("key", 5_000)
    .catch((error) => error);

  assert.equal(error.code, "insecure");
  assert.ok(error.message.includes(target), error.message);
  // Links in the path to the folder are followed.
  await fs.symlink(parent, join(parent, "above"));
  assert.ok(await fileStore({ path: join(parent, "above", "mount") }).acquire("key", 5_000));
});
