// Braintree, end to end against the sandbox, in each response format.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { braintree, managerFor, operations, recordingFetch, sandboxFor } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { failure } from "../support/waiting.js";

const CREATE = "createOAuthAccessTokenFromClientCredentials";

describe("a grant", () => {
  test("sends the client's credentials encoded, a version and the scopes; its token is taken", async (t) => {
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

  test("sends the version that was chosen", async (t) => {
    const sandbox = await sandboxFor(t);
    const fetch = recordingFetch();
    const tokens = managerFor(t, braintree(sandbox, { fetch, braintreeVersion: "2025-06-30" }));

    await tokens.getToken();

    assert.equal(fetch.requests[0]?.headers.get("braintree-version"), "2025-06-30");
  });

  test("has the scopes that were asked for, since the answer does not tell", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, braintree(sandbox, { scopes: ["TRANSACTION_FIND", "CUSTOMER_FIND"] }));

    const { scopes } = await tokens.getAccessToken();

    assert.deepEqual(scopes, ["CUSTOMER_FIND", "TRANSACTION_FIND"]);
  });

  test("is renewed with the credentials", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, braintree(sandbox));

    const first = await tokens.getAccessToken();
    const second = await tokens.refresh();

    assert.notEqual(first.value, second.value);
    assert.deepEqual(operations(sandbox), [CREATE, CREATE]);
  });
});

describe("expiresAt", () => {
  for (const [form, lifetimeMs] of /** @type {const} */ ([
    ["iso", 1_800_000],
    ["iso", 1_800_500],
    ["offset", 1_800_000],
    ["epoch", 1_800_000],
    ["epoch", 1_800_500],
  ])) {
    test(`as ${form}: the token lives for the ${lifetimeMs} ms that it says`, async (t) => {
      const sandbox = await sandboxFor(t, {
        lifetimes: { braintree: lifetimeMs },
        variants: { braintree: { expiresAt: form } },
      });
      // The option does not apply if the response states the lifetime.
      const tokens = managerFor(t, braintree(sandbox, { lifetimeMs: 60_000 }));

      const { issuedAt, expiresAt } = await tokens.getAccessToken();

      // Epoch times are in whole seconds.
      assert.ok(Math.abs(expiresAt - issuedAt - lifetimeMs) <= 1_000, `${expiresAt - issuedAt}`);
    });
  }

  test("absent: the token lives for an hour, or as lifetimeMs says", async (t) => {
    const sandbox = await sandboxFor(t, { variants: { braintree: { expiresAt: "absent" } } });

    const plain = await managerFor(t, braintree(sandbox)).getAccessToken();
    const told = await managerFor(t, braintree(sandbox, { lifetimeMs: 90_000 })).getAccessToken();

    assert.equal(plain.expiresAt - plain.issuedAt, 3_600_000);
    assert.equal(told.expiresAt - told.issuedAt, 90_000);
  });
});

describe("a refusal", () => {
  test("of the client's credentials is told by the error class, with the request's id", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, braintree(sandbox, { clientSecret: "planted-client-secret" }));

    const error = await failure(tokens.getToken());
    await failure(tokens.getToken());

    assert.deepEqual([error.code, error.status, error.provider], ["invalid_credentials", 200, "braintree"]);
    assert.match(error.message, /AUTHENTICATION.*check that `clientId` and `clientSecret`/);
    assert.match(`${error.requestId}`, /^[0-9a-f-]{36}$/);
    assertHoldsNone(error, [...secretsOf(sandbox), "planted-client-secret"]);
    assert.equal(sandbox.requests().length, 1);
  });

  for (const [errorClass, code, requests] of /** @type {const} */ ([
    ["AUTHORIZATION", "invalid_credentials", 1],
    ["RESOURCE_LIMIT", "rate_limited", 3],
    ["SERVICE_AVAILABILITY", "server", 3],
    ["INTERNAL", "server", 3],
    ["VALIDATION", "protocol", 1],
  ])) {
    test(`of class ${errorClass} is ${code}, in ${requests} requests`, async (t) => {
      const sandbox = await sandboxFor(t);
      const tokens = managerFor(t, braintree(sandbox));
      const errors = [{ message: "planted-message", extensions: { errorClass } }];
      const body = JSON.stringify({ data: null, errors, extensions: { requestId: "r-1" } });
      sandbox.fault({ kind: "status", status: 200, body });

      const error = await failure(tokens.getToken());

      assert.deepEqual([error.code, error.requestId], [code, "r-1"]);
      assertHoldsNone(error, ["planted-message"]);
      assert.equal(sandbox.requests().length, requests);
    });
  }

  test("of a scope that does not exist is protocol", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, braintree(sandbox, { scopes: ["FIND_EVERYTHING"] }));

    const error = await failure(tokens.getToken());

    assert.equal(error.code, "protocol");
    assert.match(error.message, /check the scopes/);
  });
});
