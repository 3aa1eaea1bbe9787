// Wrong and jumping clocks on either side, for each way in which an API states a lifetime.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { onDevice } from "./device.js";

const DAY = 86_400_000;
/** Long enough to tolerate a machine that stalls for two seconds. */
const LIFETIME = 5_000;
/**
 * Earliest refresh after a grant, in milliseconds: stated in whole seconds, the lifetime appears to be 4 s, and the
 * window of 60 % starts up to a tenth earlier.
 */
const SHORTEST_SERVICE = 1_360;

/**
 * How the lifetime is stated, and the values of the Date header.
 *
 * @type {[name: string, how: string, headers: string[]][]}
 */
const CELLS = [
  ["fluz", "a JWT", ["true", "a day ahead", "a day behind", "absent"]],
  ["toggle", "a JWT", ["absent"]],
  ["acme", "seconds", ["a day behind"]],
  ["braintree", "iso", ["true", "a day ahead", "a day behind", "absent"]],
  ["braintree", "offset", ["true"]],
  ["braintree", "epoch", ["true"]],
  ["braintree", "absent", ["a day ahead", "absent"]],
];

/**
 * Uses tokens with the API for 7.5 s, while the device's clock jumps a day ahead and then two days back.
 */
const PROGRAM = `
  let begun = 0;
  let begin;
  const all = new Promise((resolve) => (begin = resolve));
  const cell = async ({ name, how, header }) => {
    const variants = name === "braintree" ? { braintree: { expiresAt: how } } : {};
    const lifetimes = { fluz: given.lifetime, toggle: given.lifetime, braintree: given.lifetime, acme: given.lifetime };
    const sandbox = await startSandbox({ now: device.real, lifetimes, variants });
    const offsetMs = { "a day ahead": given.day, "a day behind": -given.day }[header];
    if (header === "absent") sandbox.fault({ kind: "omit-date" });
    else if (offsetMs) sandbox.fault({ kind: "date", offsetMs });
    // Where nothing of the answer can be believed, this is the remedy that the documentation gives.
    const remedy = name === "braintree" ? { lifetimeMs: given.lifetime } : {};
    const tokens = new TokenManager(APIS[name].options(sandbox, { refreshWindow: 0.6, minValidityMs: 2_500, ...remedy }));
    const first = await tokens.getAccessToken();
    const ends = first.expiresAt - (device.real() + given.lifetime);
    if (++begun === given.cells.length) begin();
    await all;
    const began = monotonic();
    const end = began + 7_500;
    let [calls, refused] = [0, 0];
    while (monotonic() < end) {
      const token = await tokens.getToken();
      const gotAt = monotonic();
      const taken = await accepts(sandbox, name, token);
      calls++;
      if (!taken) {
        // On a machine that is this busy, a token that was good when it was got has ended before it arrives.
        if (monotonic() - gotAt < 1_500) refused++;
        tokens.invalidate(token);
      }
      await device.sleep(400);
    }
    const tookMs = monotonic() - began;
    const { grants, refreshes } = sandbox.counts()[name];
    await tokens.close();
    await sandbox.close();
    return { name, how, header, ends, calls, refused, tookMs, grants: grants + refreshes };
  };
  all.then(() => {
    set(() => device.jump(given.day), 1_200);
    set(() => device.jump(-2 * given.day), 3_500);
  });
  show(await Promise.all(given.cells.map(cell)));`;

/** @typedef {{ name: string, how: string, header: string, ends: number, calls: number, refused: number, tookMs: number, grants: number }} Result */

/**
 * Returns true if the manager cannot detect the expiry: the token is opaque, its expiry is an absolute time, and the
 * only clock for comparison is slow. The token then appears valid for longer, until the API rejects it.
 * @param {Result} result
 * @param {number} ahead
 */
function isBlind({ name, how, header }, ahead) {
  if (name !== "braintree" || how === "absent") return false;
  return header === "a day behind" || (header !== "true" && ahead < 0);
}

describe("a device clock", { concurrency: true }, () => {
  for (const [title, ahead] of /** @type {const} */ ([
    ["that is right", 0],
    ["a day ahead", DAY],
    ["a day behind", -DAY],
  ])) {
    test(`${title}, and then jumps, causes neither a storm nor a refused call`, async () => {
      const cells = CELLS.flatMap(([name, how, headers]) => headers.map((header) => ({ name, how, header })));

      const results = await onDevice(PROGRAM, { cells, ahead, day: DAY, lifetime: LIFETIME });

      assert.equal(results.length, 14);
      for (const result of /** @type {Result[]} */ (results)) {
        const { name, how, header, ends, calls, refused, tookMs, grants } = result;
        const what = JSON.stringify(result);
        assert.ok(calls > 2, what);
        // The first grant, one per jump and one that may be in flight, in addition to those that the elapsed time
        // explains.
        assert.ok(grants >= 2 && grants <= 4 + tookMs / SHORTEST_SERVICE, what);
        if (!isBlind(result, ahead)) assert.equal(refused, 0, what);
        else assert.ok(refused <= 3, what);
        const isKnown = header === "true" || (header === "absent" && (name === "fluz" || name === "toggle"));
        if (isKnown) assert.ok(Math.abs(ends) < 2_500, `told by the provider's clock: ${what} ${how}`);
      }
    });
  }
});
