// The steps and the selection of faults. `faults/faults.test.js` has the effect of each on a manager.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  GENERATE,
  ask,
  bearer,
  createAccessToken,
  fluzKey,
  generate,
  logIn,
  offers,
  products,
  refresh,
  sandboxFor,
  stoppedClock,
} from "./support.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/**
 * Returns the raw response, with any body.
 * @param {Sandbox} sandbox
 * @param {string} [query]
 */
function marco({ fluz }, query = "{ marco }") {
  return fetch(fluz.endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Basic ${fluz.apiKey}` },
    body: JSON.stringify({ query }),
  });
}

test("delay waits before the operation is executed, or afterwards", async (t) => {
  const sandbox = await sandboxFor(t);
  sandbox.fault({ kind: "delay", ms: 40, times: 1 });
  sandbox.fault({ kind: "delay", ms: 40, times: 1, when: "after" });

  const startedAt = performance.now();
  await marco(sandbox);

  assert.ok(performance.now() - startedAt >= 75);
  assert.equal(sandbox.requests()[0]?.fault, "delay+delay");
});

test("drop after closes the connection once the token was issued", async (t) => {
  const sandbox = await sandboxFor(t);
  const { refreshToken } = await generate(sandbox);
  sandbox.fault({ kind: "drop", when: "after", operation: "refreshUserAccessToken", times: 1 });

  await assert.rejects(refresh(sandbox, refreshToken), TypeError);

  assert.equal(sandbox.counts().fluz.refreshes, 1);
  assert.equal((await refresh(sandbox, refreshToken)).status, 401);
});

test("status replaces the provider's response, with the given Retry-After", async (t) => {
  const sandbox = await sandboxFor(t);
  const date = "Thu, 31 Jan 2030 12:00:00 GMT";
  sandbox.fault({ kind: "status", status: 429, retryAfter: 7, times: 1 });
  sandbox.fault({ kind: "status", status: 503, retryAfter: date, body: "{}", times: 1 });

  const answers = [await marco(sandbox), await marco(sandbox), await marco(sandbox)];

  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers.get("retry-after"), headers.get("content-type")]),
    [
      [429, "7", "text/html; charset=utf-8"],
      [503, date, "application/json; charset=utf-8"],
      [200, null, "application/json; charset=utf-8"],
    ],
  );
  assert.match(await /** @type {Response} */ (answers[0]).text(), /<title>429 Too Many Requests<\/title>/);
  assert.equal(sandbox.counts().fluz.refused, 0);
});

test("date shifts the Date header only, omit-date removes it", async (t) => {
  const { now } = stoppedClock(Date.UTC(2030, 0, 31, 12));
  const sandbox = await sandboxFor(t, { now });
  sandbox.fault({ kind: "date", offsetMs: -86_400_000, times: 1 });
  sandbox.fault({ kind: "omit-date", times: 1 });

  const dates = [];
  for (let i = 0; i < 3; i += 1) dates.push((await marco(sandbox)).headers.get("date"));

  assert.deepEqual(dates, ["Wed, 30 Jan 2030 12:00:00 GMT", null, "Thu, 31 Jan 2030 12:00:00 GMT"]);
});

test("narrow reduces the granted scopes, at Fluz and when refreshing", async (t) => {
  const sandbox = await sandboxFor(t);
  const takeBack = sandbox.fault({ kind: "narrow", scopes: ["LIST_PAYMENT"] });

  const granted = await generate(sandbox, ["LIST_OFFERS", "LIST_PAYMENT"]);
  takeBack();
  const whole = await generate(sandbox, ["LIST_OFFERS", "LIST_PAYMENT"]);
  sandbox.fault({ kind: "narrow", scopes: ["LIST_OFFERS"] });
  const refreshed = await refresh(sandbox, whole.refreshToken);

  assert.deepEqual(granted.scopes, ["LIST_PAYMENT"]);
  assert.equal((await offers(sandbox, granted.token)).status, 401);
  assert.deepEqual(refreshed.body.data.refreshUserAccessToken.scopes, ["LIST_OFFERS"]);
});

test("narrow at Braintree has an effect only when the token is used", async (t) => {
  const sandbox = await sandboxFor(t);
  sandbox.fault({ kind: "narrow", provider: "braintree", scopes: [] });
  const { accessToken } = await createAccessToken(sandbox, ["CUSTOMER_CREATE"]);

  const query = "mutation { createCustomer(input: {}) { customer { id } } }";
  const headers = { ...bearer(accessToken), "braintree-version": "2025-01-01" };
  const { body } = await ask(sandbox.braintree.endpoint, query, {}, headers);

  assert.equal(body.errors[0].extensions.errorClass, "AUTHENTICATION");
});

test("narrow is not consumed by operations that issue no token", async (t) => {
  const sandbox = await sandboxFor(t);
  sandbox.fault({ kind: "narrow", scopes: [], times: 1 });

  await marco(sandbox);
  const { scopes } = await generate(sandbox);

  assert.deepEqual(scopes, []);
});

test("bad-token replaces the token under any alias, control characters included", async (t) => {
  const sandbox = await sandboxFor(t);
  const value = "two words\r\nand a line";
  sandbox.fault({ kind: "bad-token", provider: "fluz", value });
  const { userId, accountId, endpoint } = sandbox.fluz;

  const query = GENERATE.replace("generateUserAccessToken(", "a: generateUserAccessToken(").replace(
    "token\n",
    "b: token\n",
  );
  const { body } = await ask(endpoint, query, { userId, accountId, scopes: [] }, fluzKey(sandbox));

  assert.equal(body.data.a.b, value);
  assert.match(body.data.a.refreshToken, /^[0-9a-f]{32}$/);
});

test("bad-token replaces the token in Toggle's headers, after the prefix, in sliding responses too", async (t) => {
  const variants = /** @type {const} */ ({ toggle: { bearerPrefix: true, sliding: "every" } });
  const sandbox = await sandboxFor(t, { variants });
  const token = ((await logIn(sandbox)).headers.get("authorization") ?? "").slice("Bearer ".length);
  sandbox.fault({ kind: "bad-token", value: "two words" });

  const { headers } = await products(sandbox, token);

  assert.equal(headers.get("x-authorization"), "Bearer two words");
  assert.equal(headers.get("authorization"), "Bearer two words");
});

test("a fault applies to its provider and operation only, and as often as specified", async (t) => {
  const sandbox = await sandboxFor(t);
  sandbox.fault({ kind: "status", status: 500, provider: "toggle" });
  sandbox.fault({ kind: "status", status: 502, operation: "getApplicationScopes", times: 2 });

  const statuses = [(await marco(sandbox)).status];
  for (let i = 0; i < 3; i += 1) statuses.push((await marco(sandbox, "{ x: getApplicationScopes }")).status);
  const toggle = await fetch(sandbox.toggle.endpoint, { method: "POST", body: "{}" });

  assert.deepEqual(statuses, [200, 502, 502, 200]);
  assert.equal(toggle.status, 500);
});

test("an operation is matched through fragments, and by the name of the executed operation", async (t) => {
  const sandbox = await sandboxFor(t);
  sandbox.fault({ kind: "status", status: 500, operation: "marco" });

  const query = "query A { getApplicationScopes } query B { ...F } fragment F on Query { ... { marco } }";
  const asked = async (/** @type {string} */ operationName) => {
    const headers = { "content-type": "application/json", authorization: `Basic ${sandbox.fluz.apiKey}` };
    const body = JSON.stringify({ query, operationName });
    return (await fetch(sandbox.fluz.endpoint, { method: "POST", headers, body })).status;
  };

  assert.deepEqual([await asked("A"), await asked("B")], [200, 500]);
});

test("a removed fault has no effect", async (t) => {
  const sandbox = await sandboxFor(t);
  const takeBack = sandbox.fault({ kind: "html" });

  takeBack();
  takeBack();

  assert.equal((await marco(sandbox)).headers.get("content-type"), "application/json; charset=utf-8");
});

test("a fault that is preempted by another one is not consumed", async (t) => {
  const sandbox = await sandboxFor(t);
  sandbox.fault({ kind: "status", status: 500, times: 1 });
  sandbox.fault({ kind: "drop", times: 1 });

  await assert.rejects(marco(sandbox), TypeError);
  const statuses = [(await marco(sandbox)).status, (await marco(sandbox)).status];

  assert.deepEqual(statuses, [500, 200]);
});

test("faults of different steps apply to the same request", async (t) => {
  const sandbox = await sandboxFor(t);
  sandbox.fault({ kind: "omit-date" });
  sandbox.fault({ kind: "delay", ms: 1 });
  sandbox.fault({ kind: "status", status: 503 });

  const { status, headers } = await marco(sandbox);

  assert.equal(status, 503);
  assert.equal(headers.get("date"), null);
  assert.equal(sandbox.requests()[0]?.fault, "delay+status+omit-date");
});

test("faults in the options are active from the start", async (t) => {
  const sandbox = await sandboxFor(t, { faults: [{ kind: "status", status: 500, times: 1 }] });

  assert.deepEqual([(await marco(sandbox)).status, (await marco(sandbox)).status], [500, 200]);
});
