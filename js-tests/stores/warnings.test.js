// A warning about a store contains the reason of the failure, and none of its contents.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileStore } from "graphql-token-manager/stores/file";
import { redisStore } from "graphql-token-manager/stores/redis";
import { webStorageStore } from "graphql-token-manager/stores/web";
import { fluz, managerFor, sandboxFor } from "../support/setup.js";
import { next } from "../support/waiting.js";
import { CLIENTS, redisFor } from "./redis-server.js";
import { folderFor } from "./support.js";

/** @import { TestContext } from "node:test" */

/**
 * Returns the first warning of a manager with such a store. The manager obtains its token nevertheless.
 * @param {TestContext} t
 * @param {any} store
 */
async function warningOf(t, store) {
  const tokens = managerFor(t, fluz(await sandboxFor(t), { store }));
  const warned = next(tokens, "warning", ({ code }) => code === "store");
  const token = await tokens.getToken();
  const { message } = await warned;
  assert.ok(!message.includes(token), message);
  return message;
}

for (const name of CLIENTS) {
  test(`${name}: a store warning contains the server's error code`, async (t) => {
    const full = await redisFor(t, "--maxmemory", "1");
    assert.match(await warningOf(t, redisStore(await full.client(t, name))), /\bOOM\b/);

    const replica = await redisFor(t, "--replicaof", "127.0.0.1", "1");
    assert.match(await warningOf(t, redisStore(await replica.client(t, name))), /\bREADONLY\b/);

    const guarded = await redisFor(t);
    const plain = await guarded.client(t, "redis");
    const rules = ["on", "nopass", "~*", "&*", "+@all", "-eval"];
    await plain.sendCommand(["ACL", "SETUSER", "reader", ...rules]);
    const client = await guarded.client(t, name, { username: "reader", password: "any" });
    assert.match(await warningOf(t, redisStore(client)), /\bNOPERM\b/);
  });
}

test("a store warning contains the system's error code", async (t) => {
  const folder = await folderFor(t);
  const file = join(folder, "file");
  await writeFile(file, "");

  assert.match(await warningOf(t, fileStore({ path: join(file, "tokens") })), /\bENOTDIR\b/);
  assert.match(await warningOf(t, fileStore({ path: join(folder, "x".repeat(300)) })), /\bENAMETOOLONG\b/);
});

test("a store warning contains the name of the browser's error", async (t) => {
  for (const name of ["SecurityError", "QuotaExceededError"]) {
    const store = webStorageStore(() => {
      throw new DOMException("secret details", name);
    });
    const message = await warningOf(t, store);
    assert.match(message, new RegExp(name));
    assert.doesNotMatch(message, /secret details/);
  }
});

test("a store warning of a custom store contains the error's code or StoreError message, and no other text", async (t) => {
  const failing = (/** @type {unknown} */ thrown) => ({
    get: async () => Promise.reject(thrown),
    set: async () => Promise.reject(thrown),
    delete: async () => {},
  });
  const system = Object.assign(new Error("write secret failed"), { code: "ENOSPC" });
  assert.match(await warningOf(t, failing(system)), /\bENOSPC\b/);

  const own = Object.assign(new Error("the disk is\u001b[31m away"), {
    name: "StoreError",
    code: "unavailable",
  });
  assert.ok((await warningOf(t, failing(own))).includes("the disk is[31m away"));

  for (const thrown of [
    system,
    Object.assign(new Error("secret"), { code: "secret" }),
    Object.assign(new Error("secret"), { name: "StoreError", code: "secret" }),
    Object.assign(new TypeError("secret"), { cause: "secret" }),
    "secret",
  ]) {
    assert.doesNotMatch(await warningOf(t, failing(thrown)), /secret/);
  }
});
