// A manager without a store has no overhead for sharing: locks, messages, waits or code.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";

import { run } from "../support/child.js";
import { fluz, managerFor, sandboxFor } from "../support/setup.js";

const folder = dirname(createRequire(import.meta.url).resolve("graphql-token-manager/package.json"));

/** A prelude that records each use of a mechanism for sharing between holders. */
const WATCHED = `
  const touched = [];
  const watch = (name, object = {}) =>
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get: () => (touched.push(name), object),
    });
  // What pages have, so that nothing is left alone only because it is not there.
  const locks = { request: () => (touched.push("locks.request"), Promise.resolve()) };
  Object.defineProperty(globalThis, "navigator", {
    configurable: true,
    value: Object.defineProperty({}, "locks", { get: () => (touched.push("navigator.locks"), locks) }),
  });
  for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) watch(name);
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function (...args) {
    touched.push("postMessage");
    return postMessage.apply(this, args);
  };
  const timers = [];
  const { setInterval } = globalThis;
  globalThis.setInterval = (...args) => (timers.push(args[1]), setInterval(...args));
`;

describe("a manager without a store", () => {
  test("uses no lock, no channel, no storage and no polling", async (t) => {
    const sandbox = await sandboxFor(t);

    const { status, stdout, stderr } = await run(
      `${WATCHED}
       const { TokenManager } = await import("graphql-token-manager");
       const tokens = new TokenManager(given);
       const first = await tokens.getToken();
       tokens.invalidate(first);
       await Promise.all([tokens.getToken(), tokens.refresh()]);
       await tokens.request("{ getOffers { offerId } }");
       await tokens.close();
       console.log(JSON.stringify({ touched, timers }));`,
      { given: fluz(sandbox) },
    );

    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { touched: [], timers: [] });
    assert.ok(sandbox.requests().length >= 3);
  });

  test("returns the cached token in one microtask: the same settled promise for all callers", async (t) => {
    const sandbox = await sandboxFor(t);
    for (const store of [undefined, new Map()]) {
      const tokens = managerFor(t, fluz(sandbox, { store }));
      await tokens.getToken();
      await tokens.getToken();

      /** @type {string[]} */
      const order = [];
      const note = (/** @type {string} */ what) => () => void order.push(what);
      const [one, other] = [tokens.getToken(), tokens.getToken()];
      const tokenThen = one.then(note("token"));
      const turns = Promise.resolve().then(note("a turn")).then(note("another"));
      const later = tokens.getAccessToken().then(note("whole token"));
      await Promise.all([tokenThen, turns, later]);

      assert.equal(one, other);
      assert.deepEqual(order, ["token", "a turn", "whole token", "another"]);
    }
  });

  test("does not load a store: the main entry imports none", async () => {
    const names = await readdir(join(folder, "dist"), { recursive: true });
    const scripts = names.filter((name) => /^index.*\.(js|cjs|mjs)$/.test(name));
    assert.ok(scripts.length >= 1, `${names}`);
    for (const name of scripts) {
      const text = await readFile(join(folder, "dist", name), "utf8");
      // Strings in the sources of the stores that any bundler preserves.
      for (const marker of MARKERS) assert.ok(!text.includes(marker), `${name} has ${marker}`);
      assert.doesNotMatch(text, /from\s*["'][^"']*stores\//, name);
    }
    // The stores do contain them.
    const stores = await readdir(join(folder, "stores"));
    const all = await Promise.all(
      stores
        .filter((name) => name.endsWith(".js"))
        .map((name) => readFile(join(folder, "stores", name), "utf8")),
    );
    for (const marker of MARKERS) assert.ok(all.join("\n").includes(marker), marker);
  });
});

/** Long enough not to occur by chance in the core, which is inlined as text. */
const MARKERS = [
  ...["ifAvailable", "indexedDB", "QuotaExceededError", "AES-GCM", "storageArea"],
  ...["node:fs", "O_NOFOLLOW", ".lease", "'PTTL'", "GETRANGE", "StoreError"],
];
