// `scopes: "auto"`: a token for what the document needs, and for no more.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { parse } from "graphql";
import { TokenError } from "graphql-token-manager";

import { acmeProfile, braintree, fluz, managerFor, sandboxFor, toggle } from "../support/setup.js";
import { failure } from "../support/waiting.js";

const AUTO = /** @type {const} */ ({ scopes: "auto" });
const CHARGING = 'chargeCreditCard(input: { paymentMethodId: "a", transaction: { amount: "1.00" } })';
const CHARGE = `mutation Charge { ${CHARGING} { transaction { id } } }`;
const CREATE = "mutation Create { createCustomer { customer { id } } }";

test("asks once for what the document needs beyond the scopes held, and then has it", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox, { scopes: ["TRANSACTION_FIND"] }));
  const narrow = await tokens.getAccessToken();

  await Promise.all([tokens.request(CREATE, {}, AUTO), tokens.request(CREATE, {}, AUTO)]);
  await tokens.request(CREATE, {}, AUTO);

  assert.equal(sandbox.counts().braintree.grants, 2);
  assert.equal(sandbox.counts().braintree.refused, 0);
  // Who asks for less is not disturbed, and gets no wider token.
  assert.equal((await tokens.getAccessToken()).value, narrow.value);
  assert.deepEqual(narrow.scopes, ["TRANSACTION_FIND"]);
});

test("reads a DocumentNode, for a session too, also where the package is required", async (t) => {
  const sandbox = await sandboxFor(t);
  /** @type {typeof import("graphql-token-manager")} */
  const required = createRequire(import.meta.url)("graphql-token-manager");
  const tokens = new required.TokenManager(/** @type {any} */ (braintree(sandbox)));
  t.after(() => tokens.close());
  const session = tokens.session({ scopes: ["CUSTOMER_FIND"] });

  await session.request(parse(CREATE), {}, AUTO);
  await session.request(parse(CREATE), {}, AUTO);

  const { grants, refused } = sandbox.counts().braintree;
  assert.deepEqual([grants, refused], [1, 0]);
  assert.equal(tokens.peek(), undefined);
});

test("uses the token held where that suffices", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox, { scopes: ["CUSTOMER_CREATE", "TRANSACTION_FIND"] }));
  await tokens.getToken();

  await tokens.request(CREATE, {}, AUTO);

  assert.equal(sandbox.counts().braintree.grants, 1);
});

test("reads the operation that is named, and what its variables leave in", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox, { scopes: ["CUSTOMER_CREATE"] }));
  const skipping = `mutation M($all: Boolean!) {
    createCustomer { customer { id } }
    ${CHARGING} @include(if: $all) { transaction { id } }
  }`;

  await tokens.request(`${CHARGE} ${CREATE}`, {}, { ...AUTO, operationName: "Create" });
  await tokens.request(skipping, { all: false }, AUTO);

  assert.equal(sandbox.counts().braintree.grants, 1);
});

test("asks for nothing where the provider knows no scopes, or the document needs none", async (t) => {
  const sandbox = await sandboxFor(t);
  const toggles = managerFor(t, toggle(sandbox));
  const users = managerFor(t, fluz(sandbox));

  await toggles.request("{ me { id } }", {}, AUTO).catch(() => undefined);
  await users.request("{ marco }", {}, AUTO).catch(() => undefined);

  assert.ok(sandbox.counts().toggle.grants <= 1);
});

test("guesses nothing: a field whose scope is not published is named, and nothing is sent", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox));

  const error = await failure(tokens.request("{ ping reports { id } }", {}, AUTO));

  assert.ok(error instanceof TokenError);
  assert.deepEqual([error.code, error.provider, error.retryable], ["unsupported", "braintree", false]);
  assert.match(error.message, /Query\.reports.*name the scopes yourself/);
  assert.equal(sandbox.counts().braintree.grants, 0);
});

test("a document that is malformed is told with its line and column", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, braintree(sandbox));

  const error = await failure(tokens.request("query {\n  planted(", {}, AUTO));

  assert.ok(error instanceof TokenError);
  assert.equal(error.code, "invalid_options");
  assert.match(error.message, /2:11|line 2, column 11/);
  assert.ok(!error.message.includes("planted"));
});

test("an API of one's own has no table, which is said", async (t) => {
  const sandbox = await sandboxFor(t);
  for (const name of ["acme", "toString"]) {
    const tokens = managerFor(t, { provider: { ...acmeProfile(sandbox), name } });

    const error = await failure(tokens.request("{ hello }", {}, AUTO));

    assert.ok(error instanceof TokenError);
    assert.deepEqual([error.code, error.provider], ["unsupported", name]);
    assert.match(error.message, /give an array of scopes/);
  }
});
