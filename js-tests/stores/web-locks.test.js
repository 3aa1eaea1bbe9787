// A lease with Web Locks ends when the heartbeats of its tab stop, in simulated time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { webStorageStore } from "graphql-token-manager/stores/web";

/** @import { TestContext } from "node:test" */

/** The subset of the Web Locks API that the stores use. */
class Locks {
  /** @type {Map<string, { freed: Promise<unknown>, lose: (reason: Error) => void }>} */
  #held = new Map();

  /**
   * @param {string} name
   * @param {any} how
   * @param {any} callback
   */
  async request(name, how, callback = how) {
    const { ifAvailable = false, steal = false } = how;
    for (let held; !steal && (held = this.#held.get(name)) !== undefined; await held.freed) {
      if (ifAvailable) return callback(null);
    }
    this.#held.get(name)?.lose(new DOMException("stolen", "AbortError"));
    const run = Promise.resolve({ name }).then(callback);
    /** @type {(reason: Error) => void} */
    let lose = () => {};
    const lost = new Promise((_resolve, reject) => (lose = reject));
    lost.catch(() => {});
    const hold = { freed: run.catch(() => {}), lose };
    this.#held.set(name, hold);
    try {
      return await Promise.race([run, lost]);
    } finally {
      if (this.#held.get(name) === hold) this.#held.delete(name);
    }
  }
}

/** Creates two tabs of one origin, with simulated time. @param {TestContext} t */
function tabsFor(t) {
  t.mock.timers.enable({ apis: ["Date", "setTimeout", "setInterval"], now: 1_750_000_000_000 });
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { locks: new Locks() } });
  t.after(() => {
    if (before !== undefined) Object.defineProperty(globalThis, "navigator", before);
    else Reflect.deleteProperty(globalThis, "navigator");
  });
  /** @type {Map<string, string>} */
  const items = new Map();
  const storage = /** @type {any} */ ({
    getItem: (/** @type {string} */ key) => items.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void items.set(key, value),
    removeItem: (/** @type {string} */ key) => void items.delete(key),
  });
  return { holder: webStorageStore(storage), other: webStorageStore(storage) };
}

/** Advances the time and runs the timers that fall due. @param {TestContext} t @param {number} ms */
async function pass(t, ms) {
  for (let passed = 0; passed < ms; passed += 500) {
    t.mock.timers.tick(500);
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }
}

test("a running tab keeps its lease until it expires", async (t) => {
  const { holder, other } = tabsFor(t);
  const held = await holder.acquire("key", 30_000);
  assert.ok(held);

  await pass(t, 29_000);
  assert.equal(await other.acquire("key", 30_000), undefined);

  await pass(t, 1_500);
  const next = await other.acquire("key", 30_000);
  assert.ok(next && next.fence > held.fence);
});

test("a frozen tab loses its lease within ten seconds, and its late write is rejected", async (t) => {
  const { holder, other } = tabsFor(t);
  // As in a tab that freezes now.
  t.mock.method(globalThis, "setInterval", () => 0);
  const held = await holder.acquire("key", 30_000);
  assert.ok(held);

  await pass(t, 6_000);
  assert.equal(await other.acquire("key", 30_000), undefined);
  await pass(t, 1_500);
  const next = await other.acquire("key", 30_000);

  assert.ok(next && next.fence > held.fence);
  assert.equal(await holder.set("key", "late", Date.now() + 60_000, held.fence), false);
  await held.release();
  assert.equal(await holder.acquire("key", 30_000), undefined);
});

test("a released lease is not extended", async (t) => {
  const { holder, other } = tabsFor(t);
  const held = await holder.acquire("key", 30_000);

  await pass(t, 2_000);
  await held?.release();
  await pass(t, 4_000);

  assert.ok(await other.acquire("key", 30_000));
});
