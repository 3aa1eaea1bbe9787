// Invalid fences in a store are repaired, and meanwhile only the holder of the lease writes.

import "../support/guard.js";
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileStore } from "graphql-token-manager/stores/file";
import { redisStore } from "graphql-token-manager/stores/redis";

import { redisFor } from "./redis-server.js";
import { folderFor, holderFor, lease, leaseInTime, soon } from "./support.js";

/** @import { TestContext } from "node:test" */
/** @import { Place, Store } from "./support.js" */

/** Replacements of a fence: not an integer, or one that cannot be incremented. */
const DAMAGE = [
  "",
  "nan",
  "-inf",
  "text",
  "0x10",
  "1e3",
  "1.5",
  "-1",
  " 1",
  `${2 ** 53}`,
  "9".repeat(10_000),
];

/**
 * @typedef {object} Damageable
 * @property {Place} place
 * @property {Store} store
 * @property {(text: string) => Promise<unknown>} damage replaces the fence of the key `key`
 */

/** @type {Record<string, (t: { after: TestContext["after"] }) => Promise<Damageable>>} */
const STORES = {
  redisStore: async (t) => {
    const server = await redisFor(t);
    const client = await server.client(t, "ioredis");
    const key = "graphql-token-manager:{key}:fence";
    const damage = (/** @type {string} */ text) => client.set(key, text);
    return { place: { kind: "redis", url: server.url }, store: redisStore(client), damage };
  },
  fileStore: async (t) => {
    const path = await folderFor(t);
    const store = fileStore({ path });
    await store.set("key", "first", soon());
    const [folder = ""] = await readdir(path);
    const [name = ""] = (await readdir(join(path, folder))).filter((name) => name.endsWith(".token"));
    const [hash] = name.split(".");
    const damage = async (/** @type {string} */ text) => {
      for (const kind of ["token", "lease"]) {
        // Some are not valid file names.
        await writeFile(join(path, folder, `${hash}.${text}.${kind}`), "{}").catch(() => {});
      }
    };
    return { place: { kind: "file", path }, store, damage };
  },
};

for (const [name, storeFor] of Object.entries(STORES)) {
  describe(`a damaged fence of a ${name}`, async () => {
    const { place, store, damage } = await storeFor({
      after: /** @type {TestContext["after"]} */ (after),
    });

    test("is repaired by the next lease, which has a higher fence", async () => {
      for (const text of DAMAGE) {
        const before = await lease(store, "key");
        await before.release();
        await damage(text);

        const next = await lease(store, "key");

        assert.ok(Number.isSafeInteger(next.fence) && next.fence > before.fence, `${next.fence}`);
        assert.equal(await store.set("key", "late", soon(), before.fence), false);
        assert.equal(await store.set("key", "token", soon(), next.fence), true);
        assert.equal(await store.get("key"), "token");
        await next.release();
      }
    });

    test("leaves the lease with its holder, which alone may write", async () => {
      for (const text of DAMAGE) {
        const before = await lease(store, "key");
        await before.release();
        const held = await lease(store, "key");
        await damage(text);

        assert.equal(await store.acquire("key", 60_000), undefined);
        assert.equal(await store.set("key", "late", soon(), before.fence), false);
        await damage(text);
        assert.equal(await store.set("key", "token", soon(), held.fence), true);
        assert.equal(await store.get("key"), "token");
        await held.release();
        const next = await lease(store, "key");
        assert.ok(next.fence > held.fence);
        await next.release();
      }
    });

    test("does not affect processes that count under the lease, however often it occurs", async (t) => {
      const holders = await Promise.all(Array.from({ length: 4 }, () => holderFor(t, place)));
      await store.set("key", "0", soon());
      const run = { isOver: false };
      const damaging = (async () => {
        for (let time = 0; !run.isOver; time += 1) {
          await damage(DAMAGE[time % DAMAGE.length] ?? "");
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        // The last damage remains at the end.
      })();

      const counts = await Promise.all(holders.map((holder) => holder.do("count", "key", 25)));
      run.isOver = true;
      await damaging;

      // Two concurrent holders would lose an increment or a write.
      assert.equal(await store.get("key"), "100");
      const fences = counts.flat();
      assert.equal(new Set(fences).size, 100);
      assert.ok(fences.every(Number.isSafeInteger));
      for (const own of counts)
        assert.deepEqual(
          own,
          [...own].sort((one, other) => one - other),
        );
    });

    test("passed by a caller is rejected as invalid", async () => {
      for (const fence of [NaN, Infinity, -1, 1.5, 2 ** 53, "1"]) {
        await assert.rejects(store.set("key", "token", soon(), /** @type {any} */ (fence)), {
          name: "StoreError",
          code: "invalid_options",
        });
      }
    });
  });
}

test("a late write in Redis is rejected if its fence was damaged after the lease had ended", async (t) => {
  const { store, damage } = await /** @type {any} */ (STORES.redisStore)(t);
  const early = await lease(store, "key");
  await early.release();
  const late = await leaseInTime(store, "key");
  await store.set("key", "token", soon(), late.fence);
  await late.release();
  await damage("nan");

  assert.equal(await store.set("key", "early", soon(), early.fence), false);
  assert.equal(await store.get("key"), "token");
  // The store no longer has a record of the last fence.
  assert.equal(await store.set("key", "late", soon(), late.fence), false);
  assert.ok((await lease(store, "key")).fence > late.fence);
});
