import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ask,
  bearer,
  braintree,
  clientCredentials,
  createAccessToken,
  sandboxFor,
  stoppedClock,
} from "./support.js";

const CHARGE = /* GraphQL */ `
  mutation ($amount: Amount!) {
    chargeCreditCard(input: { paymentMethodId: "x", transaction: { amount: $amount } }) {
      transaction {
        id
        status
      }
    }
  }
`;

const INVALID = {
  message: "Authentication credentials are invalid.",
  extensions: { errorClass: "AUTHENTICATION", errorType: "developer_error" },
};

/** @param {{ message: string, extensions: object }} error */
const withoutPlace = ({ message, extensions }) => ({ message, extensions });

test("ping returns pong for the client's credentials and for a token", async (t) => {
  const sandbox = await sandboxFor(t);
  const { accessToken } = await createAccessToken(sandbox, []);

  const answers = [
    await ask(sandbox.braintree.endpoint, "{ ping }", {}, clientCredentials(sandbox)),
    await braintree(sandbox, accessToken, "{ ping }"),
  ];

  for (const { body } of answers) {
    assert.deepEqual(body.data, { ping: "pong" });
    assert.match(body.extensions.requestId, /^[0-9a-f-]{36}$/);
  }
});

test("a token permits what its scopes allow, and nothing else", async (t) => {
  const sandbox = await sandboxFor(t);
  const { accessToken } = await createAccessToken(sandbox, ["TRANSACTION_CHARGE"]);

  const allowed = await braintree(sandbox, accessToken, CHARGE, { amount: "10.00" });
  const refused = await braintree(
    sandbox,
    accessToken,
    "mutation { createCustomer(input: {}) { customer { id } } }",
  );

  assert.equal(allowed.body.data.chargeCreditCard.transaction.status, "SUBMITTED_FOR_SETTLEMENT");
  assert.equal(refused.status, 200);
  assert.deepEqual(refused.body.data, { createCustomer: null });
  assert.deepEqual(refused.body.errors.map(withoutPlace), [INVALID]);
});

test("reading a Venmo payment context by node requires PAYMENT_CONTEXT_FIND", async (t) => {
  const sandbox = await sandboxFor(t);
  const creating = await createAccessToken(sandbox, ["PAYMENT_CONTEXT_CREATE"]);
  const finding = await createAccessToken(sandbox, ["PAYMENT_CONTEXT_FIND"]);
  const create = "mutation { createVenmoPaymentContext(input: {}) { venmoPaymentContext { id } } }";
  const { body } = await braintree(sandbox, creating.accessToken, create);
  const { id } = body.data.createVenmoPaymentContext.venmoPaymentContext;

  const node = "query ($id: ID!) { node(id: $id) { id ... on VenmoPaymentContext { status } } }";
  const refused = await braintree(sandbox, creating.accessToken, node, { id });
  const allowed = await braintree(sandbox, finding.accessToken, node, { id });

  assert.deepEqual(refused.body.errors.map(withoutPlace), [INVALID]);
  assert.deepEqual(allowed.body.data.node, { id, status: "CREATED" });
  assert.deepEqual(sandbox.counts().braintree, { grants: 2, refreshes: 0, calls: 2, refused: 1, reused: 0 });
});

test("invalid credentials and an expired token cause the same error, with status 200", async (t) => {
  const clock = stoppedClock();
  const sandbox = await sandboxFor(t, { now: clock.now, lifetimes: { braintree: 50 } });
  const { accessToken } = await createAccessToken(sandbox, []);
  const version = { "braintree-version": "2025-01-01" };

  clock.advance(49);
  const last = await braintree(sandbox, accessToken, "{ ping }");
  clock.advance(1);
  const answers = [
    await braintree(sandbox, accessToken, "{ ping }"),
    await ask(sandbox.braintree.endpoint, "{ ping }", {}, { ...version, authorization: "Basic d3Jvbmc=" }),
    await ask(sandbox.braintree.endpoint, "{ ping }", {}, version),
  ];

  assert.equal(last.body.data.ping, "pong");
  for (const { status, body } of answers) {
    assert.equal(status, 200);
    assert.deepEqual(body.errors.map(withoutPlace), [INVALID]);
  }
});

test("a token in place of the client's credentials is an AUTHORIZATION error", async (t) => {
  const sandbox = await sandboxFor(t);
  const { accessToken } = await createAccessToken(sandbox, []);

  const query =
    "mutation { createOAuthAccessTokenFromClientCredentials(input: { scopes: [] }) { clientMutationId } }";
  const { body } = await braintree(sandbox, accessToken, query);

  assert.equal(body.errors[0].extensions.errorClass, "AUTHORIZATION");
});

test("a request without a valid Braintree-Version is rejected", async (t) => {
  const sandbox = await sandboxFor(t);
  const { authorization } = clientCredentials(sandbox);

  const answers = [
    await ask(sandbox.braintree.endpoint, "{ ping }", {}, { authorization }),
    await ask(sandbox.braintree.endpoint, "{ ping }", {}, { authorization, "braintree-version": "latest" }),
  ];

  for (const { status, body } of answers) {
    assert.equal(status, 200);
    assert.equal(body.errors[0].extensions.errorClass, "VALIDATION");
    assert.match(body.errors[0].message, /Braintree-Version/);
  }
});

test("a document that does not match the schema gives 200 and an error without errorClass", async (t) => {
  const sandbox = await sandboxFor(t);

  const { status, body } = await ask(
    sandbox.braintree.endpoint,
    "{ pong }",
    {},
    {
      ...clientCredentials(sandbox),
      accept: "application/graphql-response+json",
    },
  );

  assert.equal(status, 200);
  assert.match(body.errors[0].message, /^Cannot query field "pong"/);
  assert.equal(body.errors[0].extensions, undefined);
});

test("a business failure has errorClass VALIDATION, a legacy code and the input's path", async (t) => {
  const sandbox = await sandboxFor(t);
  const { accessToken } = await createAccessToken(sandbox, ["TRANSACTION_CHARGE"]);

  const { body } = await braintree(sandbox, accessToken, CHARGE, { amount: "0" });

  assert.deepEqual(body.errors[0].extensions, {
    errorClass: "VALIDATION",
    errorType: "developer_error",
    legacyCode: "81531",
    inputPath: ["input", "transaction", "amount"],
  });
});

const EXPIRY = /** @type {const} */ ({
  iso: "2030-01-31T13:00:00.000Z",
  offset: "2030-01-31T18:30:00.000+05:30",
  epoch: "1896094800",
  absent: null,
});

for (const [expiresAt, written] of Object.entries(EXPIRY)) {
  test(`expiresAt ${expiresAt} is formatted as ${written}`, async (t) => {
    const { now } = stoppedClock(Date.UTC(2030, 0, 31, 12));
    const variants = { braintree: { expiresAt: /** @type {keyof typeof EXPIRY} */ (expiresAt) } };
    const sandbox = await sandboxFor(t, { now, variants });

    const token = await createAccessToken(sandbox, []);

    assert.equal(token.expiresAt, written);
  });
}

test("expiresAt epoch has milliseconds if the lifetime is not a whole number of seconds", async (t) => {
  const { now } = stoppedClock(1_000_000_000_000);
  const variants = /** @type {const} */ ({ braintree: { expiresAt: "epoch" } });
  const sandbox = await sandboxFor(t, { now, variants, lifetimes: { braintree: 50 } });

  const token = await createAccessToken(sandbox, []);

  assert.equal(token.expiresAt, "1000000000050");
});

test("a token of one provider is rejected by another", async (t) => {
  const sandbox = await sandboxFor(t);
  const { accessToken } = await createAccessToken(sandbox, []);

  const { status } = await ask(
    sandbox.toggle.endpoint,
    "{ Products(account_id: 1) { id } }",
    {},
    bearer(accessToken),
  );

  assert.equal(status, 403);
});
