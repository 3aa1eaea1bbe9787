// Eight processes with a hundred callers each, on one store, for a few lifetimes; `cargo xtask bench sharing` has more.

import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { currentPace, slower } from "../support/pace.js";
import { redisFor } from "../stores/redis-server.js";
import { folderFor } from "../stores/support.js";
import { leaseMs, runFleet } from "./fleet.js";
import { runOutage } from "./outage.js";

/** @import { TestContext } from "node:test" */
/** @import { StoreLocation } from "./fleet.js" */

const FLEET = { holders: 8, callers: 100 };
/** Timeouts for a loaded machine, because each timeout costs a grant. */
const PATIENT = { lifetimeMs: 2_000, timeoutMs: 2_000, storeTimeoutMs: 1_000, minValidityMs: 700 };
/** Timeouts with a lease of four seconds, for stores in which a lease ends only by expiry. */
const SHORTER = { lifetimeMs: 2_000, timeoutMs: 1_000, storeTimeoutMs: 1_000, minValidityMs: 700 };

/** @type {Record<string, (t: TestContext) => Promise<StoreLocation>>} */
const PLACES = {
  fileStore: async (t) => ({ kind: "file", path: await folderFor(t) }),
  redisStore: async (t) => {
    const server = await redisFor(t);
    return { kind: "redis", url: server.url, server };
  },
};

for (const [name, placeFor] of Object.entries(PLACES)) {
  describe(`processes on a ${name}`, () => {
    test("get one token per lifetime, no call fails, and no refresh token is presented twice", async (t) => {
      const location = await placeFor(t);

      const figures = await runFleet(t, {
        ...FLEET,
        location,
        spans: slower(PATIENT, currentPace()),
        lifetimes: 3,
      });

      assert.deepEqual([...new Set(figures.failures), ...figures.warnings], []);
      assert.equal(figures.reused, 0);
      assert.ok(figures.grants > 1 && figures.grants <= figures.mostGrants, `${figures.grants} grants`);
      assert.ok(figures.shared >= 7 * figures.grants, `adopted ${figures.shared} times`);
      assert.ok(figures.calls > 5_000, `${figures.calls} calls`);
    });

    test("continue if a lease holder is killed, at any step", async (t) => {
      const location = await placeFor(t);
      // The lease of the file store is free immediately after a crash.
      const [quick, killEveryMs, lifetimes] =
        location.kind === "file" ? [PATIENT, 200, 7] : [SHORTER, 4_500, 6];
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
      const longest = leaseMs(spans) + (location.kind === "file" ? 0 : pace * 2_000);
      assert.ok(figures.longestWaitMs < longest, `${figures.longestWaitMs} ms`);
    });
  });
}

test("processes whose Redis hangs get their own tokens, and share again when it resumes", async (t) => {
  const server = await redisFor(t);
  const pace = currentPace();
  const ms = slower({ before: 2_000, down: 3_000, after: 10_000 }, pace);

  const spans = slower(SHORTER, pace);
  const figures = await runOutage(t, { ...FLEET, server, outage: "stopped", ms, spans });

  assert.deepEqual([...new Set(figures.failures)], []);
  assert.equal(figures.reused, 0);
  // At least two for each holder, instead of one for all.
  assert.ok(figures.down > figures.mostBefore, `${figures.down} grants while it was down`);
  assert.ok(figures.usedAgainMs < pace * 9_000, `used again after ${figures.usedAgainMs} ms`);
  // Not one for each of the eight holders; incidental timeouts may cost some.
  assert.ok(figures.after <= 2 * figures.mostAfter, `${figures.after} grants after that`);
});
