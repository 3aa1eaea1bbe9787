// The file store: processes of one machine, and files in any state.

import "../support/guard.js";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { after, describe, test } from "node:test";
import { fileStore } from "graphql-token-manager/stores/file";
import { run } from "../support/child.js";
import { testConformance } from "./conformance.js";
import { folderFor, holderFor, lease, leaseInTime, soon, stopHolder, watched } from "./support.js";

/** @import { TestContext } from "node:test" */
/** @import { StoreWarning } from "graphql-token-manager" */

/** Returns the files in a folder, recursively. @param {string} folder */
async function names(folder) {
  const all = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  const files = all.filter((entry) => !entry.isDirectory());
  return files.map((entry) => join(relative(folder, entry.parentPath), entry.name)).sort();
}

/**
 * Returns the path of the only entry in a folder.
 * @param {string} folder
 */
async function entryIn(folder) {
  const [name, ...others] = (await names(folder)).filter((name) => name.endsWith(".token"));
  assert.deepEqual(others, []);
  return join(folder, `${name}`);
}

/** @param {string} path */
const modeOf = async (path) => ((await fs.lstat(path)).mode & 0o777).toString(8);

/**
 * Creates a store; returns it with its folder and warnings.
 * @param {TestContext} t
 */
async function storeFor(t) {
  const path = join(await folderFor(t), "tokens");
  /** @type {StoreWarning[]} */
  const warnings = [];
  const options = { path, onWarning: (/** @type {StoreWarning} */ warning) => void warnings.push(warning) };
  return { path, warnings, options, store: fileStore(options) };
}

describe("the store contract", async () => {
  const folder = await folderFor({ after: /** @type {any} */ (after) });
  testConformance(() => fileStore({ path: folder }));
});

describe("permissions and disclosure", () => {
  test("the folder has mode 0700, its files 0600, and no name contains a key", async (t) => {
    const { path, store } = await storeFor(t);
    const held = await lease(store, "somebody@example.com");

    await store.set("somebody@example.com", "token", soon(), held.fence);

    assert.equal(await modeOf(path), "700");
    const files = await names(path);
    assert.equal(files.length, 3, `${files}`);
    assert.equal(await modeOf(dirname(await entryIn(path))), "700");
    for (const name of files) {
      assert.equal(await modeOf(join(path, name)), "600", name);
      assert.doesNotMatch(name, /somebody/);
    }
  });

  test("a wider mode of the folder or of a file is corrected, and reported once each", async (t) => {
    const { path, options, warnings, store } = await storeFor(t);
    await store.set("key", "token", soon());
    await fs.chmod(path, 0o755);
    await fs.chmod(await entryIn(path), 0o644);

    assert.equal(await store.get("key"), "token");
    assert.equal(await modeOf(path), "700");
    assert.equal(await modeOf(await entryIn(path)), "600");
    await fs.chmod(await entryIn(path), 0o640);
    assert.equal(await store.get("key"), "token");
    assert.equal(await modeOf(await entryIn(path)), "600");
    await fs.chmod(dirname(await entryIn(path)), 0o755);
    assert.equal(await store.get("key"), "token");
    assert.equal(await modeOf(dirname(await entryIn(path))), "700");

    assert.deepEqual(
      warnings.map(({ code }) => code),
      ["insecure_mode", "insecure_mode"],
    );
    await assert.doesNotReject(async () => fileStore(options).get("key"));
    assert.equal(warnings.length, 2);
  });

  test("without a listener, a process warning is emitted", async (t) => {
    const { path, store } = await storeFor(t);
    await store.set("key", "token", soon());
    await fs.chmod(path, 0o750);
    const warned = new Promise((resolve) => process.once("warning", resolve));

    await fileStore({ path }).get("key");

    const { name, code } = /** @type {any} */ (await warned);
    assert.deepEqual({ name, code }, { name: "StoreWarning", code: "insecure_mode" });
  });

  test("a symbolic link is rejected, as the folder, as an entry and as a lease", async (t) => {
    const { path, store } = await storeFor(t);
    const target = join(path, "..", "elsewhere");
    await store.set("key", "token", soon());
    const entry = await entryIn(path);
    await fs.rename(entry, target);
    await fs.symlink(target, entry);

    const insecure = { name: "StoreError", code: "insecure" };
    await assert.rejects(store.get("key"), insecure);
    await assert.rejects(store.set("key", "other", soon()), insecure);
    await assert.rejects(store.acquire("key", 1_000), insecure);
    assert.match(await fs.readFile(target, "utf8"), /"token"/);

    const place = dirname(entry);
    await fs.rename(place, `${place}-moved`);
    await fs.symlink(`${place}-moved`, place);
    await assert.rejects(store.get("key"), insecure);
    await assert.rejects(store.set("key", "other", soon()), insecure);

    const folder = join(path, "..", "link");
    await fs.symlink(path, folder);
    const linked = fileStore({ path: folder });
    await assert.rejects(linked.get("key"), insecure);
    await assert.rejects(linked.set("key", "other", soon()), insecure);
    await assert.rejects(linked.acquire("key", 1_000), insecure);
  });

  test("a pipe in place of an entry is rejected without blocking", async (t) => {
    const { path, store } = await storeFor(t);
    await store.set("key", "token", soon());
    const entry = await entryIn(path);
    await fs.rm(entry);
    const { execFileSync } = await import("node:child_process");
    execFileSync("mkfifo", ["-m", "600", entry]);

    await assert.rejects(store.get("key"), { code: "insecure" });
  });

  test("errors name the folder, and no value", async (t) => {
    const parent = await folderFor(t);
    await fs.writeFile(join(parent, "file"), "");
    const store = fileStore({ path: join(parent, "file", "tokens") });

    const error = await store.set("key", "a-secret-token", soon()).catch((error) => error);

    assert.deepEqual([error.name, error.code], ["StoreError", "unavailable"]);
    assert.ok(error.message.includes("ENOTDIR") && error.message.includes("tokens"));
    assert.doesNotMatch(`${error.stack}${error.cause}`, /a-secret-token/);
    await assert.rejects(store.set("key", "x".repeat(1024 * 1024 + 1), soon()), { code: "too_large" });
    assert.throws(() => fileStore(/** @type {any} */ ({})), { code: "invalid_options" });
  });
});

test(
  "a folder that cannot be created is an error, and keeps no process busy",
  {
    skip: process.platform !== "linux",
  },
  async () => {
    const program = `
    import { fileStore } from "graphql-token-manager/stores/file";
    const store = fileStore({ path: "/proc/graphql-token-manager/store" });
    const stop = store.watch("key", () => {});
    console.log(await store.set("key", "value", Date.now() + 60_000).catch(({ code }) => code));
    stop();
  `;

    const { status, stdout, stderr } = await run(program);

    assert.deepEqual(
      { status, stdout: stdout.trim(), stderr },
      { status: 0, stdout: "unavailable", stderr: "" },
    );
  },
);

describe("files on disk", () => {
  test("an entry that is truncated, malformed, of another format or too large is missing, and is replaced", async (t) => {
    const { path, store } = await storeFor(t);
    await store.set("key", "token", soon());
    const entry = await entryIn(path);
    const whole = await fs.readFile(entry, "utf8");
    const malformed = [
      "",
      whole.slice(0, -5),
      "null",
      "[]",
      '{"version":1}',
      whole.replace('"version":1', '"version":2'),
    ];
    const large = JSON.stringify({ ...JSON.parse(whole), value: "x".repeat(1024 * 1024 + 1) });

    for (const text of [
      ...malformed,
      whole.replace('"token"', "7"),
      large,
      "x".repeat(10_000_000),
      "\0\xff",
    ]) {
      await fs.writeFile(await entryIn(path), text);
      assert.equal(await store.get("key"), undefined, text.slice(0, 80));
      const held = await lease(store, "key");
      assert.equal(await store.get("key"), undefined);
      assert.equal(await store.set("key", "again", soon(), held.fence), true);
      await held.release();
      assert.equal(await store.get("key"), "again");
    }
  });

  test("an entry is synced before it replaces the old one, and its directory afterwards", async (t) => {
    const { path, store } = await storeFor(t);
    await store.set("key", "old", soon());
    const handle = await fs.open(await entryIn(path));
    await handle.close();
    const prototype = Object.getPrototypeOf(handle);
    const { sync } = prototype;
    /** @type {unknown[]} */
    const found = [];
    t.mock.method(prototype, "sync", async function (/** @type {unknown[]} */ ...given) {
      found.push(JSON.parse(await fs.readFile(await entryIn(path), "utf8")).value);
      // @ts-expect-error A file or a folder, as it is.
      return sync.apply(this, given);
    });

    await store.set("key", "new", soon());

    assert.deepEqual(found, ["old", "new"]);
  });

  test("a malformed lease does not block", async (t) => {
    const { path, store } = await storeFor(t);
    const { fence } = await lease(store, "key");
    const [name] = (await names(path)).filter((name) => name.endsWith(".lease"));
    await fs.writeFile(join(path, `${name}`), "{");

    const next = await lease(store, "key");

    assert.ok(next.fence > fence);
  });

  test("a folder that is emptied or removed is created again, and fences still grow", async (t) => {
    const { path, store } = await storeFor(t);
    const first = await lease(store, "key");
    await store.set("key", "token", soon(), first.fence);
    for (const name of await names(path)) await fs.rm(join(path, name));
    assert.equal(await store.get("key"), undefined);

    const second = await lease(store, "key");
    await fs.rm(path, { recursive: true });
    assert.equal(await store.get("key"), undefined);
    const third = await lease(store, "key");

    assert.ok(first.fence < second.fence && second.fence < third.fence);
    assert.equal(await store.set("key", "late", soon(), second.fence), false);
    assert.equal(await store.set("key", "token", soon(), third.fence), true);
  });

  test("no other files remain: one file for each key beside its lease", async (t) => {
    const { path, store } = await storeFor(t);
    const abandoned = join(path, `${await nameOf(store, path)}.abandoned.tmp`);
    await fs.writeFile(abandoned, "half a tok", { mode: 0o600 });
    await fs.utimes(abandoned, 1, 1);

    for (let round = 0; round < 5; round += 1) {
      const held = await lease(store, "key");
      await store.set("key", "token", soon(), held.fence);
      await held.release();
    }

    assert.deepEqual(
      (await names(path)).map((name) => name.replace(/^.*[./]/, "")),
      ["token", "epoch"],
    );
  });

  test("an interrupted write leaves the entry unchanged", async (t) => {
    const { path, store } = await storeFor(t);
    await store.set("key", "token", soon());
    await fs.writeFile(join(path, `${await nameOf(store, path)}.half.tmp`), '{"version":1,"val', {
      mode: 0o600,
    });

    assert.equal(await store.get("key"), "token");
  });

  test("a lease that was granted too late to be used is released", async (t) => {
    const { path, store } = await storeFor(t);
    const real = Date.now.bind(Date);
    let ahead = 0;
    // Each read of the clock advances it by a second.
    const slow = t.mock.method(Date, "now", () => real() + (ahead += 1_000));

    assert.equal(await store.acquire("key", 500), undefined);
    slow.mock.restore();

    assert.deepEqual(
      (await names(path)).filter((name) => name.endsWith(".lease")),
      [],
    );
    const next = await lease(store, "key");
    assert.equal(await store.set("key", "token", soon(), next.fence), true);
  });

  test("a lease taken before the clock was set back does not last longer", async (t) => {
    const { store } = await storeFor(t);
    t.mock.method(Date, "now", () => performance.timeOrigin + performance.now() + 86_400_000);
    await lease(store, "key", 30_000);
    t.mock.restoreAll();

    assert.ok(await store.acquire("key", 30_000));
  });
});

/**
 * Returns the common prefix of a key's file names.
 * @param {ReturnType<typeof fileStore>} store
 * @param {string} path
 */
async function nameOf(store, path) {
  await store.set("key", "token", soon());
  return relative(path, await entryIn(path)).split(".")[0];
}

test("an entry among ten thousand is read as fast as one among ten", async (t) => {
  const { path, store } = await storeFor(t);
  await store.set("key", "token", soon());
  const place = dirname(await entryIn(path));
  const spent = async () => {
    const began = process.cpuUsage();
    for (let count = 0; count < 50; count += 1) assert.equal(await store.get("key"), "token");
    const { user, system } = process.cpuUsage(began);
    return user + system;
  };
  await spent();
  const alone = await spent();

  // As many entries as one folder contains if there are ten thousand in total.
  const name = (/** @type {number} */ count) => createHash("sha256").update(`${count}`).digest("hex");
  for (let count = 0; count < 10_000; count += 1) {
    const other = join(path, name(count).slice(0, 2));
    await fs.mkdir(other, { mode: 0o700, recursive: true });
    await fs.writeFile(join(other, `${name(count)}.1.token`), "", { mode: 0o600 });
  }

  assert.ok((await fs.readdir(place)).length < 100);
  // A single folder of ten thousand entries took forty times as long.
  assert.ok((await spent()) < 10 * alone);
});

describe("notifications", () => {
  test("changes of others are reported even if the system reports none, and own changes are not", async (t) => {
    const { path, options } = await storeFor(t);
    const store = fileStore({ ...options, pollMs: 20 });
    const other = fileStore(options);
    const { changed, count, end } = watched(store, "key");
    t.after(end);
    await store.set("key", "own", soon());
    const held = await lease(store, "key");
    await held.release();
    assert.equal(count(), 0);
    // The system's watcher refers to a folder that no longer exists.
    await fs.rename(path, `${path}-moved`);

    await other.set("key", "token", soon());

    await changed;
    assert.equal(await store.get("key"), "token");
  });

  test("watching does not keep the process running", async (t) => {
    const { path } = await storeFor(t);
    const { run } = await import("../support/child.js");

    const { status, stderr } = await run(
      `import { fileStore } from "graphql-token-manager/stores/file";
       const store = fileStore({ path: given });
       store.watch("key", () => {});
       await store.set("key", "token", Date.now() + 1000);`,
      { given: path },
    );

    assert.equal(status, 0, stderr);
  });
});

describe("processes", () => {
  test("a lease is free as soon as its process was killed, and its late write is rejected", async (t) => {
    const { path, store } = await storeFor(t);
    const holder = await holderFor(t, { kind: "file", path });
    const first = await holder.do("acquire", "key", 3_600_000);
    assert.equal(await store.acquire("key", 1_000), undefined);

    await holder.kill("SIGKILL");

    const second = await leaseInTime(store, "key");
    assert.ok(second.fence > first);
    assert.equal(await store.set("key", "late", soon(), first), false);
  });

  test("a stopped process loses its lease when it expires, and its late write is rejected", async (t) => {
    const { path, store } = await storeFor(t);
    await stopHolder(t, { kind: "file", path }, store);
  });

  test("processes that are killed while they hold the lease do not affect the others", async (t) => {
    const { path, store } = await storeFor(t);
    const holders = await Promise.all(Array.from({ length: 8 }, () => holderFor(t, { kind: "file", path })));
    const killed = holders.splice(0, 4);

    const counting = holders.map((holder) => holder.do("count", "key", 10));
    for (const holder of killed) {
      await holder.do("acquireInTime", "key", 3_600_000);
      await holder.kill("SIGKILL");
    }
    await Promise.all(counting);

    assert.equal(await store.get("key"), "40");
  });
});
