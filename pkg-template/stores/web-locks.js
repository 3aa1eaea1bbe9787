// Leases by Web Locks, which the browser releases when a tab is closed or crashes.
//
// A tab that hangs or is frozen keeps its lock, but its timers do not fire. A record beside the entry therefore
// contains the end of the lease. A running tab extends it every two seconds; another tab may steal the lock once the
// record has expired, seven seconds after the last extension, regardless of the duration of the lease. Each of these
// operations holds a second lock, which is released within moments and never held while user code runs.

import { isHeld, StoreError, unref } from "./common.js";

/** @import { Lease } from "graphql-token-manager" */

/**
 * The record beside an entry. The next lease continues from `fence`.
 * @typedef {{ fence: number, until: number, ttlMs: number }} LeaseRecord
 */
/**
 * Access to the record. `grant` assigns the next fence.
 *
 * @typedef {object} Record
 * @property {() => Promise<LeaseRecord>} read
 * @property {(until: number) => Promise<number>} grant
 * @property {(fence: number, until: number) => Promise<void>} extend Only if it is still the last and not released.
 * @property {(fence: number) => Promise<void>} release Only if it is still the last.
 */

const NAME = "graphql-token-manager:";
/** Duration of a lease after its last extension. */
const ALIVE_MS = 7_000;
const EXTEND_MS = 2_000;
/** Longest delay of a timer in ms. */
const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * Returns the lock manager, which insecure contexts do not have.
 * @returns {LockManager | undefined}
 */
export function locksOf() {
  const { locks } = globalThis.navigator ?? {};
  return typeof locks?.request === "function" ? locks : undefined;
}

/**
 * Runs an action withLock among all tabs, by its name; where locks are unavailable, it runs without exclusion.
 * @template T
 * @param {string} name
 * @param {() => T | Promise<T>} action
 * @returns {Promise<T>}
 */
export async function withLock(name, action) {
  const locks = locksOf();
  if (locks === undefined) return action();
  /** @type {{ failed: unknown } | undefined} */
  let failure;
  const run = async () => {
    try {
      return await action();
    } catch (failed) {
      failure = { failed };
      return /** @type {never} */ (undefined);
    }
  };
  const result = await locks.request(`${NAME}moment:${name}`, run).catch(throwStoreError);
  if (failure !== undefined) throw failure.failed;
  return /** @type {T} */ (result);
}

/**
 * @param {string} name
 * @param {number} ttlMs
 * @param {Record} record
 * @returns {Promise<Lease | undefined>}
 */
export function leaseByLock(name, ttlMs, record) {
  return withLock(name, async () => {
    let hold = await take(name, { ifAvailable: true });
    if (hold === undefined) {
      const { until, ttlMs, fence } = await record.read();
      // The lock is stolen only if the lease has expired. If `until` is 0, it was released, and the lock is about to
      // follow.
      if (until === 0 || isHeld({ until, ttlMs }) || fence === 0) return undefined;
      hold = await take(name, { steal: true });
    }
    const end = Date.now() + ttlMs;
    const until = () => Math.min(end, Date.now() + ALIVE_MS);
    const unlock = hold ?? (() => {});
    const fence = await record.grant(until()).catch((error) => {
      unlock();
      throw error;
    });
    const extending = setInterval(() => {
      withLock(name, () => record.extend(fence, until())).catch(() => {});
    }, EXTEND_MS);
    const free = () => {
      clearInterval(extending);
      unlock();
    };
    const timer = setTimeout(free, Math.min(ttlMs, MAX_TIMER_MS));
    unref(extending);
    unref(timer);
    return { fence, release: once(() => release(name, fence, timer, free, record)) };
  });
}

/**
 * @param {string} name
 * @param {number} fence
 * @param {ReturnType<typeof setTimeout>} timer
 * @param {() => void} free
 * @param {Record} record
 */
async function release(name, fence, timer, free, record) {
  clearTimeout(timer);
  try {
    await withLock(name, () => record.release(fence));
  } finally {
    free();
  }
}

/**
 * Acquires the lock of a name. Resolves with a function that releases it.
 * @param {string} name
 * @param {{ ifAvailable: true } | { steal: true }} how
 * @returns {Promise<(() => void) | undefined>} undefined if another tab has the lock
 */
function take(name, how) {
  return new Promise((resolve, reject) => {
    const held = locksOf()?.request(`${NAME}lease:${name}`, how, (lock) => {
      if (lock === null) return resolve(undefined);
      return new Promise((free) => resolve(() => free(undefined)));
    });
    // After the lock was acquired, a rejection means only that it was stolen, which the fence already handles.
    held?.catch((error) => reject(storeErrorOf(error)));
  });
}

/**
 * @template T
 * @param {() => Promise<T>} action
 */
function once(action) {
  /** @type {Promise<T> | undefined} */
  let result;
  return () => (result ??= action());
}

/** @param {unknown} error @returns {never} */
function throwStoreError(error) {
  throw storeErrorOf(error);
}

/** @param {unknown} error */
function storeErrorOf(error) {
  const { name } = /** @type {{ name?: string }} */ (Object(error));
  return new StoreError("blocked", `the browser does not let this page use locks (${name})`);
}
