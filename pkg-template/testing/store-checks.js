/**
 * Checks of the behaviour that every store must have, in any runtime.
 *
 * @module
 */

/** @import { Lease, TokenStore } from "graphql-token-manager" */
/** @import { StoreCheck, StoreCheckOptions } from "./index.js" */

/** @typedef {() => TokenStore | Promise<TokenStore>} Open Returns another holder of the same entries. */
/** @typedef {TokenStore & Required<Pick<TokenStore, "acquire">>} LeasingStore */
/**
 * @typedef {object} CheckContext
 * @property {Open} open
 * @property {string} key
 * @property {(condition: () => Promise<boolean>, what: string) => Promise<void>} eventually
 * @property {(store: TokenStore | undefined, key: string, ttlMs: number) => Promise<Lease>} granted Resolves once it
 * is granted.
 */

/** Time limit in ms, much longer than any store takes. */
const TIMEOUT_MS = 10_000;
const HOUR_MS = 3_600_000;
/** Duration of a lease that outlasts its check. */
const LONG_MS = 60_000;
/** Duration of a lease that expires during its check. */
const SHORT_MS = 150;
const MIB = 1024 * 1024;

/**
 * See `index.d.ts`.
 * @param {Open} open
 * @param {StoreCheckOptions} [options]
 * @returns {StoreCheck[]}
 */
export function storeChecks(open, { timeoutMs = TIMEOUT_MS } = {}) {
  const all = [...VALUES, ...LEASES, ...NOTICES];
  return all.map(([name, needs, check]) => ({
    name,
    run: async () => {
      const store = await open();
      // The method is optional.
      if (needs !== undefined && store[needs] === undefined) return "not applicable";
      await check({ open, key: uniqueKey(), ...waiting(timeoutMs) });
      return "passed";
    },
  }));
}

/**
 * See `index.d.ts`.
 * @param {Open} open
 * @param {StoreCheckOptions} [options]
 */
export async function checkStore(open, options) {
  /** @type {string[]} */
  const failures = [];
  for (const { name, run } of storeChecks(open, options)) {
    await run().catch((error) => failures.push(`- ${name}: ${error?.message ?? "it threw no error"}`));
  }
  if (failures.length > 0)
    throw new Error(`the store does not do what stores promise:\n${failures.join("\n")}`);
}

/** @typedef {[name: string, needs: "acquire" | "watch" | undefined, check: (given: CheckContext) => Promise<void>]} Check */

/** @type {Check[]} */
const VALUES = [
  [
    "a key that was never written has no value",
    undefined,
    async ({ open, key }) => {
      const store = await open();

      same(await store.get(key), undefined, "its value");
      await store.delete(key);
      same(await store.get(key), undefined, "its value after a delete");
    },
  ],
  [
    "what one holder writes, every holder reads",
    undefined,
    async ({ open, key, eventually }) => {
      const [one, other] = [await open(), await open()];
      const long = 'ä€😀\u0000\n"\\'.repeat(8_000);

      for (const value of ["token", long]) {
        notFalse(await one.set(key, value, soon()));

        await eventually(async () => (await other.get(key)) === value, "the other holder reads it");
        same((await one.get(key)) === value, true, "that the writer reads it");
      }
    },
  ],
  [
    "a deleted value is gone for every holder",
    undefined,
    async ({ open, key, eventually }) => {
      const [one, other] = [await open(), await open()];
      await one.set(key, "token", soon());
      await eventually(async () => (await other.get(key)) === "token", "the other holder reads it");

      await other.delete(key);

      await eventually(async () => (await one.get(key)) === undefined, "it is gone");
    },
  ],
  [
    "keys of any form are kept apart",
    undefined,
    async ({ open, key }) => {
      const store = await open();
      const odd = [
        "",
        "/",
        "/../x",
        "{x}",
        "}",
        "%",
        " ",
        "ä",
        "Ä",
        "\n",
        "__proto__",
        ":lease",
        "x".repeat(500),
      ];
      const keys = odd.map((end) => key + end);

      for (const each of keys) await store.set(each, `of ${each}`, soon());
      for (const each of keys)
        same(await store.get(each), `of ${each}`, `the value of ${JSON.stringify(each)}`);
      for (const each of keys) await store.delete(each);
    },
  ],
  [
    "an expired value is gone, and takes the one before with it",
    undefined,
    async ({ open, key, eventually }) => {
      const store = await open();

      await store.set(key, "old", soon());
      await store.set(key, "expired", Date.now() - 1);
      same(await store.get(key), undefined, "a value that had expired when it was written");

      await store.set(key, "brief", Date.now() + SHORT_MS);
      await eventually(async () => (await store.get(key)) === undefined, "it expires");
    },
  ],
  [
    "a value of more than 1 MiB is rejected, and the one before stays",
    undefined,
    async ({ open, key }) => {
      const store = await open();
      await store.set(key, "token", soon());

      const written = await attempt(() => store.set(key, "x".repeat(MIB + 1), soon()));

      same(written instanceof Error, true, "that it throws an Error");
      same(await store.get(key), "token", "the value");
    },
  ],
];

/** @type {Check[]} */
const LEASES = [
  [
    "of all who ask for a lease at once, one gets it",
    "acquire",
    async ({ open, key }) => {
      const stores = /** @type {LeasingStore[]} */ ([await open(), await open(), await open()]);
      const asking = Array.from({ length: 18 }, (_, place) => stores[place % 3]?.acquire(key, LONG_MS));

      const leases = (await Promise.all(asking)).filter((lease) => lease !== undefined);

      same(leases.length, 1, "how many got it");
      same(
        Number.isSafeInteger(leases[0]?.fence) && Number(leases[0]?.fence) > 0,
        true,
        "that its fence is a number",
      );
      await leases[0]?.release();
    },
  ],
  [
    "fences grow from lease to lease, whoever has them",
    "acquire",
    async ({ open, key, granted }) => {
      const stores = /** @type {LeasingStore[]} */ ([await open(), await open()]);
      let last = 0;

      for (let round = 0; round < 6; round += 1) {
        const lease = await granted(stores[round % 2], key, LONG_MS);
        same(lease.fence > last, true, `that ${lease.fence} is more than ${last}`);
        last = lease.fence;
        await lease.release();
      }
    },
  ],
  [
    "leases of different keys are independent",
    "acquire",
    async ({ open, key }) => {
      const store = /** @type {LeasingStore} */ (await open());

      const leases = [await store.acquire(`${key}1`, LONG_MS), await store.acquire(`${key}2`, LONG_MS)];

      for (const lease of leases) same(lease === undefined, false, "that one was refused");
      for (const lease of leases) await lease?.release();
    },
  ],
  [
    "a lease expires while its holder sleeps, and releasing it then harms nobody",
    "acquire",
    async ({ open, key, granted }) => {
      const [one, other] = /** @type {LeasingStore[]} */ ([await open(), await open()]);
      const start = performance.now();
      const first = await granted(one, key, SHORT_MS);

      const second = await granted(other, key, LONG_MS);
      same(performance.now() - start > SHORT_MS / 3, true, "that it was kept for its time");
      same(second.fence > first.fence, true, "that the fence grew");

      await first.release();
      same(await one?.acquire(key, LONG_MS), undefined, "a lease that the other holds");
      await second.release();
    },
  ],
  [
    "releasing twice does what releasing once does",
    "acquire",
    async ({ open, key, granted }) => {
      const [one, other] = /** @type {LeasingStore[]} */ ([await open(), await open()]);
      const first = await granted(one, key, LONG_MS);

      await Promise.all([first.release(), first.release()]);
      const second = await granted(other, key, LONG_MS);
      await first.release();

      same(await one?.acquire(key, LONG_MS), undefined, "a lease that the other holds");
      await second.release();
    },
  ],
  [
    "a write that comes too late is rejected, also where the later holder has not written",
    "acquire",
    async ({ open, key, eventually, granted }) => {
      const [one, other] = /** @type {LeasingStore[]} */ ([await open(), await open()]);
      const first = await granted(one, key, LONG_MS);
      notFalse(await one?.set(key, "first", soon(), first.fence));
      await first.release();
      const second = await granted(other, key, LONG_MS);

      same(await one?.set(key, "late", soon(), first.fence), false, "what a late write answers");
      await eventually(async () => (await other?.get(key)) === "first", "the value is the first one");

      notFalse(await other?.set(key, "second", soon(), second.fence));
      same(await one?.set(key, "later still", soon(), first.fence), false, "what a later write answers");
      await eventually(async () => (await one?.get(key)) === "second", "the value is the second one");
      await second.release();
    },
  ],
  [
    "whoever held the last lease may still write, and a write without a fence always does",
    "acquire",
    async ({ open, key, eventually, granted }) => {
      const [one, other] = /** @type {LeasingStore[]} */ ([await open(), await open()]);
      const lease = await granted(one, key, LONG_MS);

      notFalse(await other?.set(key, "without", soon()));
      await eventually(async () => (await one?.get(key)) === "without", "it is written");
      await lease.release();
      notFalse(await one?.set(key, "after", soon(), lease.fence));
      same(await one?.get(key), "after", "the value");
    },
  ],
  [
    "deleting a value forgets no fence",
    "acquire",
    async ({ open, key, granted }) => {
      const store = /** @type {LeasingStore} */ (await open());
      const first = await granted(store, key, LONG_MS);
      await store.set(key, "token", soon(), first.fence);
      await first.release();
      const second = await granted(store, key, LONG_MS);

      await store.delete(key);

      same(await store.set(key, "late", soon(), first.fence), false, "what a late write answers");
      same(await store.get(key), undefined, "the value");
      await second.release();
    },
  ],
  [
    "what is read and written under leases is never lost",
    "acquire",
    async ({ open, key, granted }) => {
      const rounds = 4;
      const stores = /** @type {LeasingStore[]} */ ([await open(), await open(), await open()]);
      const counted = stores.map(async (store) => {
        for (let round = 0; round < rounds; round += 1) {
          const lease = await granted(store, key, LONG_MS);
          const count = Number((await store.get(key)) ?? 0);
          notFalse(await store.set(key, `${count + 1}`, soon(), lease.fence));
          await lease.release();
        }
      });

      await Promise.all(counted);

      same(await stores[0]?.get(key), `${rounds * stores.length}`, "the count");
    },
  ],
];

/** @type {Check[]} */
const NOTICES = [
  [
    "holders are told that another wrote or deleted, until they stop watching",
    "watch",
    async ({ open, key, eventually }) => {
      const [one, other] = [await open(), await open()];
      let told = 0;
      // A watcher that throws must not affect the others.
      const ends = [
        one.watch?.(key, () => {
          throw new Error("a watcher that throws");
        }),
        one.watch?.(key, () => (told += 1)),
      ];

      await other.set(key, "token", soon());
      await eventually(async () => told > 0 && (await one.get(key)) === "token", "it is told of the write");
      // Pending notifications must not be attributed to the next step.
      await quiet(() => told);
      told = 0;
      await other.delete(key);
      await eventually(
        async () => told > 0 && (await one.get(key)) === undefined,
        "it is told of the delete",
      );

      for (const end of ends) end?.();
      for (const end of ends) end?.();
      await quiet(() => told);
      const before = told;
      await other.set(key, "another", soon());
      await quiet(() => told);
      same(told, before, "how often it is told after it stopped");
    },
  ],
];

/** Returns a key that no other check uses, in any persistent storage. */
const uniqueKey = () => `check-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

const soon = () => Date.now() + HOUR_MS;

/**
 * Returns the functions that wait, with a time limit.
 * @param {number} timeoutMs
 * @returns {Pick<CheckContext, "eventually" | "granted">}
 */
function waiting(timeoutMs) {
  /** @type {CheckContext["eventually"]} */
  const eventually = async (condition, what) => {
    const end = performance.now() + timeoutMs;
    while (!(await condition())) {
      if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
      await pause(5);
    }
  };
  /** @type {CheckContext["granted"]} */
  const granted = async (store, key, ttlMs) => {
    /** @type {Lease | undefined} */
    let lease;
    await eventually(
      async () => (lease = await store?.acquire?.(key, ttlMs)) !== undefined,
      "a lease is granted that nobody holds any more",
    );
    return /** @type {Lease} */ (lease);
  };
  return { eventually, granted };
}

/**
 * Waits until a count no longer changes.
 * @param {() => number} count
 */
async function quiet(count) {
  for (let before = -1; before !== count(); await pause(100)) before = count();
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {() => unknown} action */
async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    return error;
  }
}

/**
 * @param {unknown} found
 * @param {unknown} expected
 * @param {string} what
 */
function same(found, expected, what) {
  if (found !== expected) throw new Error(`${what} should be ${String(expected)}, and is ${String(found)}`);
}

/** @param {boolean | void | undefined} written */
function notFalse(written) {
  if (written === false) throw new Error("a write was refused that no later lease stands against");
}
