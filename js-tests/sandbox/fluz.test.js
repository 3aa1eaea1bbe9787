import assert from "node:assert/strict";
import { test } from "node:test";
import {
  GENERATE,
  ask,
  bearer,
  claims,
  fluzKey,
  generate,
  offers,
  refresh,
  sandboxFor,
  stoppedClock,
} from "./support.js";

test("marco returns polo for the API key, with a request id", async (t) => {
  const sandbox = await sandboxFor(t);

  const { status, body } = await ask(sandbox.fluz.endpoint, "{ marco }", {}, fluzKey(sandbox));

  assert.equal(status, 200);
  assert.deepEqual(body.data, { marco: "polo" });
  assert.match(body.extensions.requestId, /^[0-9a-f-]{36}$/);
});

test("an invalid API key gives 401 and a bare error string, whatever the document", async (t) => {
  const sandbox = await sandboxFor(t);

  const wrong = { authorization: "Basic d3Jvbmc6a2V5" };
  const answers = [
    await ask(sandbox.fluz.endpoint, "{ marco }", {}, wrong),
    await ask(sandbox.fluz.endpoint, "{ noSuchField }", {}, wrong),
    await ask(sandbox.fluz.endpoint, "{ getApplicationScopes }"),
  ];

  for (const { status, body } of answers) {
    assert.equal(status, 401);
    assert.deepEqual(body, { error: "Error verifying API basic token" });
  }
});

test("a token from generateUserAccessToken permits operations within its scopes", async (t) => {
  const sandbox = await sandboxFor(t);

  const granted = await generate(sandbox, ["LIST_OFFERS", "LIST_PURCHASES"]);
  const { status, body } = await offers(sandbox, granted.token);

  assert.deepEqual(granted.scopes, ["LIST_OFFERS", "LIST_PURCHASES"]);
  assert.match(granted.refreshToken, /^[0-9a-f]{32}$/);
  assert.equal(status, 200);
  assert.equal(body.data.getOffers.length, 3);
});

test("an access token is an HS256 JWT with iat, exp in whole seconds, jti and sub", async (t) => {
  const clock = stoppedClock(1_000_000_000_750);
  const sandbox = await sandboxFor(t, { now: clock.now });

  const { token } = await generate(sandbox);

  const { iat, exp, jti, sub } = claims(token);
  assert.deepEqual(JSON.parse(atob(token.split(".")[0] ?? "")), { alg: "HS256", typ: "JWT" });
  assert.deepEqual([iat, exp], [1_000_000_000, 1_000_000_600]);
  assert.match(jti, /^[0-9a-f-]{36}$/);
  assert.equal(sub, `${sandbox.fluz.userId}/${sandbox.fluz.accountId}`);
});

test("the claims of a lifetime that is not a whole number of seconds are fractional", async (t) => {
  const clock = stoppedClock(1_000_000_000_250);
  const sandbox = await sandboxFor(t, { now: clock.now, lifetimes: { fluz: 50 } });

  const { token } = await generate(sandbox);

  assert.deepEqual([claims(token).iat, claims(token).exp], [1_000_000_000.25, 1_000_000_000.3]);
});

test("a token is accepted until the last millisecond of its lifetime, and no longer", async (t) => {
  const clock = stoppedClock();
  const sandbox = await sandboxFor(t, { now: clock.now });
  const { token } = await generate(sandbox);

  clock.advance(599_999);
  const last = await offers(sandbox, token);
  clock.advance(1);
  const late = await offers(sandbox, token);

  assert.equal(last.status, 200);
  assert.equal(late.status, 401);
  assert.equal(late.body.data, null);
  assert.equal(late.body.errors[0].extensions.code, "AUTH-0008");
});

test("a missing scope and a missing token give the same response as an expired token", async (t) => {
  const sandbox = await sandboxFor(t);
  const { token } = await generate(sandbox, ["LIST_PAYMENT"]);

  const answers = [
    await offers(sandbox, token),
    await ask(sandbox.fluz.endpoint, "{ getOffers { offerId } }"),
  ];

  for (const { status, body } of answers) {
    assert.equal(status, 401);
    assert.equal(body.errors[0].extensions.code, "AUTH-0008");
  }
});

test("an operation that is partly rejected gives 200 with the permitted data", async (t) => {
  const sandbox = await sandboxFor(t);
  const { token } = await generate(sandbox, ["LIST_OFFERS"]);

  const query = "{ getWallet { balance } getOffers(limit: 1) { merchant } }";
  const { status, body } = await ask(sandbox.fluz.endpoint, query, {}, bearer(token));

  assert.equal(status, 200);
  assert.deepEqual(body.data, { getWallet: null, getOffers: [{ merchant: "Corner Coffee" }] });
  assert.deepEqual(body.errors[0].path, ["getWallet"]);
});

test("only the selected token field exists", async (t) => {
  const sandbox = await sandboxFor(t, { variants: { fluz: { tokenField: "accessToken" } } });
  const { userId, accountId, endpoint } = sandbox.fluz;
  const variables = { userId, accountId, scopes: ["LIST_OFFERS"] };

  const other = await ask(endpoint, GENERATE, variables, fluzKey(sandbox));
  const selected = await ask(
    endpoint,
    GENERATE.replace("token\n", "accessToken\n"),
    variables,
    fluzKey(sandbox),
  );

  assert.match(other.body.errors[0].message, /^Cannot query field "token" on type "UserAccessToken"/);
  assert.equal(other.body.data, undefined);
  assert.equal((await offers(sandbox, selected.body.data.generateUserAccessToken.accessToken)).status, 200);
});

test("with rotation, a refresh token used twice revokes all tokens of its grant, and no others", async (t) => {
  const sandbox = await sandboxFor(t);
  const first = await generate(sandbox);
  const other = await generate(sandbox);
  const second = (await refresh(sandbox, first.refreshToken)).body.data.refreshUserAccessToken;

  const again = await refresh(sandbox, first.refreshToken);

  assert.equal(again.status, 401);
  assert.equal(again.body.errors[0].extensions.code, "AUTH-0008");
  assert.equal((await offers(sandbox, second.token)).status, 401);
  assert.equal((await refresh(sandbox, second.refreshToken)).status, 401);
  assert.equal((await offers(sandbox, other.token)).status, 200);
  // The used refresh token was presented once more.
  assert.equal(sandbox.counts().fluz.reused, 1);
});

test("an id that is not a UUID is rejected by the schema, and the message does not repeat it", async (t) => {
  const sandbox = await sandboxFor(t);
  const variables = { userId: "me", accountId: sandbox.fluz.accountId, scopes: [] };

  const { body } = await ask(sandbox.fluz.endpoint, GENERATE, variables, fluzKey(sandbox));

  assert.match(
    body.errors[0].message,
    /Variable "\$userId" got invalid value .*UUID cannot represent this value/,
  );
});

test("a purchase repeated with its idempotency key within ten minutes is executed once", async (t) => {
  const clock = stoppedClock();
  const sandbox = await sandboxFor(t, { now: clock.now, lifetimes: { fluz: 3_600_000 } });
  const { token } = await generate(sandbox, [
    "LIST_OFFERS",
    "LIST_PURCHASES",
    "PURCHASE_GIFTCARD",
    "REVEAL_GIFTCARD",
  ]);
  const { offerId } = (await offers(sandbox, token)).body.data.getOffers[0];
  const input = { idempotencyKey: crypto.randomUUID(), offerId, amount: 25 };
  const query = /* GraphQL */ `
    mutation ($input: PurchaseGiftCardInput!) {
      purchaseGiftCard(input: $input) {
        success
        purchase {
          giftCardId
        }
      }
    }
  `;
  const buy = async () =>
    (await ask(sandbox.fluz.endpoint, query, { input }, bearer(token))).body.data.purchaseGiftCard.purchase
      .giftCardId;

  const first = await buy();
  clock.advance(599_999);
  const repeated = await buy();
  clock.advance(1);
  const later = await buy();

  assert.equal(repeated, first);
  assert.notEqual(later, first);
  const listed = await ask(sandbox.fluz.endpoint, "{ getUserPurchases { giftCardId } }", {}, bearer(token));
  assert.equal(listed.body.data.getUserPurchases.length, 2);
  const reveal = "mutation ($id: UUID!) { revealGiftCard(giftCardId: $id) { success code } }";
  const revealed = await ask(sandbox.fluz.endpoint, reveal, { id: first }, bearer(token));
  assert.equal(revealed.body.data.revealGiftCard.success, true);
});

test("a business failure is in the payload, without errors", async (t) => {
  const sandbox = await sandboxFor(t);
  const { token } = await generate(sandbox, ["PURCHASE_GIFTCARD"]);
  const input = { idempotencyKey: crypto.randomUUID(), offerId: crypto.randomUUID(), amount: 25 };

  const query =
    "mutation ($i: PurchaseGiftCardInput!) { purchaseGiftCard(input: $i) { success error { code message } } }";
  const { status, body } = await ask(sandbox.fluz.endpoint, query, { i: input }, bearer(token));

  assert.equal(status, 200);
  assert.equal(body.errors, undefined);
  assert.equal(body.data.purchaseGiftCard.success, false);
  assert.equal(body.data.purchaseGiftCard.error.code, "OFFER-0001");
});
