/**
 * A process with a manager that shares its token. Options and store are arguments; actions are requested by messages.
 *
 * @module
 */

import { TokenManager } from "graphql-token-manager";
import { fileStore } from "graphql-token-manager/stores/file";
import { redisStore } from "graphql-token-manager/stores/redis";

const { options, store } = JSON.parse(process.argv[2] ?? "{}");
/** @type {() => unknown} */
let disconnect = () => undefined;

async function open() {
  if (store.file) return fileStore({ path: store.file });
  if (store.ioredis) {
    const { Redis } = await import("ioredis");
    const client = new Redis(store.ioredis);
    disconnect = () => client.disconnect();
    return redisStore(client, { prefix: "test:" });
  }
  const { createClient } = await import("redis");
  const client = await createClient({ url: store.redis }).connect();
  disconnect = () => client.destroy();
  return redisStore(/** @type {any} */ (client), { prefix: "test:" });
}

const tokens = new TokenManager({ ...options, store: await open() });

process.on("message", async (message) => {
  if (message === "getToken") process.send?.(await tokens.getToken());
  if (message === "refresh") process.send?.((await tokens.refresh()).value);
  if (message === "clear") {
    await tokens.clear();
    process.send?.("cleared");
  }
  if (message === "peek") process.send?.(tokens.peek()?.value ?? "none");
  if (message === "close") {
    await tokens.close();
    await disconnect();
    process.send?.("closed", () => process.disconnect());
  }
});
