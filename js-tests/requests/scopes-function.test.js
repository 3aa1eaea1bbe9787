// Option `scopes` of `request` as a function: a token with exactly the scopes that the document requires.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { parse } from "graphql";
import { TokenError } from "graphql-token-manager";
import { requiredScopes } from "graphql-token-manager/scopes";

import { acmeProfile, braintree, fluz, managerFor, sandboxFor, toggle } from "../support/setup.js";
import { failure } from "../support/waiting.js";

const BY_DOCUMENT = { scopes: requiredScopes };
const CHARGING = 'chargeCreditCard(input: { paymentMethodId: "a", transaction: { amount: "1.00" } })';
const CHARGE = `mutation Charge { ${CHARGING} { transaction { id } } }`;
const CREATE = "mutation Create { createCustomer { customer { id } } }";

test("the scopes that the document needs are granted, shared and cached", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox, { scopes: ["TRANSACTION_FIND"] }));
  const narrow = await tokens.getAccessToken();

  await Promise.all([tokens.request(CREATE, {}, BY_DOCUMENT), tokens.request(CREATE, {}, BY_DOCUMENT)]);
  await tokens.request(CREATE, {}, BY_DOCUMENT);

  assert.equal(sandbox.counts().braintree.grants, 2);
  assert.equal(sandbox.counts().braintree.refused, 0);
  const { scopes } = await tokens.getAccessToken({ scopes: ["CUSTOMER_CREATE"] });
  assert.deepEqual(scopes, ["CUSTOMER_CREATE"]);
  assert.equal((await tokens.getAccessToken()).value, narrow.value);
  assert.deepEqual(narrow.scopes, ["TRANSACTION_FIND"]);
});

test("a DocumentNode is accepted, also by a session and by the CommonJS build", async (t) => {
  const sandbox = await sandboxFor(t);
  /** @type {typeof import("graphql-token-manager")} */
  const required = createRequire(import.meta.url)("graphql-token-manager");
  const tokens = new required.TokenManager(/** @type {any} */ (braintree(sandbox)));
  t.after(() => tokens.close());
  const session = tokens.session({ scopes: ["CUSTOMER_FIND"] });

  await session.request(parse(CREATE), {}, BY_DOCUMENT);
  await session.request(parse(CREATE), {}, BY_DOCUMENT);

  const { grants, refused } = sandbox.counts().braintree;
  assert.deepEqual([grants, refused], [1, 0]);
  assert.equal(tokens.peek(), undefined);
});

test("a cached fresh token with wider scopes is used", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox, { scopes: ["CUSTOMER_CREATE", "TRANSACTION_FIND"] }));
  await tokens.getToken();

  await tokens.request(CREATE, {}, BY_DOCUMENT);

  assert.equal(sandbox.counts().braintree.grants, 1);
});

test("the named operation is analysed, without fields that its variables exclude", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox, { scopes: ["CUSTOMER_CREATE"] }));
  const skipping = `mutation M($all: Boolean!) {
    createCustomer { customer { id } }
    ${CHARGING} @include(if: $all) { transaction { id } }
  }`;

  await tokens.request(`${CHARGE} ${CREATE}`, {}, { ...BY_DOCUMENT, operationName: "Create" });
  await tokens.request(skipping, { all: false }, BY_DOCUMENT);

  assert.equal(sandbox.counts().braintree.grants, 1);
});

test("no scopes are requested if the provider has none, or the document needs none", async (t) => {
  const sandbox = await sandboxFor(t);
  const toggles = managerFor(t, toggle(sandbox));
  const users = managerFor(t, fluz(sandbox));

  await toggles.request("{ me { id } }", {}, BY_DOCUMENT).catch(() => undefined);
  await users.request("{ marco }", {}, BY_DOCUMENT).catch(() => undefined);

  assert.ok(sandbox.counts().toggle.grants <= 1);
});

test("a field whose scope is unpublished is an error that names it, and no request is sent", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox));

  const error = await failure(tokens.request("{ ping reports { id } }", {}, BY_DOCUMENT));

  assert.ok(error instanceof TokenError);
  assert.deepEqual([error.code, error.provider, error.retryable], ["unsupported", "braintree", false]);
  assert.ok(error.message.includes("Query.reports"));
  assert.equal(sandbox.counts().braintree.grants, 0);
});

test("a malformed document is reported with line and column", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox));

  const error = await failure(tokens.request("query {\n  planted(", {}, BY_DOCUMENT));

  assert.ok(error instanceof TokenError);
  assert.equal(error.code, "invalid_options");
  assert.match(error.message, /2:11|line 2, column 11/);
  assert.ok(!error.message.includes("planted"));
});

test("the function receives the document, the provider's name, the operation and the variables", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox, { scopes: ["TRANSACTION_FIND"] }));
  /** @type {unknown[][]} */
  const calls = [];
  /** @param {unknown[]} received */
  const scopes = (...received) => {
    calls.push(received);
    return ["CUSTOMER_CREATE"];
  };

  await tokens.request(CREATE, { one: 1 }, { operationName: "Create", scopes });
  await tokens.request(CREATE, undefined, { scopes });

  assert.deepEqual(calls, [
    [CREATE, { provider: "braintree", operationName: "Create", variables: { one: 1 } }],
    [CREATE, { provider: "braintree", operationName: undefined, variables: undefined }],
  ]);
});

test("an API without a table can use any function; `requiredScopes` rejects it", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, { provider: acmeProfile(sandbox) });

  const error = await failure(tokens.request("{ me { id } }", {}, BY_DOCUMENT));

  assert.deepEqual([error.code, error.provider], ["invalid_options", "acme"]);
  assert.equal(sandbox.requests().length, 0);
  await tokens.request("{ me { id } }", {}, { scopes: () => [] });
});

test("if the function throws, or returns anything but strings, no request is sent", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox));
  const thrown = new Error("planted");
  const throwing = () => {
    throw thrown;
  };

  const error = await failure(tokens.request(CREATE, {}, { scopes: throwing }));
  assert.deepEqual([error.code, error.cause, error.provider], ["invalid_options", thrown, "braintree"]);
  for (const scopes of [
    () => "CUSTOMER_CREATE",
    () => [1],
    async () => ["CUSTOMER_CREATE"],
    () => undefined,
  ]) {
    const { code } = await failure(tokens.request(CREATE, {}, /** @type {any} */ ({ scopes })));
    assert.equal(code, "invalid_options");
  }
  assert.equal(sandbox.requests().length, 0);
});
