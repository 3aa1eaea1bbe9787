/**
 * A process with its own store, controlled by messages of its parent process.
 *
 * @module
 */

import { createClient } from "redis";
import { fileStore } from "graphql-token-manager/stores/file";
import { redisStore } from "graphql-token-manager/stores/redis";
import { leaseInTime, soon } from "./support.js";

/** @import { Lease } from "graphql-token-manager" */
/** @import { Place, Store } from "./support.js" */

const store = await open(JSON.parse(process.argv[2] ?? ""));
/** @type {Lease | undefined} */
let held;

/** @type {Record<string, (...args: any[]) => Promise<unknown>>} */
const actions = {
  get: (key) => store.get(key),
  set: (key, value, fence) => store.set(key, value, soon(), fence),
  acquire: async (key, ttlMs) => (held = await store.acquire(key, ttlMs))?.fence,
  acquireInTime: async (key, ttlMs) => (held = await leaseInTime(store, key, ttlMs)).fence,
  release: async () => held?.release(),
  /** Increments a counter under the lease the given number of times; returns the fences. */
  count: async (key, times) => {
    const fences = [];
    for (let time = 0; time < times; time += 1) {
      const { fence, release } = await leaseInTime(store, key);
      const count = Number((await store.get(key)) ?? 0);
      if (!(await store.set(key, `${count + 1}`, soon(), fence))) throw new Error("a write was rejected");
      fences.push(fence);
      await release();
    }
    return fences;
  },
};

process.on("message", async (/** @type {{ name: string, args: unknown[] }} */ { name, args }) => {
  try {
    process.send?.({ result: await actions[name]?.(...args) });
  } catch (error) {
    process.send?.({ failure: `${error}` });
  }
});
process.send?.("ready");

/**
 * @param {Place} place
 * @returns {Promise<Store>}
 */
async function open(place) {
  if (place.kind === "file") return fileStore({ path: place.path });
  const client = createClient({ url: place.url });
  client.on("error", () => {});
  await client.connect();
  return redisStore(client);
}
