// Braintree, end to end against the sandbox, in each response format.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { braintree, managerFor, recordingFetch, sandboxFor } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { failure } from "../support/waiting.js";

describe("a grant", () => {
  test("sends the encoded credentials, a version and the scopes, and its token is accepted", async (t) => {
    const sandbox = await sandboxFor(t);
    const fetch = recordingFetch();
    const tokens = managerFor(t, braintree(sandbox, { fetch }));
    const { endpoint, clientId, clientSecret } = sandbox.braintree;

    const token = await tokens.getToken();

    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "braintree-version": "2019-01-01",
    };
    const response = await globalThis.fetch(endpoint, {
      method: "POST",
      headers,
      body: '{"query":"{ ping }"}',
    });
    assert.equal((await response.json()).data.ping, "pong");
    const [request] = fetch.requests;
    const pair = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
    assert.equal(request?.headers.get("authorization"), `Basic ${pair}`);
    assert.equal(request?.headers.get("braintree-version"), "2019-01-01");
    assert.deepEqual(request?.body.variables, { input: { scopes: ["TRANSACTION_FIND"] } });
  });
});

describe("a rejection", () => {
  test("of the credentials is recognized by the error class, and the error has the request id", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, braintree(sandbox, { clientSecret: "planted-client-secret" }));

    const error = await failure(tokens.getToken());
    await failure(tokens.getToken());

    assert.deepEqual([error.code, error.status, error.provider], ["invalid_credentials", 200, "braintree"]);
    assert.match(`${error.requestId}`, /^[0-9a-f-]{36}$/);
    assertHoldsNone(error, [...secretsOf(sandbox), "planted-client-secret"]);
    assert.equal(sandbox.requests().length, 1);
  });
});
