// Leases by Web Locks: the browser frees the lock of a tab that is closed or crashed.
//
// A tab that hangs or is frozen keeps its lock, and its timers do not fire. So a record beside the entry says until when
// the lease lasts. A tab that runs extends it every two seconds, and another may take the lock away once the record is
// over: seven seconds after the last extension, however long the lease could have lasted. All of this happens under a second lock, which is held for
// moments and never while anybody else's code runs.

import { isHeld, StoreError, unref } from "./common.js";

/** @import { Lease } from "graphql-token-manager" */

/** What is written beside an entry: who comes next counts on from `fence`. @typedef {{ fence: number, until: number, ttlMs: number }} LeaseRecord */
/**
 * How the record is kept; `grant` counts on.
 *
 * @typedef {object} Record
 * @property {() => Promise<LeaseRecord>} read
 * @property {(until: number) => Promise<number>} grant
 * @property {(fence: number, until: number) => Promise<void>} extend Only if it is still the last, and not released.
 * @property {(fence: number) => Promise<void>} release Only if it is still the last.
 */

const NAME = "graphql-token-manager:";
/** How long a lease lasts after the last sign of life of its tab. */
const ALIVE_MS = 7_000;
const EXTEND_MS = 2_000;
/** The longest that timers can wait. */
const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * The browser's locks; pages that are no secure contexts have none.
 * @returns {LockManager | undefined}
 */
export function locksOf() {
  const { locks } = globalThis.navigator ?? {};
  return typeof locks?.request === "function" ? locks : undefined;
}

/**
 * Runs an action while no other one of this name runs in any tab, where there are locks.
 * @template T
 * @param {string} name
 * @param {() => T | Promise<T>} action
 * @returns {Promise<T>}
 */
export async function exclusively(name, action) {
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
  const result = await locks.request(`${NAME}moment:${name}`, run).catch(refuse);
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
  return exclusively(name, async () => {
    let hold = await take(name, { ifAvailable: true });
    if (hold === undefined) {
      const { until, ttlMs, fence } = await record.read();
      // Only a lease that is over: `until` is 0 where it was released, and its lock is about to be.
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
      exclusively(name, () => record.extend(fence, until())).catch(() => {});
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
    await exclusively(name, () => record.release(fence));
  } finally {
    free();
  }
}

/**
 * Takes the lock of a name, and gives a function that lets it go.
 * @param {string} name
 * @param {{ ifAvailable: true } | { steal: true }} how
 * @returns {Promise<(() => void) | undefined>} undefined if somebody else has it
 */
function take(name, how) {
  return new Promise((resolve, reject) => {
    const held = locksOf()?.request(`${NAME}lease:${name}`, how, (lock) => {
      if (lock === null) return resolve(undefined);
      return new Promise((free) => resolve(() => free(undefined)));
    });
    // Once it is held, this only says that it was taken away, which the fence has told already.
    held?.catch((error) => reject(refusal(error)));
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
function refuse(error) {
  throw refusal(error);
}

/** @param {unknown} error */
function refusal(error) {
  const { name } = /** @type {{ name?: string }} */ (Object(error));
  return new StoreError("blocked", `the browser does not let this page use locks (${name})`);
}
