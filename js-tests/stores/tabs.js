/**
 * Tests, for any browser, of tabs that share their storage.
 *
 * @module
 */

import "../support/guard.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { currentPace } from "../support/pace.js";
import { until } from "../support/waiting.js";
import { siteFor } from "./browsers.js";

/** @import { Browser, Tab } from "./browsers.js" */
/** @import { TestContext } from "node:test" */

// Globals of the tab. The functions that run in a tab are defined in this file but see these instead of Node's.
const { open, posted, soon, leaseInTime, storeChecks, stores } = /** @type {Record<string, any>} */ ({});

export const SHARED = ["localStorage", "indexedDb", "encrypted"];

/**
 * Runs all checks in a tab; returns the names of those that passed, and the failures.
 *
 * @param {Tab} tab @param {string} kind
 */
export function checked(tab, kind) {
  return tab.run(async (kind) => {
    const results = { passed: 0, failed: /** @type {string[]} */ ([]) };
    const checks = storeChecks(() => open(kind));
    for (const { name, run } of checks) {
      await run().then(
        () => (results.passed += 1),
        (/** @type {Error} */ error) => results.failed.push(`${name}: ${error.message}`),
      );
    }
    return results;
  }, kind);
}

/** @param {Tab} tab @param {() => any} condition */
export async function untilIn(tab, condition) {
  await until(() => tab.run(condition), `${condition}`);
}

/**
 * Starts a separate origin; its tabs are closed after the test.
 * @param {TestContext} t
 * @param {Promise<Browser>} starting
 */
export async function originFor(t, starting) {
  const { tab, ...browser } = await starting;
  const site = await siteFor(t);
  const open = async (/** @type {string} */ url) => {
    const opened = await tab(url);
    let isClosed = false;
    const close = async () => {
      if (!isClosed) await opened.close();
      isClosed = true;
    };
    t.after(close);
    return { ...opened, close };
  };
  return { ...browser, site, tab: open };
}

/**
 * Registers the tests of tabs.
 * @param {Promise<Browser>} starting
 */
export function testTabs(starting) {
  for (const kind of [...SHARED, "sessionStorage"]) {
    test(`${kind}: the store contract`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);
      const tab = await openTab(site.secure);

      const { passed, failed } = await checked(tab, kind);

      assert.deepEqual(failed, []);
      assert.ok(passed > 10);
    });
  }

  for (const kind of ["localStorage", "indexedDb"]) {
    test(`${kind}: the store contract on a page without https:, which has no Web Locks`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);
      const tab = await openTab(site.insecure);
      assert.equal(await tab.run(() => isSecureContext || "locks" in navigator), false);

      const { passed, failed } = await checked(tab, kind);

      assert.deepEqual(failed, []);
      assert.ok(passed > 10);
    });
  }

  for (const kind of SHARED) {
    test(`${kind}: tabs count under the lease, one is closed while it holds it, and no increment is lost`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);
      const tabs = await Promise.all([0, 1, 2, 3].map(() => openTab(site.secure)));
      const [first] = /** @type {[Tab]} */ (tabs);
      const closed = await openTab(site.secure);
      await closed.run((kind) => leaseInTime(open(kind), "key", 3_600_000).then(() => {}), kind);
      // Browsers propagate `localStorage` to other tabs with a delay.
      const [pauseMs, rounds] = kind === "localStorage" ? [200 * currentPace(), 3] : [0, 5];

      for (const tab of tabs) {
        await tab.run(
          ({ kind, pauseMs, rounds }) => {
            const count = async () => {
              const store = open(kind);
              const fences = [];
              for (let round = 0; round < rounds; round += 1) {
                const { fence, release } = await leaseInTime(store, "key");
                fences.push(fence);
                const before = Number((await store.get("key")) ?? 0);
                if (!(await store.set("key", `${before + 1}`, soon(), fence))) throw new Error("refused");
                await new Promise((resolve) => setTimeout(resolve, pauseMs));
                await release();
              }
              return fences;
            };
            count().then(
              (fences) => Object.assign(window, { fences }),
              (error) => Object.assign(window, { fences: [String(error)] }),
            );
          },
          { kind, pauseMs, rounds },
        );
      }
      await closed.close();
      for (const tab of tabs) await untilIn(tab, () => "fences" in window);

      const fences = (
        await Promise.all(tabs.map((tab) => tab.run(() => Reflect.get(window, "fences"))))
      ).flat();
      assert.equal(new Set(fences).size, 4 * rounds, `${fences}`);
      assert.equal(await first.run((kind) => open(kind).get("key"), kind), `${4 * rounds}`);
    });

    test(`${kind}: a lease whose tab is suspended expires, and its late write is rejected`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);
      const asleep = await openTab(site.secure);
      const other = await openTab(site.secure);
      const until = await asleep.run(async (kind) => {
        window.setTimeout = /** @type {any} */ (() => 0);
        const store = open(kind);
        const until = Date.now() + 200;
        Object.assign(window, { store, lease: await store.acquire("key", 200) });
        return until;
      }, kind);

      const [granted, after] = await other.run(async (kind) => {
        const store = open(kind);
        const lease = await leaseInTime(store, "key");
        const granted = Date.now();
        await store.set("key", "token", soon(), lease.fence);
        return [granted, lease.fence];
      }, kind);
      const late = await asleep.run(async () => {
        const { store, lease } = /** @type {any} */ (window);
        const written = await store.set("key", "late", soon(), lease.fence);
        await lease.release();
        return { written, fence: lease.fence, again: await store.acquire("key", 1_000) };
      });

      assert.ok(granted >= until, "not before its time");
      assert.ok(late.fence < after);
      assert.deepEqual([late.written, late.again ?? null], [false, null]);
      assert.equal(await other.run((kind) => open(kind).get("key"), kind), "token");
    });

    test(`${kind}: other tabs are notified of a changed key, and no message contains the token`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);
      const watcher = await openTab(site.secure);
      const writer = await openTab(site.secure);
      await watcher.run((kind) => {
        const messages = (/** @type {MessageEvent} */ { data }) => Reflect.get(window, "messages").push(data);
        Object.assign(window, { changes: 0, messages: [], store: open(kind) });
        const names = [
          "storage:graphql-token-manager:",
          "database:graphql-token-manager:",
          "database:encrypted:",
        ];
        Reflect.set(
          window,
          "channels",
          names.map((name) => {
            const channel = new BroadcastChannel(`graphql-token-manager:changed:${name}`);
            channel.onmessage = messages;
            return channel;
          }),
        );
        Reflect.get(window, "store").watch("key", () =>
          Reflect.set(window, "changes", Reflect.get(window, "changes") + 1),
        );
      }, kind);

      await writer.run((kind) => open(kind).set("key", "a-secret-token", soon()), kind);

      await untilIn(
        watcher,
        () => Reflect.get(window, "changes") > 0 && Reflect.get(window, "messages").length > 0,
      );
      assert.deepEqual(await watcher.run(() => Reflect.get(window, "messages")), ["key"]);
      assert.deepEqual(await writer.run(() => posted), ['"key"']);
      await untilIn(
        watcher,
        async () => (await Reflect.get(window, "store").get("key")) === "a-secret-token",
      );
    });
  }

  test("sessionStorage: two tabs hold one lease each, because they share nothing", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const tabs = [await openTab(site.secure), await openTab(site.secure)];

    for (const tab of tabs) {
      const granted = await tab.run(
        async () => (await open("sessionStorage").acquire("key", 60_000)) !== undefined,
      );
      assert.equal(granted, true);
    }
  });

  test("a page that may not use storage receives `blocked` errors", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const tab = await openTab(site.sandboxed);

    const codes = await tab.run(async () => {
      const codes = [];
      for (const kind of ["localStorage", "indexedDb"]) {
        const store = open(kind);
        for (const asking of [
          () => store.get("key"),
          () => store.set("key", "a-secret-token", soon()),
          () => store.delete("key"),
          () => store.acquire("key", 1_000),
        ]) {
          const { name, code, message } = await asking().catch((/** @type {unknown} */ error) => error);
          codes.push(message.includes("a-secret-token") ? message : `${name} ${code}`);
        }
        store.watch("key", () => {})();
      }
      return codes;
    });

    assert.deepEqual(codes, Array(8).fill("StoreError blocked"));
  });

  test("localStorage: if it is full, an error reports it, and the entry stays", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const tab = await openTab(site.secure);

    const result = await tab.run(async () => {
      const store = open("localStorage");
      await store.set("key", "token", soon());
      for (let size = 1 << 22; size >= 1; size >>= 1) {
        try {
          for (let place = 0; ; place += 1) localStorage.setItem(`${size}-${place}`, "x".repeat(size));
        } catch {
          // Retry with half the size.
        }
      }
      const { code, message } = await store
        .set("key", "x".repeat(100_000), soon())
        .catch((/** @type {unknown} */ error) => error);
      localStorage.removeItem("1-0");
      return { code, short: message.length < 200, value: await store.get("key") };
    });

    assert.deepEqual(result, { code: "full", short: true, value: "token" });
  });

  test("malformed values are missing, do not block, and are replaced", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const tab = await openTab(site.secure);

    const results = await tab.run(async () => {
      /** @type {unknown[]} */
      const results = [];
      const use = async (/** @type {any} */ store) => {
        const found = await store.get("key");
        const { fence, release } = await leaseInTime(store, "key");
        await store.set("key", "token", soon(), fence);
        await release();
        results.push([found ?? null, await store.get("key")]);
      };
      const large = JSON.stringify({ value: "x".repeat(1_100_000), expiresAt: soon() });
      for (const text of ["", "{", "null", "[]", '{"value":7,"expiresAt":1e99}', large]) {
        for (const kind of ["token", "lease"])
          localStorage.setItem(`graphql-token-manager:${kind}:key`, text);
        await use(open("localStorage"));
      }
      for (const [kind, name] of [
        ["indexedDb", "graphql-token-manager"],
        ["encrypted", "encrypted"],
      ]) {
        const store = open(kind);
        await store.get("key");
        for (const malformed of [
          0,
          "x",
          null,
          [],
          { value: "token", sealed: {}, expiresAt: "x" },
          { expiresAt: 1e99 },
        ]) {
          const database = await new Promise((resolve) => {
            const request = indexedDB.open(`${name}`);
            request.onsuccess = () => resolve(request.result);
          });
          const transaction = database.transaction(["tokens", "leases"], "readwrite");
          for (const table of ["tokens", "leases"]) transaction.objectStore(table).put(malformed, "key");
          await new Promise((resolve) => (transaction.oncomplete = resolve));
          database.close();
          await use(store);
        }
      }
      return results;
    });

    assert.deepEqual(results, Array(18).fill([null, "token"]));
  });

  test("indexedDb: a database that is deleted while open is created again, and fences still grow", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const [one, other] = [await openTab(site.secure), await openTab(site.secure)];
    for (const [kind, name] of [
      ["indexedDb", "graphql-token-manager"],
      ["encrypted", "encrypted"],
    ]) {
      await one.run(async (kind) => {
        const store = open(kind);
        const lease = await store.acquire("key", 60_000);
        await store.set("key", "token", soon(), lease.fence);
        Object.assign(window, { store, lease });
      }, kind);

      await other.run(
        (name) =>
          new Promise((resolve, reject) => {
            const request = indexedDB.deleteDatabase(name);
            request.onsuccess = () => resolve(undefined);
            request.onerror = reject;
          }),
        name,
      );
      const result = await one.run(async () => {
        const { store, lease } = /** @type {any} */ (window);
        const found = await store.get("key");
        await lease.release();
        const next = await leaseInTime(store, "key");
        const written = await store.set("key", "token", soon(), next.fence);
        const late = await store.set("key", "late", soon(), lease.fence);
        await next.release();
        return [found ?? null, next.fence > lease.fence, written, late, await store.get("key")];
      });

      assert.deepEqual(result, [null, true, true, false, "token"]);
      assert.equal(await other.run((kind) => open(kind).get("key"), kind), "token");
    }
  });

  test("encrypted: the database contains no plaintext, the key is not extractable, and an entry decrypts in its place only", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const tab = await openTab(site.secure);

    const result = await tab.run(async () => {
      const store = open("encrypted");
      await store.set("key", "a-secret-token", soon());
      const database = await new Promise((resolve) => {
        const request = indexedDB.open("encrypted");
        request.onsuccess = () => resolve(request.result);
      });
      const answer = (/** @type {IDBRequest} */ request) =>
        new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
      const tokens = () => database.transaction("tokens", "readwrite").objectStore("tokens");
      const entry = await answer(tokens().get("key"));
      const key = await answer(database.transaction("keys").objectStore("keys").get("aes-gcm"));
      const text = new TextDecoder("latin1").decode(entry.sealed.bytes);
      await answer(tokens().put(entry, "moved"));
      const exported = await crypto.subtle.exportKey("raw", key).catch((error) => error.name);
      const result = {
        shown: text.includes("secret") || JSON.stringify(entry).includes("secret"),
        exported,
        extractable: key.extractable,
        moved: (await store.get("moved")) ?? null,
        own: await store.get("key"),
        // A store without encryption neither reads nor exposes it.
        plain: (await stores.indexedDbStore({ name: "encrypted" }).get("key")) ?? null,
      };
      database.close();
      return result;
    });

    const exported = "InvalidAccessError";
    const own = "a-secret-token";
    assert.deepEqual(result, { shown: false, exported, extractable: false, moved: null, own, plain: null });
  });

  test("encrypted: an extractable key in the database, or one of another kind, is replaced", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const tab = await openTab(site.secure);

    const results = await tab.run(async () => {
      const both = ["encrypt", "decrypt"];
      const made = (
        /** @type {string} */ name,
        /** @type {boolean} */ extractable,
        /** @type {any} */ usages,
      ) => crypto.subtle.generateKey({ name, length: 256 }, extractable, usages);
      /** @type {[kind: string, key: unknown][]} */
      const planted = [
        ["extractable", await made("AES-GCM", true, both)],
        ["of another algorithm", await made("AES-CBC", false, both)],
        ["for one direction", await made("AES-GCM", false, ["encrypt"])],
        ["not a key", { type: "secret", extractable: false, algorithm: { name: "AES-GCM" }, usages: both }],
      ];
      const answer = (/** @type {IDBRequest} */ request) =>
        new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
      const results = [];
      for (const [kind, key] of planted) {
        const name = `planted ${kind}`;
        await stores.indexedDbStore({ name, encrypt: true }).set("key", "earlier", soon());
        const database = await answer(indexedDB.open(name));
        const keys = () => database.transaction("keys", "readwrite").objectStore("keys");
        await answer(keys().put(key, "aes-gcm"));

        const store = stores.indexedDbStore({ name, encrypt: true });
        const found = (await store.get("key")) ?? null;
        await store.set("key", "a-secret-token", soon());
        const kept = await answer(keys().get("aes-gcm"));
        const exported = await crypto.subtle.exportKey("raw", kept).catch((error) => error.name);
        const own = await stores.indexedDbStore({ name, encrypt: true }).get("key");
        results.push({ kind, found, exported, algorithm: kept.algorithm.name, usages: kept.usages, own });
        database.close();
      }
      return results;
    });

    const usages = ["encrypt", "decrypt"];
    const expected = {
      found: null,
      exported: "InvalidAccessError",
      algorithm: "AES-GCM",
      usages,
      own: "a-secret-token",
    };
    const kinds = ["extractable", "of another algorithm", "for one direction", "not a key"];
    assert.deepEqual(
      results,
      kinds.map((kind) => ({ kind, ...expected })),
    );
  });

  test("encrypted: without https:, it fails rather than write plaintext", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const tab = await openTab(site.insecure);

    const code = await tab.run(() =>
      open("encrypted")
        .set("key", "token", soon())
        .catch((/** @type {any} */ error) => error.code),
    );

    assert.equal(code, "unsupported");
  });

  test("indexedDb: a database with another schema is left unchanged", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const tab = await openTab(site.secure);

    const codes = await tab.run(async () => {
      const codes = [];
      for (const version of [1, 7]) {
        const name = `other-${version}`;
        await new Promise((resolve) => {
          const request = indexedDB.open(name, version);
          request.onsuccess = () => resolve(request.result.close());
        });
        const asked = stores.indexedDbStore({ name }).get("key");
        codes.push(await asked.catch((/** @type {any} */ { code }) => code));
      }
      return codes;
    });

    assert.deepEqual(codes, ["unavailable", "unavailable"]);
  });
}
