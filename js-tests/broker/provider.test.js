/**
 * A manager that obtains its tokens from a broker.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { toNodeListener } from "graphql-token-manager/broker";
import { QUICK, claims, managerFor, operations } from "../support/setup.js";
import { failure, record } from "../support/waiting.js";
import { brokerFor, digestOf, listening } from "./support.js";

/** @import { TestContext } from "node:test" */
/** @import { BrokerOptions } from "graphql-token-manager/broker" */
/** @import { Options } from "../support/setup.js" */

const OFFERS = "{ getOffers { offerId } }";

/**
 * Starts a broker on a server, with a record of its requests and a manager that uses it.
 * @param {TestContext} t
 * @param {{ broker?: Partial<BrokerOptions>, page?: Options, manager?: Options }} [options]
 */
async function pageFor(t, { broker: options, page, manager } = {}) {
  const { sandbox, broker, tokens } = await brokerFor(t, options, manager);
  /** @type {string[]} */
  const asked = [];
  const listener = toNodeListener(async (request) => {
    asked.push(await request.clone().text());
    return broker(request);
  });
  const url = `${await listening(t, createServer(listener))}/token`;
  const { endpoint } = sandbox.fluz;
  const client = managerFor(t, { provider: "broker", url, endpoint, api: "fluz", retry: QUICK, ...page });
  return { sandbox, tokens, client, asked, url };
}

test("after a sign-out, the previous token is not reported to the broker", async (t) => {
  const { client, asked } = await pageFor(t);
  await client.getToken();

  await client.clear();
  await client.getToken();

  assert.deepEqual(asked, ["", ""]);
});

test("the client receives the broker's token, with its remaining lifetime", async (t) => {
  const { client, tokens, asked, sandbox } = await pageFor(t);
  const events = record(client);

  const token = await client.getAccessToken();

  assert.equal(token.value, await tokens.getToken());
  assert.deepEqual(token.scopes, ["LIST_OFFERS"]);
  const lifetime = token.expiresAt - token.issuedAt;
  assert.ok(lifetime > 590_000 && lifetime <= 600_000, `${lifetime}`);
  assert.deepEqual(asked, [""]);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["token"],
  );
  assert.deepEqual(operations(sandbox), ["generateUserAccessToken"]);
});

test("requests succeed across a revocation: the rejected token is reported to the broker", async (t) => {
  const { client, asked, sandbox } = await pageFor(t, { manager: { renewal: "generate" } });
  await client.request(OFFERS);
  const token = await client.getToken();
  sandbox.revoke();

  const data = await client.request(OFFERS);

  assert.ok(data.getOffers.length > 0);
  assert.deepEqual(asked, ["", `refused=${digestOf(token)}`]);
  const generated = operations(sandbox).filter((operation) => operation === "generateUserAccessToken");
  assert.equal(generated.length, 2);
});

test("a rejection is reported until another token was received, and not afterwards", async (t) => {
  let isDown = false;
  const { client, asked } = await pageFor(t, {
    broker: {
      authorize: () => {
        if (isDown) throw new Error("down");
        return {};
      },
    },
    page: { retry: { ...QUICK, attempts: 2 } },
  });
  const first = await client.getToken();
  isDown = true;
  client.invalidate(first);
  await failure(client.refresh());
  isDown = false;

  await client.refresh();
  await client.refresh();

  const reported = `refused=${digestOf(first)}`;
  assert.deepEqual(asked, ["", reported, reported, reported, ""]);
});

test("the client requests its scopes, and its error names them if they are too many", async (t) => {
  const { client, asked } = await pageFor(t, { page: { scopes: ["LIST_OFFERS", "MANAGE_PAYMENT"] } });

  const error = await failure(client.getToken());

  assert.deepEqual([error.code, error.status, error.retryable], ["insufficient_scope", 400, false]);
  assert.deepEqual(asked, ["scope=LIST_OFFERS%20MANAGE_PAYMENT"]);
});

test("a session's selector is sent as form fields, and `authorize` decides", async (t) => {
  const users = ["3f6e1e5e-0000-4000-8000-00000000000a", "3f6e1e5e-0000-4000-8000-00000000000b"];
  /** @type {unknown[]} */
  const selectors = [];
  const { client, asked, sandbox } = await pageFor(t, {
    broker: {
      authorize: (_request, selector) => {
        selectors.push(selector);
        return users.includes(`${selector.userId}`) ? selector : null;
      },
    },
    manager: { scopes: ["LIST_OFFERS", "LIST_PAYMENT"] },
  });
  const [a, b] = users.map((userId) => client.session({ userId, scopes: ["LIST_OFFERS"] }));
  assert.ok(a && b);

  const tokens = await Promise.all([a, a, b].map((session) => session.getAccessToken()));
  const stranger = await failure(client.session({ userId: "planted" }).getToken());
  const own = await failure(client.getToken());
  const number = await failure(client.session(/** @type {any} */ ({ userId: 7 })).getToken());

  assert.equal(tokens[0]?.value, tokens[1]?.value);
  assert.deepEqual(
    [tokens[0], tokens[2]].map((token) => `${claims(`${token?.value}`).sub}`.split("/")[0]),
    users,
  );
  assert.deepEqual(tokens[0]?.scopes, ["LIST_OFFERS"]);
  assert.deepEqual([stranger.code, own.code], ["invalid_credentials", "invalid_credentials"]);
  assert.equal(number.code, "invalid_options");
  const narrow = { scopes: ["LIST_OFFERS"] };
  assert.deepEqual(selectors, [
    { userId: users[0], ...narrow },
    { userId: users[1], ...narrow },
    { userId: "planted" },
    {},
  ]);
  assert.equal(asked.length, 4);
  assert.ok((await b.request(OFFERS)).getOffers.length > 0);
  await a.close();
  assert.equal(a.peek(), undefined);
  assert.equal(b.peek(), tokens[2]);
  assert.equal(operations(sandbox).filter((it) => it === "generateUserAccessToken").length, 2);
});

test("an unauthenticated visitor causes one request and invalid_credentials", async (t) => {
  const { client, asked } = await pageFor(t, { broker: { authorize: () => null } });

  const error = await failure(client.getToken());

  assert.deepEqual([error.code, error.status, error.retryable], ["invalid_credentials", 401, false]);
  assert.equal(error.provider, "broker");
  assert.equal(asked.length, 1);
});

test("a rate-limited page receives Retry-After", async (t) => {
  const { client } = await pageFor(t, { broker: { rateLimit: { requests: 1, perMs: 3_600_000 } } });
  await client.getToken();

  const error = await failure(client.refresh());

  assert.deepEqual([error.code, error.status, error.retryable], ["rate_limited", 429, true]);
  assert.ok(Number(error.retryAfterMs) > 3_590_000, `${error.retryAfterMs}`);
  assert.equal(await client.getToken(), client.peek()?.value);
});

test("the token is sent to the endpoint, and not to the broker", async (t) => {
  const { client, url } = await pageFor(t);

  await assert.rejects(client.fetch(url), { code: "invalid_options" });
});
