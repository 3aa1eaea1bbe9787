import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, bearer, claims, logIn, products, sandboxFor, stoppedClock } from "./support.js";

const HOUR = 3_600_000;

test("loginUser returns only the id in the body, and the token in both headers", async (t) => {
  const sandbox = await sandboxFor(t);

  const { status, headers, body } = await logIn(sandbox);

  assert.equal(status, 200);
  assert.deepEqual(body.data, { loginUser: { id: 1 } });
  assert.equal(headers.get("x-authorization"), headers.get("authorization"));
  assert.equal((await products(sandbox, headers.get("x-authorization") ?? "")).status, 200);
});

test("loginUser accepts the email as well", async (t) => {
  const sandbox = await sandboxFor(t);
  const { endpoint, email, password } = sandbox.toggle;

  const query = "query ($e: String, $p: String!) { loginUser(email: $e, password: $p) { id } }";
  const { headers } = await ask(endpoint, query, { e: email, p: password });

  assert.ok(headers.has("x-authorization"));
});

for (const unauthorizedStatus of /** @type {const} */ ([200, 403])) {
  test(`unauthorizedStatus ${unauthorizedStatus} has exactly the documented body`, async (t) => {
    const sandbox = await sandboxFor(t, { variants: { toggle: { unauthorizedStatus } } });

    const { status, headers, body } = await products(sandbox, "unknown");

    assert.equal(status, unauthorizedStatus);
    assert.deepEqual(body, {
      errors: [{ message: "Unauthorized", locations: [{ line: 1, column: 3 }], customer_facing: false }],
    });
    assert.equal(headers.get("x-authorization"), null);
  });
}

test("an invalid document gives 200, whatever media type is accepted", async (t) => {
  const sandbox = await sandboxFor(t);
  const accept = "application/graphql-response+json";

  const { status, body } = await ask(sandbox.toggle.endpoint, "{ noSuchField }", {}, { accept });

  assert.equal(status, 200);
  assert.match(body.errors[0].message, /^Cannot query field "noSuchField"/);
});

test("a token has the claims that Laravel's usual package requires, and expires after an hour", async (t) => {
  const clock = stoppedClock();
  const sandbox = await sandboxFor(t, { now: clock.now, variants: { toggle: { sliding: "never" } } });
  const token = (await logIn(sandbox)).headers.get("x-authorization") ?? "";

  clock.advance(HOUR - 1);
  const last = await products(sandbox, token);
  clock.advance(1);
  const late = await products(sandbox, token);

  const found = claims(token);
  assert.deepEqual(Object.keys(found).sort(), ["exp", "iat", "iss", "jti", "nbf", "sub"]);
  assert.equal(found.exp - found.iat, 3_600);
  assert.deepEqual([last.status, late.status], [200, 403]);
});

test("near expiry, an ordinary response has a renewed token in the login's headers", async (t) => {
  const clock = stoppedClock();
  const sandbox = await sandboxFor(t, { now: clock.now });
  const token = (await logIn(sandbox)).headers.get("x-authorization") ?? "";

  clock.advance(0.75 * HOUR - 1);
  const early = await products(sandbox, token);
  clock.advance(1);
  const near = await products(sandbox, token);
  clock.advance(0.25 * HOUR);
  const renewed = near.headers.get("x-authorization") ?? "";

  assert.equal(early.headers.get("x-authorization"), null);
  assert.equal(near.headers.get("authorization"), renewed);
  assert.equal((await products(sandbox, token)).status, 403);
  assert.equal((await products(sandbox, renewed)).status, 200);
});

test("missing input is reported as a validation map in the error", async (t) => {
  const sandbox = await sandboxFor(t);
  const token = (await logIn(sandbox)).headers.get("x-authorization") ?? "";

  const query = 'mutation { createOrder(account_id: 1, order_items: [], total: 5, currency: "GBP") { id } }';
  const { status, body } = await ask(sandbox.toggle.endpoint, query, {}, bearer(token));

  assert.equal(status, 200);
  assert.deepEqual(body.data, { createOrder: null });
  const [{ message, validation, customer_facing }] = body.errors;
  assert.deepEqual(
    { message, validation, customer_facing },
    {
      message: "validation",
      validation: { order_items: ["The order items field is required."] },
      customer_facing: false,
    },
  );
});

test("an order creates cards, and is listed", async (t) => {
  const sandbox = await sandboxFor(t);
  const token = (await logIn(sandbox)).headers.get("x-authorization") ?? "";

  const query = /* GraphQL */ `
    mutation ($items: [OrderItemInput]!) {
      createOrder(account_id: 1, order_items: $items, total: 2500, currency: "GBP") {
        id
        LineItems {
          Card {
            card_reference
            balance
          }
        }
      }
    }
  `;
  const items = [{ product_id: 1, custom_price_modifier_value: 2500 }];
  const made = await ask(sandbox.toggle.endpoint, query, { items }, bearer(token));
  const listed = await ask(sandbox.toggle.endpoint, "{ Orders { data { id } } }", {}, bearer(token));

  assert.equal(made.body.data.createOrder.LineItems[0].Card.balance, 2500);
  assert.deepEqual(listed.body.data.Orders.data, [{ id: made.body.data.createOrder.id }]);
});

test("every response has the throttle's headers, and the allowance refills over time", async (t) => {
  const clock = stoppedClock();
  const sandbox = await sandboxFor(t, { now: clock.now });

  const { body } = await logIn(sandbox);
  clock.advance(600_000);
  const later = await ask(sandbox.toggle.endpoint, "{ noSuchField }");

  assert.deepEqual(body.extensions.cost, {
    actualQueryCost: 2,
    throttleStatus: { maximumAvailable: 8_000, currentlyAvailable: 7_998 },
  });
  assert.equal(later.body.extensions.cost.throttleStatus.currentlyAvailable, 7_999);
});
