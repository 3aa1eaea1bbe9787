import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, bearer, claims, sandboxFor, stoppedClock } from "./support.js";

const LOGIN = "mutation ($id: ID!, $secret: String!) { login(id: $id, secret: $secret) { jwt renewal ttl } }";
const RENEW = "mutation ($refresh: String!) { renew(refresh: $refresh) { jwt renewal ttl } }";

test("login returns a JWT whose ttl is its lifetime in seconds, and me returns its subject", async (t) => {
  const sandbox = await sandboxFor(t);
  const { endpoint, id, secret } = sandbox.acme;

  const { jwt, ttl } = (await ask(endpoint, LOGIN, { id, secret })).body.data.login;
  const me = await ask(endpoint, "{ me { id } }", {}, bearer(jwt));

  assert.equal(ttl, 300);
  assert.equal(claims(jwt).exp - claims(jwt).iat, 300);
  assert.deepEqual(me.body.data, { me: { id } });
});

test("every rejection is 401 with UNAUTHENTICATED", async (t) => {
  const clock = stoppedClock();
  const sandbox = await sandboxFor(t, { now: clock.now, lifetimes: { acme: 1_500 } });
  const { endpoint, id, secret } = sandbox.acme;
  const { jwt, ttl } = (await ask(endpoint, LOGIN, { id, secret })).body.data.login;
  clock.advance(1_500);

  const answers = [
    await ask(endpoint, "{ me { id } }", {}, bearer(jwt)),
    await ask(endpoint, "{ me { id } }"),
    await ask(endpoint, LOGIN, { id, secret: "wrong" }),
    await ask(endpoint, RENEW, { refresh: "unknown" }),
  ];

  assert.equal(ttl, 1.5);
  for (const { status, body } of answers) {
    assert.equal(status, 401);
    assert.equal(body.data, null);
    assert.equal(body.errors[0].extensions.code, "UNAUTHENTICATED");
  }
});
