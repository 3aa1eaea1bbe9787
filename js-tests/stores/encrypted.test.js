// The encrypting wrapper of stores.

import "../support/guard.js";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, describe, test } from "node:test";
import { encrypted } from "graphql-token-manager/stores/encrypted";
import { fileStore } from "graphql-token-manager/stores/file";
import { testConformance } from "./conformance.js";
import { folderFor, soon } from "./support.js";

/** @import { StoreWarning, TokenStore } from "graphql-token-manager" */
/** @import { EncryptionKey } from "graphql-token-manager/stores/encrypted" */

/** An in-memory store with contents that can be inspected and tampered with. @implements {TokenStore} */
class MapStore {
  /** @type {Map<string, string>} */
  values = new Map();

  /** @param {string} key */
  get(key) {
    return this.values.get(key);
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  set(key, value) {
    this.values.set(key, value);
  }

  /** @param {string} key */
  delete(key) {
    this.values.delete(key);
  }
}

/**
 * Creates an encrypted store; returns it with the underlying store and its warnings.
 * @param {EncryptionKey | EncryptionKey[]} key
 * @param {MapStore} [below]
 */
function sealed(key, below = new MapStore()) {
  /** @type {StoreWarning[]} */
  const warnings = [];
  const store = encrypted(below, key, { onWarning: (warning) => void warnings.push(warning) });
  return { store, below, warnings };
}

/** @param {KeyUsage[]} usages */
async function cryptoKey(usages = ["encrypt", "decrypt"]) {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, usages);
  return /** @type {CryptoKey} */ (key);
}

describe("the store contract, except for the size limit, which is the inner store's", async () => {
  const folder = await folderFor({ after: /** @type {any} */ (after) });
  const key = randomBytes(32);
  testConformance(() => encrypted(fileStore({ path: folder }), key));
});

test("keys are bytes, base64 in either alphabet, or a CryptoKey, and the same key decrypts in each form", async () => {
  const bytes = randomBytes(32);
  const raw = /** @type {any} */ (bytes);
  const imported = /** @type {CryptoKey} */ (
    await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"])
  );
  const { store, below } = sealed(bytes);
  await store.set("key", "tökén", soon());

  for (const key of [
    bytes.toString("base64"),
    `${bytes.toString("base64url")}\n`,
    imported,
    new Uint8Array(bytes),
  ]) {
    assert.equal(await sealed(key, below).store.get("key"), "tökén");
  }
});

test("a key is copied, so the caller may overwrite it", async () => {
  const bytes = randomBytes(32);
  const { store, below } = sealed(bytes);
  const same = bytes.toString("base64");
  bytes.fill(0);

  await store.set("key", "token", soon());

  assert.equal(await sealed(same, below).store.get("key"), "token");
});

test("the inner store contains no plaintext, and never the same ciphertext twice", async () => {
  const { store, below } = sealed(randomBytes(32));

  await store.set("key", "a-secret-token", soon());
  const first = below.values.get("key");
  await store.set("key", "a-secret-token", soon());

  assert.match(`${first}`, /^gtm1\./);
  assert.notEqual(below.values.get("key"), first);
  assert.doesNotMatch(Buffer.from(`${first}`.slice(5), "base64").toString("latin1"), /secret/);
});

test("a value that was moved, modified, truncated or not encrypted is missing, and one warning is reported", async () => {
  const { store, below, warnings } = sealed(randomBytes(32));
  await store.set("key", "token", soon());
  const whole = `${below.values.get("key")}`;
  const changed = whole.slice(0, -6) + (whole.at(-6) === "A" ? "B" : "A") + whole.slice(-5);

  below.values.set("moved", whole);
  assert.equal(await store.get("moved"), undefined);
  for (const text of [
    changed,
    whole.slice(0, -4),
    whole.slice(0, 10),
    "gtm1.",
    "gtm1.*",
    "token",
    "gtm2.xxxx",
    "",
  ]) {
    below.values.set("key", text);
    assert.equal(await store.get("key"), undefined, text);
  }

  assert.deepEqual(
    warnings.map(({ code }) => code),
    ["unreadable"],
  );
  assert.doesNotMatch(`${warnings[0]?.message}`, /token|key"/);
  below.values.set("key", whole);
  assert.equal(await store.get("key"), "token");
});

describe("an ineffective key is rejected:", () => {
  const generate = (/** @type {any} */ algorithm, extractable = false) =>
    crypto.subtle.generateKey(algorithm, extractable, ["encrypt", "decrypt"]);
  /** @type {Record<string, () => any>} */
  const KEYS = {
    "bytes of zero": () => new Uint8Array(32),
    "bytes that are all the same": () => new Uint8Array(32).fill(7),
    "zero in base64": () => Buffer.alloc(32).toString("base64"),
    "bytes that are too few": () => randomBytes(31),
    "no bytes": () => new Uint8Array(0),
    "an extractable CryptoKey": () => generate({ name: "AES-GCM", length: 256 }, true),
    "an extractable CryptoKey with an overridden `extractable`": async () => {
      const key = await generate({ name: "AES-GCM", length: 256 }, true);
      return Object.defineProperty(key, "extractable", { value: false });
    },
    "a CryptoKey of another algorithm": () => generate({ name: "AES-CBC", length: 256 }),
    "an object that resembles a CryptoKey": () => ({
      type: "secret",
      extractable: false,
      algorithm: { name: "AES-GCM", length: 256 },
      usages: ["encrypt", "decrypt"],
    }),
    "an object with the prototype of CryptoKey": () =>
      Object.create(CryptoKey.prototype, { algorithm: { value: { name: "AES-GCM" } } }),
  };
  for (const [name, make] of Object.entries(KEYS)) {
    test(name, async () => {
      const key = await make();

      assert.throws(() => encrypted(new MapStore(), key), { name: "StoreError", code: "invalid_options" });
      // Not behind a valid one either.
      assert.throws(() => encrypted(new MapStore(), [randomBytes(32), key]), { code: "invalid_options" });
    });
  }
});

test("an earlier value that is restored decrypts: replays are not prevented", async () => {
  const { store, below } = sealed(randomBytes(32));
  await store.set("key", "old", soon());
  const old = `${below.values.get("key")}`;
  await store.set("key", "new", soon());
  below.values.set("key", old);

  assert.equal(await store.get("key"), "old");
});

test("keys are rotated by listing the new one before the old one", async () => {
  const [old, next] = [await cryptoKey(), randomBytes(32).toString("base64")];
  const { store: before, below } = sealed(old);
  await before.set("key", "token", soon());

  const { store: both, warnings } = sealed([next, old], below);
  assert.equal(await both.get("key"), "token");
  assert.deepEqual(warnings, []);
  await both.set("key", "new token", soon());

  assert.equal(await sealed(next, below).store.get("key"), "new token");
  assert.equal(await before.get("key"), undefined);
});

test("an invalid key is rejected at once, and not shown", async () => {
  const wrong = [
    "",
    "a-secret-key",
    randomBytes(16),
    randomBytes(33),
    [],
    undefined,
    {},
    await cryptoKey(["encrypt"]),
  ];

  for (const key of wrong) {
    assert.throws(
      () => encrypted(new MapStore(), /** @type {any} */ (key)),
      (/** @type {any} */ error) =>
        error.code === "invalid_options" && !error.message.includes("a-secret-key"),
    );
  }
  assert.throws(() => encrypted(/** @type {any} */ ({}), randomBytes(32)), { code: "invalid_options" });
});

test("it has leases and notifications exactly if the inner store has them, and forwards them", async () => {
  assert.deepEqual(Object.keys(encrypted(new MapStore(), randomBytes(32))), ["get", "set", "delete"]);
  /** @type {unknown[]} */
  const calls = [];
  const lease = { fence: 7, release: async () => {} };
  const below = Object.assign(new MapStore(), {
    acquire: async (/** @type {unknown[]} */ ...given) => (calls.push(given), lease),
    watch: (/** @type {unknown[]} */ ...given) => (calls.push(given), () => {}),
    set: async (/** @type {unknown[]} */ ...given) => (calls.push([given[0], ...given.slice(2)]), false),
  });
  const store = encrypted(below, randomBytes(32));
  const changed = () => {};

  assert.equal(await store.acquire("key", 5), lease);
  store.watch("key", changed);
  assert.equal(await store.set("key", "token", 9, 3), false);

  assert.deepEqual(calls, [
    ["key", 5],
    ["key", changed],
    ["key", 9, 3],
  ]);
});
