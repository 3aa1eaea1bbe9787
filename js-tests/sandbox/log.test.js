import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ask,
  braintree,
  clientCredentials,
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

const NOTHING = { grants: 0, refreshes: 0, calls: 0, refused: 0, reused: 0 };

test("counts distinguishes grants, refreshes, calls and rejections, for each provider", async (t) => {
  const sandbox = await sandboxFor(t, { variants: { toggle: { sliding: "every" } } });

  const { token, refreshToken } = await generate(sandbox);
  await refresh(sandbox, refreshToken);
  await offers(sandbox, token);
  await offers(sandbox, "unknown");
  const toggleToken = (await logIn(sandbox)).headers.get("x-authorization") ?? "";
  await products(sandbox, toggleToken);
  const { accessToken } = await createAccessToken(sandbox, []);
  await braintree(sandbox, accessToken, "{ ping }");
  await braintree(sandbox, accessToken, "mutation { createCustomer(input: {}) { clientMutationId } }");

  assert.deepEqual(sandbox.counts(), {
    fluz: { grants: 1, refreshes: 1, calls: 1, refused: 1, reused: 0 },
    toggle: { grants: 1, refreshes: 1, calls: 1, refused: 0, reused: 0 },
    braintree: { grants: 1, refreshes: 0, calls: 1, refused: 1, reused: 0 },
    acme: NOTHING,
  });
});

test("modifying the results of counts and requests has no effect", async (t) => {
  const sandbox = await sandboxFor(t);
  await generate(sandbox);

  sandbox.counts().fluz.grants = 9;
  sandbox.requests().forEach((request) => (request.status = 9));

  assert.equal(sandbox.counts().fluz.grants, 1);
  assert.equal(sandbox.requests()[0]?.status, 200);
});

test("requests lists the time, provider, operation and status of each request", async (t) => {
  const clock = stoppedClock(1_000);
  const sandbox = await sandboxFor(t, { now: clock.now });

  await ask(sandbox.fluz.endpoint, "{ a: marco b: marco getApplicationScopes }", {}, fluzKey(sandbox));
  clock.advance(1);
  await ask(sandbox.toggle.endpoint, "{ not a document");
  await products(sandbox, "unknown");

  assert.deepEqual(sandbox.requests(), [
    { at: 1_000, provider: "fluz", operation: "marco,getApplicationScopes", status: 200 },
    { at: 1_001, provider: "toggle", operation: "", status: 200 },
    { at: 1_001, provider: "toggle", operation: "Products", status: 403 },
  ]);
});

test("requests keeps the newest thousand", async (t) => {
  const sandbox = await sandboxFor(t);
  const body = "{}";

  await fetch(sandbox.toggle.endpoint, { method: "POST", body });
  for (let batch = 0; batch < 20; batch += 1) {
    const asking = Array.from({ length: 50 }, () => fetch(sandbox.acme.endpoint, { method: "POST", body }));
    await Promise.all(asking.map(async (response) => (await response).arrayBuffer()));
  }

  assert.equal(sandbox.requests().length, 1_000);
  assert.equal(sandbox.requests()[0]?.provider, "acme");
});

test("no credential and no token is contained in requests or counts", async (t) => {
  const sandbox = await sandboxFor(t);
  const { token, refreshToken } = await generate(sandbox);
  await refresh(sandbox, refreshToken);
  await logIn(sandbox);
  await ask(sandbox.braintree.endpoint, "{ ping }", {}, clientCredentials(sandbox));
  await ask(
    sandbox.fluz.endpoint,
    `query ${"q"} { marco(x: "${sandbox.fluz.apiKey}") }`,
    {},
    fluzKey(sandbox),
  );

  const logged = JSON.stringify([sandbox.requests(), sandbox.counts()]);

  const { fluz, toggle, braintree: client } = sandbox;
  for (const secret of [token, refreshToken, fluz.apiKey, toggle.password, client.clientSecret]) {
    assert.ok(!logged.includes(secret));
  }
});

test("revoke revokes one token, and returns the number of tokens", async (t) => {
  const sandbox = await sandboxFor(t);
  const one = await generate(sandbox);
  const other = await generate(sandbox);

  const counts = [sandbox.revoke(one.token), sandbox.revoke(one.token), sandbox.revoke(other.refreshToken)];

  assert.deepEqual(counts, [1, 0, 1]);
  assert.equal((await offers(sandbox, one.token)).status, 401);
  assert.equal((await refresh(sandbox, one.refreshToken)).status, 200);
  assert.equal((await offers(sandbox, other.token)).status, 200);
  assert.equal((await refresh(sandbox, other.refreshToken)).status, 401);
});

test("revoke without a token revokes all tokens of every provider, and new ones are issued", async (t) => {
  const sandbox = await sandboxFor(t);
  const fluz = await generate(sandbox);
  const toggle = (await logIn(sandbox)).headers.get("x-authorization") ?? "";

  const count = sandbox.revoke();

  assert.equal(count, 3);
  assert.equal((await offers(sandbox, fluz.token)).status, 401);
  assert.equal((await refresh(sandbox, fluz.refreshToken)).status, 401);
  assert.equal((await products(sandbox, toggle)).status, 403);
  assert.equal((await offers(sandbox, (await generate(sandbox)).token)).status, 200);
});
