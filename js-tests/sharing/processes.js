/**
 * Tests of eight processes with a hundred callers each, on one store, for a few lifetimes; `cargo xtask bench sharing` has
 * more.
 *
 * @module
 */

import "../support/guard.js";
import assert from "node:assert/strict";
import { test } from "node:test";

import { currentPace, slower } from "../support/pace.js";
import { redisFor } from "../stores/redis-server.js";
import { folderFor } from "../stores/support.js";
import { leaseMs, runFleet } from "./fleet.js";

/** @import { TestContext } from "node:test" */
/** @import { StoreLocation } from "./fleet.js" */

export const FLEET = { holders: 8, callers: 100 };
/** Timeouts for a loaded machine, because each timeout costs a grant. */
const PATIENT = { lifetimeMs: 2_000, timeoutMs: 2_000, storeTimeoutMs: 1_000, minValidityMs: 700 };
/** Timeouts with a lease of four seconds, for stores in which a lease ends only by expiry. */
export const SHORTER = { lifetimeMs: 2_000, timeoutMs: 1_000, storeTimeoutMs: 1_000, minValidityMs: 700 };

/** @type {Record<"file" | "redis", (t: TestContext) => Promise<StoreLocation>>} */
const LOCATIONS = {
  file: async (t) => ({ kind: "file", path: await folderFor(t) }),
  redis: async (t) => {
    const server = await redisFor(t);
    return { kind: "redis", url: server.url, server };
  },
};

/** @param {keyof typeof LOCATIONS} kind */
export function testLifetimes(kind) {
  test(`${kind}: one token per lifetime, no call fails, and no refresh token is presented twice`, async (t) => {
    const location = await LOCATIONS[kind](t);

    const spans = slower(PATIENT, currentPace());
    const figures = await runFleet(t, { ...FLEET, location, spans, lifetimes: 3 });

    assert.deepEqual([...new Set(figures.failures), ...figures.warnings], []);
    assert.equal(figures.reused, 0);
    assert.ok(figures.grants > 1 && figures.grants <= figures.mostGrants, `${figures.grants} grants`);
    assert.ok(figures.shared >= 7 * figures.grants, `adopted ${figures.shared} times`);
    assert.ok(figures.calls > 5_000, `${figures.calls} calls`);
  });
}

/** @param {keyof typeof LOCATIONS} kind */
export function testKills(kind) {
  test(`${kind}: the others continue if a lease holder is killed, at any step`, async (t) => {
    const location = await LOCATIONS[kind](t);
    // The lease of the file store is free immediately after a crash.
    const [quick, killEveryMs, lifetimes] = kind === "file" ? [PATIENT, 200, 7] : [SHORTER, 4_500, 6];
    const pace = currentPace();
    const spans = slower(quick, pace);

    const figures = await runFleet(t, {
      ...FLEET,
      location,
      spans,
      lifetimes,
      killEveryMs: pace * killEveryMs,
    });

    assert.deepEqual([...new Set(figures.failures)], []);
    assert.deepEqual([figures.reused, figures.unheld], [0, 0]);
    assert.ok(figures.crashes >= 2, `${figures.crashes} crashes`);
    // Each incidental timeout may cost a grant.
    const late = figures.retries.length + 8 * figures.warnings.length;
    assert.ok(figures.grants <= figures.mostGrants + late, `${figures.grants} grants`);
    const longest = leaseMs(spans) + (kind === "file" ? 0 : pace * 2_000);
    assert.ok(figures.longestWaitMs < longest, `${figures.longestWaitMs} ms`);
  });
}
