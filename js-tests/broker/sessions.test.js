/**
 * Sessions of broker requests: limited to the identity and scopes that `authorize` returned.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "graphql-token-manager/broker";
import { claims, fluz, managerFor, operations, sharedSandbox } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { ask, brokerFor, digestOf, json, outcome } from "./support.js";

/** @import { TestContext } from "node:test" */
/** @import { BrokerSelector } from "graphql-token-manager/broker" */

/**
 * Creates a manager, and a count of the grants since.
 * @param {TestContext} t
 */
async function managed(t) {
  const sandbox = await sharedSandbox(t);
  const options = fluz(sandbox, { scopes: ["LIST_OFFERS", "LIST_PURCHASES"], renewal: "generate" });
  return { sandbox, tokens: managerFor(t, options), granted: () => operations(sandbox).length };
}

/** @param {string | null} who One hexadecimal digit. */
const user = (who) => `0ec0de00-0000-4000-8000-00000000000${who}`;

/** @param {BrokerSelector} selector */
const giving = (selector) => ({ authorize: () => selector });

test("a page receives the session that `authorize` returned, whatever it requests", async (t) => {
  const { tokens, granted } = await managed(t);
  const users = { a: { userId: user("a") }, b: { userId: user("b") } };
  const authorize = (/** @type {Request} */ request) =>
    users[/** @type {"a" | "b"} */ (request.headers.get("cookie"))] ?? null;
  const broker = createBroker(tokens, { authorize });

  const [a, again, b] = [
    await ask(broker, {}, { headers: { cookie: "a" } }),
    await ask(broker, { userId: user("a") }, { headers: { cookie: "a" } }),
    await ask(broker, {}, { headers: { cookie: "b" } }),
  ];
  const given = await Promise.all([a, again, b].map(json));

  assert.equal(granted(), 2);
  assert.equal(given[0].access_token, given[1].access_token);
  assert.match(claims(given[0].access_token).sub, new RegExp(`^${user("a")}/`));
  assert.match(claims(given[2].access_token).sub, new RegExp(`^${user("b")}/`));
  for (const form of [{ userId: user("b") }, { seatId: user("a") }, { toString: "x" }, { __proto__x: "y" }]) {
    const response = ask(broker, /** @type {any} */ (form), { headers: { cookie: "a" } });
    assert.deepEqual(await outcome(response), [403, "unauthorized_client"], JSON.stringify(form));
  }
  assert.deepEqual(await outcome(ask(broker, "__proto__=x", { headers: { cookie: "a" } })), [
    403,
    "unauthorized_client",
  ]);
  assert.deepEqual(await outcome(ask(broker, {}, { headers: { cookie: "c" } })), [401, "invalid_client"]);
  assert.equal(granted(), 2);
});

test("a page requests numbers and booleans as text, and cannot request null or lists", async (t) => {
  const endpoint = "https://mine.test/graphql";
  const grant = (/** @type {any} */ { session }) => ({
    accessToken: `token-of-${session.shop}`,
    expiresInMs: 60_000,
  });
  const tokens = managerFor(t, { provider: { name: "mine", endpoint, grant } });
  const broker = createBroker(tokens, giving({ shop: 7, live: true }));
  const hostile = createBroker(tokens, giving({ shop: null, seats: ["a"] }));

  assert.equal((await json(ask(broker, { shop: "7", live: "true" }))).access_token, "token-of-7");
  for (const form of [{ shop: "8" }, { live: "false" }, { seat: "x" }]) {
    assert.deepEqual(await outcome(ask(broker, /** @type {any} */ (form))), [403, "unauthorized_client"]);
  }
  for (const form of [{ shop: "null" }, { seats: "a" }]) {
    assert.deepEqual(await outcome(ask(hostile, /** @type {any} */ (form))), [403, "unauthorized_client"]);
  }
});

test("a closed session is replaced, and a closed manager is reported as temporarily unavailable", async (t) => {
  const { tokens } = await managed(t);
  const broker = createBroker(tokens, giving({ userId: user("a") }));
  const first = await json(ask(broker));

  await tokens.session({ userId: user("a") }).close();
  const second = await json(ask(broker));
  await tokens.close();

  // Another session replaces it, as for each later request.
  assert.notEqual(second.access_token, first.access_token);
  assert.deepEqual((await outcome(ask(broker))).slice(0, 2), [503, "temporarily_unavailable"]);
});

test("a page receives no more scopes than `authorize` returned, and fewer if it requests fewer", async (t) => {
  const { tokens, granted } = await managed(t);
  const broker = createBroker(tokens, giving({ scopes: ["LIST_OFFERS", "LIST_PURCHASES"] }));

  assert.equal((await json(ask(broker))).scope, "LIST_OFFERS LIST_PURCHASES");
  assert.equal((await json(ask(broker, { scope: "LIST_OFFERS" }))).scope, "LIST_OFFERS");
  for (const scope of ["MANAGE_PAYMENT", "LIST_OFFERS MANAGE_PAYMENT"]) {
    assert.deepEqual(await outcome(ask(broker, { scope })), [400, "invalid_scope"]);
  }
  assert.equal(granted(), 2);
});

test("if `authorize` returns no scopes, a page may request only those of the token", async (t) => {
  const { broker, sandbox } = await brokerFor(t);

  assert.equal((await ask(broker, { scope: "LIST_OFFERS" })).status, 200);
  assert.deepEqual(await outcome(ask(broker, { scope: "MANAGE_PAYMENT" })), [400, "invalid_scope"]);
  assert.equal(sandbox.requests().length, 1);
});

test("the token of an API that grants more than `authorize` returned is withheld", async (t) => {
  /** @type {any[]} */
  const errors = [];
  const grant = () => ({ accessToken: "planted", expiresInMs: 60_000, scopes: ["a", "b"] });
  const provider = { name: "mine", endpoint: "https://mine.test/graphql", grant };
  const broker = createBroker(managerFor(t, { provider }), {
    ...giving({ scopes: ["a"] }),
    onError: (it) => errors.push(it),
  });

  assert.deepEqual(await outcome(ask(broker)), [500, "server_error"]);
  assert.equal(errors.length, 1);
});

test("a rejection concerns one session's token", async (t) => {
  const { tokens } = await managed(t);
  const authorize = (/** @type {Request} */ request) => ({
    userId: user(request.headers.get("cookie")),
  });
  const broker = createBroker(tokens, { authorize });
  const as = (/** @type {string} */ cookie, form = {}) => json(ask(broker, form, { headers: { cookie } }));
  const [a, b] = [await as("a"), await as("b")];

  const later = await as("b", { refused: digestOf(a.access_token) });

  assert.equal(later.access_token, b.access_token);
  assert.equal((await as("a")).access_token, a.access_token);
});

test("a subject that exceeds the rate limit is rejected, and others are not", async (t) => {
  const clock = simulatedTime(t);
  const subject = (/** @type {Request} */ request) => `${request.headers.get("cookie")}`;
  const rateLimit = { requests: 3, perMs: 30_000 };
  const { broker } = await brokerFor(t, { subject, rateLimit }, { refresh: "on-demand" });
  const as = (/** @type {string} */ cookie) => ask(broker, {}, { headers: { cookie } });

  const statuses = [];
  for (const who of ["a", "a", "a", "a", "b"]) statuses.push((await as(who)).status);

  assert.deepEqual(statuses, [200, 200, 200, 429, 200]);
  assert.deepEqual(await outcome(as("a")), [429, "temporarily_unavailable", 10]);
  clock.advance(10_000);
  assert.deepEqual([(await as("a")).status, (await as("a")).status], [200, 429]);
  clock.advance(60_000);
  for (const status of [200, 200, 200, 429]) assert.equal((await as("a")).status, status);
  // After the clock is set back, requests do not wait until it catches up.
  clock.advance(-86_400_000);
  const [, , seconds] = await outcome(as("a"));
  assert.ok(Number(seconds) <= 10, `${seconds}`);
});

test("without a subject, the rate limit of sixty a minute counts for each selector", async (t) => {
  simulatedTime(t);
  const { tokens } = await managed(t);
  const authorize = (/** @type {Request} */ request) => ({ userId: user(request.headers.get("cookie")) });
  const broker = createBroker(tokens, { authorize });
  const as = async (/** @type {string} */ cookie) => (await ask(broker, {}, { headers: { cookie } })).status;

  const statuses = [];
  for (let request = 0; request < 62; request++) statuses.push(await as("a"));

  assert.ok(statuses.slice(0, 60).every((status) => status === 200));
  assert.equal(statuses.at(-1), 429);
  assert.equal(await as("b"), 200);
});

test("of more than ten thousand subjects, the rate limits of the busiest are kept, whenever they came", async (t) => {
  simulatedTime(t);
  const subject = (/** @type {Request} */ request) => `${request.headers.get("cookie")}`;
  const { broker } = await brokerFor(t, { subject, rateLimit: { requests: 1, perMs: 3_600_000 } });
  const as = async (/** @type {string} */ cookie) => (await ask(broker, {}, { headers: { cookie } })).status;
  const busy = Array.from({ length: 200 }, (_, place) => place);
  const idle = Array.from({ length: 10_801 }, (_, place) => place);

  // Some busy subjects come first, the others between those with a single request; the last request evicts the least
  // busy.
  for (const place of busy.slice(0, 100)) for (let time = 0; time < 3; time++) await as(`busy-${place}`);
  for (const place of idle) {
    if (place % 100 === 0 && place < 10_000)
      for (let time = 0; time < 2; time++) await as(`busy-${100 + place / 100}`);
    await as(`idle-${place}`);
  }

  for (const place of busy) assert.equal(await as(`busy-${place}`), 429);
  // Ten thousand subjects are kept: of those with a single request, the most recent.
  const kept = idle.slice(-9_800).filter((_, place) => place % 50 === 0);
  for (const place of kept) assert.equal(await as(`idle-${place}`), 429);
  assert.equal(await as(`idle-${idle.length - 9_801}`), 200);
});

test("a page never receives the token with wider scopes that the server uses for the same user", async (t) => {
  const { tokens, granted } = await managed(t);
  const own = ["LIST_OFFERS", "LIST_PURCHASES"];
  const wide = [...own, "MAKE_DEPOSIT", "PURCHASE_GIFTCARD"];
  const userId = user("a");
  /** @type {[BrokerSelector, string[]][]} */
  const cases = [
    [{}, own],
    [{ userId }, own],
    [{ userId, scopes: ["LIST_OFFERS"] }, ["LIST_OFFERS"]],
    [{ userId, scopes: own }, own],
  ];
  const servers = new Set([
    await tokens.getToken({ scopes: wide }),
    await tokens.session({ userId, scopes: wide }).getToken(),
    await tokens.session({ userId }).getToken({ scopes: wide }),
  ]);
  const before = granted();

  for (const [selector, scopes] of cases) {
    const broker = createBroker(tokens, giving(selector));
    const first = await json(ask(broker));
    const second = await json(ask(broker));

    assert.equal(first.scope, scopes.join(" "));
    assert.deepEqual(claims(first.access_token).scopes ?? scopes, scopes);
    assert.ok(!servers.has(first.access_token));
    assert.equal(second.access_token, first.access_token);
    assert.deepEqual(await outcome(ask(broker, { scope: "PURCHASE_GIFTCARD" })), [400, "invalid_scope"]);
  }
  // The last selector is equivalent to the second.
  assert.equal(granted() - before, 3);
});

test("a subject is rate-limited whatever scopes it requests, and others keep their tokens", async (t) => {
  const all = Array.from({ length: 14 }, (_, place) => `SCOPE_${place}`);
  let grants = 0;
  const grant = (/** @type {any} */ { scopes }) => {
    return { accessToken: `token-${++grants}`, expiresInMs: 3_600_000, scopes };
  };
  simulatedTime(t);
  const endpoint = "https://mine.test/graphql";
  for (const [rateLimit, requests] of /** @type {const} */ ([
    [undefined, 60],
    [false, 64],
  ])) {
    const tokens = managerFor(t, { provider: { name: "mine", endpoint, grant }, scopes: all });
    const authorize = (/** @type {Request} */ request) => ({
      userId: `${request.headers.get("cookie")}`,
      scopes: all,
    });
    const broker = createBroker(tokens, { authorize, rateLimit });
    const as = (/** @type {string} */ cookie, form = {}) => ask(broker, form, { headers: { cookie } });
    const before = (await json(as("victim"))).access_token;
    const counted = grants;
    /** @type {Record<number, number>} */
    const statuses = {};

    for (let mask = 1; mask < 500; mask++) {
      const scope = all.filter((_, place) => (mask >> place) & 1).join(" ");
      const { status } = await as("mallory", { scope });
      statuses[status] = (statuses[status] ?? 0) + 1;
    }

    // Some requests are allowed again while the test runs: one per second, or one in fourteen.
    const allowed = statuses[200] ?? 0;
    assert.ok(allowed >= requests && allowed <= requests + 30, `${allowed}`);
    assert.equal(allowed + (statuses[429] ?? 0), 499);
    assert.equal(grants - counted, allowed);
    assert.equal((await json(as("victim"))).access_token, before);
  }
});

test("reports of rejected tokens count for the identity, whatever its scopes", async (t) => {
  simulatedTime(t);
  const { tokens } = await managed(t);
  const broker = createBroker(
    tokens,
    giving({ userId: user("a"), scopes: ["LIST_OFFERS", "LIST_PURCHASES"] }),
  );
  const offers = { scope: "LIST_OFFERS" };
  const [one, other] = [await json(ask(broker, offers)), await json(ask(broker))];

  const next = await json(ask(broker, { ...offers, refused: digestOf(one.access_token) }));
  const same = await json(ask(broker, { refused: digestOf(other.access_token) }));

  assert.notEqual(next.access_token, one.access_token);
  assert.equal(same.access_token, other.access_token);
});
