/**
 * Who gets which session, and never more of it than `authorize` gave.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "graphql-token-manager/broker";
import { fluz, managerFor, movableClock, sharedSandbox } from "../support/setup.js";
import { ask, brokerFor, digestOf, json, refusal } from "./support.js";

/** @import { TestContext } from "node:test" */
/** @import { BrokerSelector } from "graphql-token-manager/broker" */

/**
 * A manager with sessions: each a manager of its own, by its selector.
 * @param {TestContext} t
 */
async function withSessions(t) {
  const sandbox = await sharedSandbox(t);
  const options = fluz(sandbox, { scopes: ["LIST_OFFERS", "LIST_PURCHASES"], renewal: "generate" });
  const tokens = managerFor(t, options);
  /** @type {Map<string, ReturnType<typeof managerFor>>} */
  const sessions = new Map();
  const session = ({ scopes = options.scopes, ...ids }) => {
    const name = JSON.stringify([ids, scopes]);
    const made = sessions.get(name) ?? managerFor(t, { ...options, ...ids, scopes });
    sessions.set(name, made);
    return made;
  };
  return { sandbox, sessions, tokens: Object.assign(tokens, { session }) };
}

/** @param {string | null} who One hexadecimal digit. */
const seat = (who) => `0ec0de00-0000-4000-8000-00000000000${who}`;

/** @param {BrokerSelector} selector */
const giving = (selector) => ({ authorize: () => selector });

test("a page gets the session that authorize gave, whatever it asks for", async (t) => {
  const { tokens, sessions } = await withSessions(t);
  const users = { a: { seatId: seat("a") }, b: { seatId: seat("b") } };
  const authorize = (/** @type {Request} */ request) =>
    users[/** @type {"a" | "b"} */ (request.headers.get("cookie"))] ?? null;
  const broker = createBroker(tokens, { authorize });

  const [a, again, b] = [
    await ask(broker, {}, { headers: { cookie: "a" } }),
    await ask(broker, { seatId: seat("a") }, { headers: { cookie: "a" } }),
    await ask(broker, {}, { headers: { cookie: "b" } }),
  ];
  const given = await Promise.all([a, again, b].map(json));

  assert.deepEqual([...sessions.keys()].length, 2);
  assert.equal(given[0].access_token, given[1].access_token);
  assert.notEqual(given[0].access_token, given[2].access_token);
  for (const form of [{ seatId: seat("b") }, { userId: "u" }, { toString: "x" }, { __proto__x: "y" }]) {
    const response = ask(broker, /** @type {any} */ (form), { headers: { cookie: "a" } });
    assert.deepEqual(await refusal(response), [403, "unauthorized_client"], JSON.stringify(form));
  }
  assert.deepEqual(await refusal(ask(broker, "__proto__=x", { headers: { cookie: "a" } })), [
    403,
    "unauthorized_client",
  ]);
  assert.deepEqual(await refusal(ask(broker, {}, { headers: { cookie: "c" } })), [401, "invalid_client"]);
});

test("a page gets no more scopes than authorize gave, and fewer if it asks for fewer", async (t) => {
  const { tokens, sessions } = await withSessions(t);
  const broker = createBroker(tokens, giving({ scopes: ["LIST_OFFERS", "LIST_PURCHASES"] }));

  assert.equal((await json(ask(broker))).scope, "LIST_OFFERS LIST_PURCHASES");
  assert.equal((await json(ask(broker, { scope: "LIST_OFFERS" }))).scope, "LIST_OFFERS");
  for (const scope of ["MANAGE_PAYMENT", "LIST_OFFERS MANAGE_PAYMENT"]) {
    assert.deepEqual(await refusal(ask(broker, { scope })), [400, "invalid_scope"]);
  }
  assert.equal(sessions.size, 2);
});

test("where authorize gives no scopes, a page may ask for those of the token alone", async (t) => {
  const { broker, sandbox } = await brokerFor(t);

  assert.equal((await ask(broker, { scope: "LIST_OFFERS" })).status, 200);
  assert.deepEqual(await refusal(ask(broker, { scope: "MANAGE_PAYMENT" })), [400, "invalid_scope"]);
  assert.equal(sandbox.requests().length, 1);
});

test("a session that lends its manager's wider token gets one of its own for pages", async (t) => {
  const { tokens, sandbox } = await withSessions(t);
  // What a session does whose scopes are a part of a fresh token's, until it was refreshed itself.
  const own = tokens.session({ scopes: ["LIST_OFFERS"] });
  const getAccessToken = own.getAccessToken.bind(own);
  own.getAccessToken = async (options) =>
    own.peek() ? getAccessToken(options) : tokens.getAccessToken(options);
  const broker = createBroker(tokens, giving({ scopes: ["LIST_OFFERS"] }));
  const wide = await tokens.getToken();

  const first = await json(ask(broker));
  const second = await json(ask(broker));

  assert.equal(first.scope, "LIST_OFFERS");
  assert.notEqual(first.access_token, wide);
  assert.equal(second.access_token, first.access_token);
  assert.equal(sandbox.requests().length, 2);
});

test("an API that grants more than authorize gave has its token withheld", async (t) => {
  const { tokens } = await withSessions(t);
  /** @type {any[]} */
  const heard = [];
  Object.assign(tokens, { session: () => tokens });
  const broker = createBroker(tokens, {
    ...giving({ scopes: ["LIST_OFFERS"] }),
    onError: (it) => heard.push(it),
  });

  assert.deepEqual(await refusal(ask(broker)), [500, "server_error"]);
  assert.match(heard[0].message, /more scopes than `authorize` gave/);
});

test("a refusal is of one session's token", async (t) => {
  const { tokens } = await withSessions(t);
  const authorize = (/** @type {Request} */ request) => ({
    seatId: seat(request.headers.get("cookie")),
  });
  const broker = createBroker(tokens, { authorize });
  const as = (/** @type {string} */ cookie, form = {}) => json(ask(broker, form, { headers: { cookie } }));
  const [a, b] = [await as("a"), await as("b")];

  const later = await as("b", { refused: digestOf(a.access_token) });

  assert.equal(later.access_token, b.access_token);
  assert.equal((await as("a")).access_token, a.access_token);
});

test("a subject that asks too often waits, and others do not", async (t) => {
  const clock = movableClock(t);
  const subject = (/** @type {Request} */ request) => `${request.headers.get("cookie")}`;
  const rateLimit = { requests: 3, perMs: 30_000 };
  const { broker } = await brokerFor(t, { subject, rateLimit }, { refresh: "on-demand" });
  const as = (/** @type {string} */ cookie) => ask(broker, {}, { headers: { cookie } });

  const statuses = [];
  for (const who of ["a", "a", "a", "a", "b"]) statuses.push((await as(who)).status);

  assert.deepEqual(statuses, [200, 200, 200, 429, 200]);
  assert.deepEqual(await refusal(as("a")), [429, "temporarily_unavailable", 10]);
  clock.advance(10_000);
  assert.deepEqual([(await as("a")).status, (await as("a")).status], [200, 429]);
  clock.advance(60_000);
  for (const status of [200, 200, 200, 429]) assert.equal((await as("a")).status, status);
  // Where the clock was set back, nobody waits for it to catch up.
  clock.advance(-86_400_000);
  const [, , seconds] = await refusal(as("a"));
  assert.ok(Number(seconds) <= 10, `${seconds}`);
});

test("without a subject it is the selector that counts, sixty times a minute", async (t) => {
  movableClock(t);
  const { tokens } = await withSessions(t);
  const authorize = (/** @type {Request} */ request) => ({ seatId: seat(request.headers.get("cookie")) });
  const broker = createBroker(tokens, { authorize });
  const as = async (/** @type {string} */ cookie) => (await ask(broker, {}, { headers: { cookie } })).status;

  const statuses = [];
  for (let request = 0; request < 62; request++) statuses.push(await as("a"));

  assert.ok(statuses.slice(0, 60).every((status) => status === 200));
  assert.equal(statuses.at(-1), 429);
  assert.equal(await as("b"), 200);
});

test("a million subjects are not all kept in mind, and the busiest are", async (t) => {
  const subject = (/** @type {Request} */ request) => `${request.headers.get("cookie")}`;
  const { broker } = await brokerFor(t, { subject, rateLimit: { requests: 1, perMs: 3_600_000 } });
  const as = async (/** @type {string} */ cookie) => (await ask(broker, {}, { headers: { cookie } })).status;
  await as("first");
  assert.equal(await as("first"), 429);

  for (let other = 0; other < 10_000; other++) await as(`other-${other}`);

  assert.equal(await as("first"), 200);
  assert.equal(await as("other-9999"), 429);
});
