// The presets of the playground show what they state, and their numbers agree with each other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenManager } from "graphql-token-manager";
import { InPageSandbox } from "../../docs/site/playground/in-page-sandbox.js";
import { PRESETS, settingsOf } from "../../docs/site/playground/presets.js";
import { Run } from "../../docs/site/playground/run.js";
import { virtualTime } from "./virtual-time.js";

/** @import { TestContext } from "node:test" */

/** @type {Map<string, ReturnType<typeof runOf>>} */
const runs = new Map();

/**
 * Returns the numbers of a preset's run, of which the tests share one.
 *
 * @param {TestContext} t
 * @param {string} id
 */
function numbersOf(t, id) {
  const found = runs.get(id) ?? runOf(t, id);
  runs.set(id, found);
  return found;
}

/** @param {TestContext} t @param {string} id */
async function runOf(t, id) {
  const preset = PRESETS.find((it) => it.id === id);
  assert.ok(preset);
  const settings = settingsOf(preset);
  // Loading takes real time.
  await TokenManager.ready();
  await InPageSandbox.open(settings);
  const time = virtualTime(t);
  const run = await time.until(Run.start(settings, preset.script));
  await time.until(run.done);
  return { settings, run, ...run.numbers() };
}

for (const { id } of PRESETS) {
  test(`${id}: the numbers of both sides agree, and no call of the manager fails`, async (t) => {
    const { settings, manager, cache } = await numbersOf(t, id);
    const asked = settings.callers * settings.users;

    for (const { calls, served, waited, replayed, failed, open } of [manager, cache]) {
      assert.equal(served + waited + replayed + failed, calls);
      assert.equal(open, 0);
    }
    assert.equal(manager.calls, cache.calls);
    assert.equal(manager.failed, 0);
    // Each call was sent once, and each that was rejected once more.
    assert.equal(manager.callRequests, manager.calls - asked + manager.replayed);
    // Each token that the provider issued was received.
    assert.equal(manager.tokens, manager.issued);
    if (id !== "rotation") assert.equal(cache.tokens, cache.issued);
  });
}

test("callers: the manager sends one request, and the cache one for each caller", async (t) => {
  const { manager, cache } = await numbersOf(t, "callers");

  assert.equal(manager.calls, 1_000);
  assert.deepEqual([manager.tokenRequests, cache.tokenRequests], [1, 1_000]);
});

test("refresh: calls wait for the first token only, and with the cache at each renewal", async (t) => {
  const { settings, manager, cache } = await numbersOf(t, "refresh");

  // The caller at the start, and the calls until the token is there.
  assert.equal(manager.waited, 1 + Math.floor(settings.latencyMs / settings.callEveryMs));
  assert.ok(cache.waited > manager.waited);
  assert.ok(manager.tokens >= 2);
});

test("revoked: rejected calls are sent again, and with the cache they fail", async (t) => {
  const { manager, cache } = await numbersOf(t, "revoked");

  assert.ok(manager.replayed > 0);
  assert.ok(cache.failed > 10);
});

for (const id of ["outage", "dropped", "limited"]) {
  test(`${id}: requests for a token are repeated, and with the cache calls fail`, async (t) => {
    const { manager, cache } = await numbersOf(t, id);

    assert.ok(manager.tokenRequests > manager.issued);
    assert.ok(cache.failed >= 2);
    assert.ok(manager.longestWaitMs < 1_000);
  });
}

test("clock: a clock that is wrong costs the cache a grant for each call", async (t) => {
  const { manager, cache } = await numbersOf(t, "clock");

  assert.equal(cache.issued, cache.calls);
  assert.ok(manager.issued <= 5);
});

test("rotation: the manager adopts each token, and with the cache calls fail", async (t) => {
  const { manager, cache } = await numbersOf(t, "rotation");

  assert.equal(manager.tokenRequests, 1);
  assert.ok(manager.tokens > 10);
  assert.ok(cache.failed > 10);
});

test("users: each user has tokens of their own", async (t) => {
  const { run } = await numbersOf(t, "users");

  const lanes = [...run.manager.log.lanes.values()];
  assert.equal(lanes.length, 3);
  for (const { tokens } of lanes) assert.ok(tokens.length >= 2);
});
