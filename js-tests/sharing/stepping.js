/**
 * Pauses a manager between two steps of a grant while it has the lease, so that it can be killed there.
 *
 * @module
 */

/** @import { TokenStore } from "graphql-token-manager" */

/** Steps at which a manager may be paused; it has the lease at each. */
export const STEPS = /** @type {const} */ ([
  "acquired",
  "claiming",
  "claimed",
  "asking",
  "answered",
  "saving",
  "saved",
]);

/** @typedef {(typeof STEPS)[number]} Step */

/** Matches requests for tokens, by the mutations in Fluz's documentation. */
const GRANT = /UserAccessToken/;

/**
 * Returns a store and a `fetch` that await `at` at each step.
 * @param {TokenStore} store
 * @param {(step: Step) => Promise<void> | void} at
 */
export function stepping(store, at) {
  let hasAsked = false;
  const stepping = {
    get: (/** @type {string} */ key) => store.get(key),
    set: async (
      /** @type {string} */ key,
      /** @type {string} */ value,
      /** @type {number} */ expiresAt,
      /** @type {number | undefined} */ fence,
    ) => {
      // Without a fence, the write is not under the lease.
      const [before, after] = /** @type {[Step, Step]} */ (
        hasAsked ? ["saving", "saved"] : ["claiming", "claimed"]
      );
      if (fence !== undefined) await at(before);
      const written = await store.set(key, value, expiresAt, fence);
      if (fence !== undefined) await at(after);
      return written;
    },
    delete: (/** @type {string} */ key) => store.delete(key),
    acquire: async (/** @type {string} */ key, /** @type {number} */ ttlMs) => {
      const lease = await store.acquire?.(key, ttlMs);
      hasAsked = false;
      if (lease !== undefined) {
        isHeld = true;
        await at("acquired");
      }
      return (
        lease && {
          fence: lease.fence,
          release: () => {
            isHeld = false;
            return lease.release();
          },
        }
      );
    },
    watch: (/** @type {string} */ key, /** @type {() => void} */ changed) =>
      store.watch?.(key, changed) ?? (() => {}),
  };
  let isHeld = false;
  /** @type {typeof globalThis.fetch} */
  const steppingFetch = async (input, init) => {
    const isGrant = GRANT.test(`${init?.body}`);
    if (isGrant && isHeld) await at("asking");
    const response = await fetch(input, init);
    if (isGrant) hasAsked = true;
    if (isGrant && isHeld) await at("answered");
    return response;
  };
  return { store: stepping, fetch: steppingFetch };
}
