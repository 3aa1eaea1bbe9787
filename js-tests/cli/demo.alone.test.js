/**
 * The demo: its output, and that it fails if a claim fails.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../support/waiting.js";
import { run, start } from "./support.js";

/** @import { Ending } from "./support.js" */

/** @param {string[]} words */
const demo = (...words) => run(["demo", "--seconds", "10", ...words]);

/** @param {Ending} ending */
const everything = ({ stdout, stderr }) => `${stdout}${stderr}`;

test("the demo shows what it claims, checks it on both sides, and ends with 0", async () => {
  const ending = await demo();

  assert.equal(ending.status, 0, everything(ending));
  assert.equal(ending.stderr, "");
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
    assert.match(ending.stdout, line);
  }
  assert.ok(!ending.stdout.includes("\x1b"), "a file gets no colours");
  assert.doesNotMatch(ending.stdout, /eyJ|Bearer|Basic|sandbox-.*-(secret|password)/);
});

test("where calls are refused the demo names the claim and ends with 1", async () => {
  const ending = await demo("--revoke");

  assert.equal(ending.status, 1, everything(ending));
  assert.match(ending.stdout, /^ +✗ No call was refused\n +(Fluz|Toggle|Braintree): [1-9]\d* refused/m);
  assert.match(ending.stdout, /\d of 6 claims failed .*:\n(   .+\n)*   No call was refused\n/);
});

test("where tokens come too late the demo names the claim and ends with 1", async () => {
  const ending = await demo("--grant-ms", "5000");

  assert.equal(ending.status, 1, everything(ending));
  assert.match(ending.stdout, /^ +✗ No call waited for its token/m);
  assert.match(ending.stdout, /\d of 6 claims failed .*:\n(   .+\n)*   No call waited for its token/);
});

test("Ctrl-C ends the demo at once, with 130", async (t) => {
  const running = start(t, ["demo", "--seconds", "3600"]);
  await until(() => /calls meanwhile/.test(running.stdout), "a token was renewed");

  const ending = await running.stop("SIGINT");

  assert.equal(ending.status, 130, everything(ending));
  assert.equal(ending.stderr, "Stopped.\n");
});

test("as JSON, the claims alone are printed", async () => {
  const { status, stdout, stderr } = await demo("--json");

  assert.deepEqual([status, stderr], [0, ""]);
  const { claims } = JSON.parse(stdout);
  assert.equal(claims.length, 6);
  for (const { holds, reasons } of claims) assert.deepEqual([holds, reasons], [true, []]);
});
