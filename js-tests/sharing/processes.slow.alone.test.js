// What processes that share a store do on the other store of each test, and while Redis hangs. The core's simulation and
// the tests of the stores prove the same in simulated time and for one holder.

import assert from "node:assert/strict";
import { test } from "node:test";

import { currentPace, slower } from "../support/pace.js";
import { redisFor } from "../stores/redis-server.js";
import { runOutage } from "./outage.js";
import { FLEET, SHORTER, testKills, testLifetimes } from "./processes.js";

testLifetimes("file");
testKills("redis");

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
