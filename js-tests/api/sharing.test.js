// One token for several managers, through a user-supplied store.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { fluz, managerFor, sandboxFor } from "../support/setup.js";
import { assertHoldsNone } from "../support/secrets.js";
import { SharedMap } from "../support/shared-map.js";
import { failure, Gate, record, until } from "../support/waiting.js";

/**
 * Returns the calls of one acquisition. This store also announces writes to the manager that made them, which then
 * reads once more.
 *
 * @param {string[]} calls
 */
function acquisition(calls) {
  const end = calls.indexOf("release") + 1;
  assert.ok(calls.slice(end).every((call) => call === "get"));
  return calls.slice(0, end);
}

/**
 * Returns a `fetch` that waits for a gate.
 * @param {Gate<void>} gate
 */
const behind = (gate) => async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
  await gate.opened;
  return fetch(url, init);
};

describe("managers that share a store", () => {
  test("cause one grant between them", async (t) => {
    const sandbox = await sandboxFor(t);
    const store = new SharedMap();
    const managers = Array.from({ length: 5 }, () => managerFor(t, fluz(sandbox, { store })));

    const tokens = await Promise.all(managers.map((manager) => manager.getToken()));

    assert.equal(new Set(tokens).size, 1);
    assert.equal(sandbox.counts().fluz.grants, 1);
  });

  test("call the store in the order of the contract: acquire, get, grant, set, release", async (t) => {
    const sandbox = await sandboxFor(t);
    const store = new SharedMap();
    const manager = managerFor(t, fluz(sandbox, { store }));

    await manager.getToken();
    await until(() => !store.isLeased, "the lease is released");
    assert.deepEqual(acquisition(store.calls), ["get", "acquire", "get", "set", "release"]);

    // The refresh token is removed from the store before it is presented.
    store.calls.length = 0;
    await manager.refresh();
    await until(() => !store.isLeased, "the lease is released");
    assert.deepEqual(acquisition(store.calls), ["get", "acquire", "get", "set", "set", "release"]);
    assert.deepEqual([sandbox.counts().fluz.grants, sandbox.counts().fluz.refreshes], [1, 1]);
  });

  test("use a stored token, without a request or a lease", async (t) => {
    const sandbox = await sandboxFor(t);
    const store = new SharedMap();
    const first = managerFor(t, fluz(sandbox, { store }));
    const token = await first.getToken();
    await first.close();
    store.calls.length = 0;

    assert.equal(await managerFor(t, fluz(sandbox, { store })).getToken(), token);
    assert.deepEqual(store.calls, ["get"]);
    assert.equal(sandbox.requests().length, 1);
  });

  test("work with a Map, which has no leases", async (t) => {
    const sandbox = await sandboxFor(t);
    const store = new Map();

    const token = await managerFor(t, fluz(sandbox, { store })).getToken();
    assert.equal(await managerFor(t, fluz(sandbox, { store })).getToken(), token);
    assert.equal(sandbox.requests().length, 1);
    // Without leases, two holders could present it.
    assert.ok(![...store.values()].some((entry) => "refreshToken" in JSON.parse(entry)));
  });
});

describe("a store that fails", () => {
  for (const method of ["get", "acquire", "set"]) {
    test(`in \`${method}\` disables sharing, and the token is still obtained`, async (t) => {
      const sandbox = await sandboxFor(t);
      const store = new SharedMap();
      store.before = (called) => {
        if (called === method) throw new TypeError("planted detail");
      };
      const manager = managerFor(t, fluz(sandbox, { store }));
      const events = record(manager);

      assert.ok(await manager.getToken());
      assert.equal(sandbox.requests().length, 1);
      const codes = events.flatMap((event) => (event.type === "warning" ? [event.code] : []));
      assert.deepEqual(codes, ["store"]);
      assertHoldsNone(events, ["planted detail"]);
      assert.ok(!store.isLeased);
    });

    test(`by never settling \`${method}\` is given up after \`storeTimeoutMs\``, async (t) => {
      const sandbox = await sandboxFor(t);
      const store = new SharedMap();
      store.before = (called) => (called === method ? new Promise(() => {}) : undefined);
      const manager = managerFor(t, fluz(sandbox, { store, storeTimeoutMs: 20 }));
      const events = record(manager);

      assert.ok(await manager.getToken());
      assert.ok(events.some((event) => event.type === "warning" && event.code === "store"));
    });
  }

  test("by returning the record of another identity counts as empty", async (t) => {
    const sandbox = await sandboxFor(t);
    const store = new SharedMap();
    const other = "b1a7c9d2-5e44-4a8e-9a3c-000000000000";
    const theirs = await managerFor(t, fluz(sandbox, { store, accountId: other })).getToken();
    const [entry] = store.entries.values();
    store.get = async () => entry;

    const tokens = managerFor(t, fluz(sandbox, { store }));

    assert.notEqual(await tokens.getToken(), theirs);
    assert.equal((await tokens.refresh()).value, await tokens.getToken());
    // Their refresh token is not presented either.
    const { grants, refreshes } = sandbox.counts().fluz;
    assert.deepEqual([grants, refreshes], [3, 0]);
  });

  test("by returning an invalid lease causes a warning", async (t) => {
    const sandbox = await sandboxFor(t);
    for (const lease of [7, {}, { fence: 1 }, { release() {} }, { fence: "1", release() {} }]) {
      const store = new SharedMap();
      store.acquire = async () => /** @type {any} */ (lease);
      const manager = managerFor(t, fluz(sandbox, { store }));
      const events = record(manager);

      assert.ok(await manager.getToken());
      assert.ok(events.some((event) => event.type === "warning" && event.code === "store"));
    }
  });
});

describe("a lease", () => {
  test("is not held while a secret function runs", async (t) => {
    const sandbox = await sandboxFor(t);
    const store = new SharedMap();
    /** @type {unknown[]} */
    const leases = [];
    const apiKey = () => (leases.push(store.isLeased), sandbox.fluz.apiKey);

    await managerFor(t, fluz(sandbox, { store, apiKey })).getToken();

    // Called once for the key of the entry, and once for the grant.
    assert.deepEqual(leases, [false, false]);
  });

  test("that is granted after `storeTimeoutMs` is released", async (t) => {
    const sandbox = await sandboxFor(t);
    const store = new SharedMap();
    const gate = /** @type {Gate<void>} */ (new Gate());
    store.before = (called) => (called === "acquire" ? gate.opened : undefined);
    assert.ok(await managerFor(t, fluz(sandbox, { store, storeTimeoutMs: 20 })).getToken());

    gate.open();
    await new Promise(setImmediate);

    assert.deepEqual([store.calls.includes("release"), store.isLeased], [true, false]);
  });

  test("of a manager that is closed is released once its grant was stored", async (t) => {
    const sandbox = await sandboxFor(t);
    const store = new SharedMap();
    const gate = new Gate();
    const manager = managerFor(t, fluz(sandbox, { store, fetch: behind(gate) }));
    const caller = failure(manager.getToken());
    await until(() => store.calls.length === 3, "the grant is in flight");

    const closed = manager.close();
    assert.equal((await caller).code, "closed");
    assert.ok(store.isLeased);
    gate.open();
    await closed;

    assert.ok(!store.isLeased);
    assert.equal(
      await managerFor(t, fluz(sandbox, { store })).getToken(),
      JSON.parse([...store.entries.values()][0] ?? "").accessToken,
    );
    assert.equal(sandbox.requests().length, 1);
  });
});
