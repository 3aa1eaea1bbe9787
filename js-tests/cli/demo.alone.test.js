/**
 * The demo: its output, and that it fails if a claim fails.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { until } from "../support/waiting.js";
import { run, start } from "./support.js";

/** @import { ExitResult } from "./support.js" */

/** @param {string[]} words */
const demo = (...words) => run(["demo", "--seconds", "10", ...words]);

/** @param {ExitResult} result */
const everything = ({ stdout, stderr }) => `${stdout}${stderr}`;

// Each takes ten seconds, and is idle for most of them.
describe("the demo", { concurrency: true }, () => {
  test("prints its claims, verifies them on both sides, and exits with 0", async () => {
    const result = await demo();

    assert.equal(result.status, 0, everything(result));
    assert.equal(result.stderr, "");
    for (const line of [
      /^ +Fluz +after 5 s instead of 3 minutes$/m,
      /^ +Fluz +1 request sent, 1 grant counted by the sandbox, 1 token for all$/m,
      /^ +Toggle +1 request sent, 1 grant counted by the sandbox, 1 token for all$/m,
      /^ +Braintree +1 request sent, 1 grant counted by the sandbox, 1 token for all$/m,
      /^ +\d+\.\d s +Fluz +new token \d\.\d s before the old one ends; [1-9]\d* calls meanwhile$/m,
      /^ +\d+\.\d s +Braintree +new token \d\.\d s before the old one ends; [1-9]\d* calls meanwhile$/m,
      /^ +\d+\.\d s +Toggle +takes the new token out of each answer; asks for none$/m,
      /^ +Calls +200 +200 +200 +200 +200 +200$/m,
      /^ +Calls refused +0 +0 +0 +0 +0 +0$/m,
      /^ +Calls that waited +0 +– +0 +– +0 +–$/m,
      /^All 6 claims held\. \(\d+\.\d s\)$/m,
    ]) {
      assert.match(result.stdout, line);
    }
    assert.ok(!result.stdout.includes("\x1b"), "a file gets no colours");
    assert.doesNotMatch(result.stdout, /eyJ|Bearer|Basic|sandbox-.*-(secret|password)/);
  });

  test("names the claim that failed if calls are rejected, and exits with 1", async () => {
    const result = await demo("--revoke");

    assert.equal(result.status, 1, everything(result));
    assert.match(result.stdout, /^ +✗ No call was refused\n +(Fluz|Toggle|Braintree): [1-9]\d* refused/m);
    assert.match(result.stdout, /\d of 6 claims failed .*:\n(   .+\n)*   No call was refused\n/);
  });

  test("names the claim that failed if tokens arrive too late, and exits with 1", async () => {
    const result = await demo("--grant-ms", "5000");

    assert.equal(result.status, 1, everything(result));
    assert.match(result.stdout, /^ +✗ No call waited for its token/m);
    assert.match(result.stdout, /\d of 6 claims failed .*:\n(   .+\n)*   No call waited for its token/);
  });

  test("ends at once on Ctrl-C, with 130", async (t) => {
    const running = start(t, ["demo", "--seconds", "3600"]);
    await until(() => /calls meanwhile/.test(running.stdout), "a token was renewed");

    const result = await running.stop("SIGINT");

    assert.equal(result.status, 130, everything(result));
    assert.equal(result.stderr, "Stopped.\n");
  });

  test("prints only the claims with --json", async () => {
    const { status, stdout, stderr } = await demo("--json");

    assert.deepEqual([status, stderr], [0, ""]);
    const { claims } = JSON.parse(stdout);
    assert.equal(claims.length, 6);
    for (const { holds, reasons } of claims) assert.deepEqual([holds, reasons], [true, []]);
  });
});
