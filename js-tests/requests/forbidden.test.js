// A forbidden operation looks like a rejected token. It must not cause grants.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { braintree, fluz, managerFor, operations, sandboxFor } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { failure } from "../support/waiting.js";
import { POST, apiFor, countedFor, json } from "./support.js";

/** Starts an API that accepts every token, and forbids one URL. @param {import("node:test").TestContext} t */
const forbidding = (t) =>
  apiFor(t, ({ url }, response) => {
    if (url === "/forbidden") json(response, 401, { error: "no" });
  });

test("Braintree: missing scopes look like invalid credentials, but are reported as insufficient_scope", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox, { scopes: ["TRANSACTION_FIND"] }));
  const document = "mutation { createCustomer { customer { id } } }";

  const error = await failure(tokens.request(document));

  assert.deepEqual(
    [error.code, error.retryable, error.provider, error.status],
    ["insufficient_scope", false, "braintree", 200],
  );
  // The required scopes are unknown unless the caller lists them.
  assert.deepEqual(error.missingScopes, []);
  assert.match(`${error.requestId}`, /^[0-9a-f-]{36}$/);
  // Both the token and its successor were valid.
  assert.equal(sandbox.counts().braintree.grants, 2);
  const token = await tokens.getToken();
  await failure(tokens.request(document));
  await failure(tokens.request(document));
  assert.equal(await tokens.getToken(), token);
  assert.equal(sandbox.counts().braintree.grants, 2);
  // The first is sent with both tokens, the later ones once, since no other token is to be had.
  assert.equal(operations(sandbox).filter((operation) => operation === "createCustomer").length, 4);
});

test("fetch returns the response to a forbidden operation, and the new token stays cached", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, fluz(sandbox));
  const body = JSON.stringify({ query: "{ getWallet { balance } }" });

  const response = await tokens.fetch(sandbox.fluz.endpoint, { ...POST, body });

  const { errors } = await response.json();
  assert.deepEqual([response.status, errors[0].extensions.code], [401, "AUTH-0008"]);
  assert.ok(tokens.peek());
});

describe("a forbidden operation that is called repeatedly", () => {
  test("causes a grant at most every few seconds, and other requests succeed", async (t) => {
    const clock = simulatedTime(t);
    const { endpoint, origin, received } = await forbidding(t);
    const { tokens, counts } = countedFor(t, endpoint);
    const grantsAfter = [];

    for (const seconds of [0, 1, 3, 2, 4, 7, 20, 41, 60]) {
      clock.advance(seconds * 1000);
      for (let call = 0; call < 5; call++) {
        assert.equal((await tokens.fetch(`${origin}/forbidden`, POST)).status, 401);
        assert.equal((await tokens.fetch(endpoint, POST)).status, 200);
      }
      grantsAfter.push(counts.grants);
    }

    // At 0, 6, 17, 37 and 78 s; the period of suspicion doubles each time, up to a minute.
    assert.deepEqual(grantsAfter, [2, 2, 2, 3, 3, 4, 5, 6, 7]);
    const ordinary = received.filter(({ url }) => url === "/graphql").length;
    assert.equal(ordinary, 45);
  });
});

test("without scopes, request() reports token_rejected", async (t) => {
  const { endpoint } = await apiFor(t, (_, response) => json(response, 401, { error: "planted" }));
  const { tokens } = countedFor(t, endpoint);

  const error = await failure(tokens.request("{ ok }"));

  assert.deepEqual([error.code, error.status], ["token_rejected", 401]);
  assert.ok(!error.message.includes("planted"));
});
