// Many identities: a session for each, by its selector.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";

import {
  acmeProfile,
  claims,
  fluz,
  managerFor,
  recordingFetch,
  sandboxFor,
  sharedSandbox,
} from "../support/setup.js";
import { EVENT_TYPES, failure, record } from "../support/waiting.js";

/** @import { Selector, TokenEvent } from "graphql-token-manager" */

/** Returns the identity of a Fluz token: user, account, and seat if there is one. @param {string} token */
const subject = (token) => claims(token).sub.split("/");

describe("a session", () => {
  test("is the same object for the same selector, however it is written", async (t) => {
    const sandbox = await sharedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox));
    const [userId, accountId] = [randomUUID(), randomUUID()];
    const session = tokens.session({ userId, accountId, scopes: ["LIST_OFFERS", "LIST_PURCHASES"] });

    /** @type {Selector[]} */
    const same = [
      { userId, accountId, scopes: ["LIST_OFFERS", "LIST_PURCHASES"] },
      { accountId, scopes: ["LIST_PURCHASES", "LIST_OFFERS", "LIST_PURCHASES"], userId },
      Object.assign(Object.create(null), { userId, accountId, scopes: ["LIST_OFFERS", "LIST_PURCHASES"] }),
    ];
    for (const selector of same) assert.equal(tokens.session(selector), session);
    for (const other of [
      { userId, accountId },
      { userId, scopes: ["LIST_OFFERS", "LIST_PURCHASES"] },
      { userId: accountId, accountId: userId, scopes: ["LIST_OFFERS", "LIST_PURCHASES"] },
      { userId, accountId, scopes: ["LIST_OFFERS"] },
    ]) {
      assert.notEqual(tokens.session(other), session);
    }
  });

  test("is the default session if the selector has only what the manager has", async (t) => {
    const sandbox = await sharedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox));
    const { userId, accountId } = sandbox.fluz;
    const token = await tokens.getToken();

    for (const selector of [
      {},
      { userId },
      { accountId, userId },
      { scopes: ["LIST_OFFERS"] },
      { seatId: null },
    ]) {
      assert.equal(await tokens.session(selector).getToken(), token);
    }

    assert.equal(tokens.session({ userId }), tokens.session({}));
    assert.equal(tokens.status().sessions, 1);
    assert.equal(sandbox.requests().length, 1);
    assert.equal(tokens.peek()?.value, token);
  });

  test("selects a user, an account and a seat, each the manager's own if omitted", async (t) => {
    const sandbox = await sharedSandbox(t);
    const [userId, accountId, seatId, seat] = Array.from({ length: 4 }, () => randomUUID());
    const { userId: ownUser, accountId: ownAccount } = sandbox.fluz;
    const tokens = managerFor(t, fluz(sandbox, { seatId: seat }));

    for (const [selector, expected] of /** @type {[Selector, (string | undefined)[]][]} */ ([
      [{ userId }, [userId, ownAccount, seat]],
      [{ accountId }, [ownUser, accountId, seat]],
      [{ seatId }, [ownUser, ownAccount, seatId]],
      [{ seatId: null }, [ownUser, ownAccount]],
      [{ userId, accountId, seatId }, [userId, accountId, seatId]],
    ])) {
      assert.deepEqual(subject(await tokens.session(selector).getToken()), expected);
    }
  });

  test("has the methods of a manager", async (t) => {
    const sandbox = await sharedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox));
    const session = tokens.session({ userId: randomUUID() });
    assert.equal(session.peek(), undefined);
    assert.equal(session.status().state, "empty");
    await session.ready();

    const token = await session.getToken();
    const whole = await session.getAccessToken();

    assert.equal(whole.value, token);
    assert.equal(session.peek(), whole);
    assert.equal(await session.authorization(), `Bearer ${token}`);
    assert.equal(session.adopt(new Response()), false);
    assert.deepEqual(session.status().grants, 1);
    assert.equal(session.status().expiresAt, whole.expiresAt);
    const renewed = await session.refresh();
    assert.notEqual(renewed.value, token);
    session.invalidate(renewed.value);
    assert.equal(session.peek(), undefined);
    assert.notEqual(await session.getToken(), renewed.value);
    assert.equal("session" in session, false);
    assert.equal(tokens.peek(), undefined);
  });

  test("keeps its token if its object was collected", async (t) => {
    const sandbox = await sharedSandbox(t);
    const tokens = managerFor(t, fluz(sandbox));
    const userId = randomUUID();
    const token = await tokens.session({ userId }).getToken();
    t.mock.method(WeakRef.prototype, "deref", () => undefined);

    const session = tokens.session({ userId });

    assert.equal(session.peek()?.value, token);
    assert.equal(session.status().state, "fresh");
    assert.equal(await session.getToken(), token);
    assert.equal(sandbox.requests().length, 1);
  });

  test("sends requests with its token, also after a rejection", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const [one, other] = [tokens.session({ userId: randomUUID() }), tokens.session({ userId: randomUUID() })];
    const [mine, theirs] = await Promise.all([one.getToken(), other.getToken()]);
    sandbox.revoke(mine);

    const { getOffers } = await one.request("{ getOffers(limit: 1) { offerId } }");
    const response = await one.fetch(sandbox.fluz.endpoint, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: "{ getOffers(limit: 1) { offerId } }" }),
    });

    assert.equal(getOffers.length, 1);
    assert.equal((await response.json()).data.getOffers.length, 1);
    assert.notEqual(await one.getToken(), mine);
    assert.equal(subject(await one.getToken())[0], subject(mine)[0]);
    assert.equal(await other.getToken(), theirs);
    assert.equal(sandbox.counts().fluz.refused, 1);
    assert.equal(one.fetch, one.fetch);
    assert.notEqual(one.fetch, other.fetch);
  });
});

describe("a session selector", () => {
  test("sets the variables of a custom API's profile", async (t) => {
    const sandbox = await sharedSandbox(t);
    const fetch = recordingFetch();
    const provider = acmeProfile(sandbox);
    provider.authenticate.document =
      "mutation ($id: ID!, $secret: String!, $shop: String, $till: Int) { login(id: $id, secret: $secret) { jwt renewal ttl } }";
    provider.authenticate.variables = { ...provider.authenticate.variables, shop: "one", till: 1 };
    const tokens = managerFor(t, { provider, fetch });

    await tokens
      .session({ shop: "two", till: 2 })
      .getToken()
      .catch(() => {});
    await tokens
      .session({ till: 1, shop: "three" })
      .getToken()
      .catch(() => {});

    assert.deepEqual(
      fetch.requests
        .map(({ body: { variables } }) => [variables.id, variables.shop, variables.till])
        .slice(0, 1),
      [[sandbox.acme.id, "two", 2]],
    );
    assert.deepEqual(fetch.requests.at(-1)?.body.variables.shop, "three");
    assert.equal((await failure(tokens.session({ till: "2" }).getToken())).code, "invalid_options");
  });

  test("is passed to a `grant` function, which interprets it", async (t) => {
    /** @type {Selector[]} */
    const asked = [];
    const tokens = managerFor(t, {
      provider: {
        name: "acme",
        endpoint: "https://acme.test",
        grant: (/** @type {any} */ { session, scopes }) => {
          asked.push(session);
          return { accessToken: `${session.tenant}-${scopes.join("+")}`, expiresInMs: 60_000, scopes };
        },
      },
      scopes: ["read"],
    });

    assert.equal(await tokens.getToken(), "undefined-read");
    assert.equal(await tokens.session({ tenant: "a" }).getToken(), "a-read");
    assert.equal(await tokens.session({ tenant: 7, scopes: ["write", "read"] }).getToken(), "7-read+write");

    assert.deepEqual(asked, [{}, { tenant: "a" }, { scopes: ["read", "write"], tenant: 7 }]);
    assert.ok(asked.every((selector) => Object.isFrozen(selector)));
    assert.ok(Object.isFrozen(asked[2]?.scopes));
  });

  /** Values that the constructor of sessions must not take for a selector; `src/options/tests` has the others. */
  const wrong = /** @type {[title: string, selector: unknown, named?: string][]} */ ([
    ["a misspelled key", { userID: "u" }, "`userID`"],
    ["another option", { apiKey: "planted" }, "`apiKey`"],
    ["a number", { userId: 7 }, "`userId`"],
    ["null in a member", { userId: null }, "`userId`"],
    ["a function in a member", { userId: () => "u" }, "`userId`"],
    ["a bigint", { userId: 7n }, "`userId`"],
    ["a date", { userId: new Date() }, "`userId`"],
    ["a lone surrogate", { userId: "planted\ud800" }, "`userId`"],
    ["an undefined member", { userId: undefined }, "`userId`"],
    ["an undefined member that may be null", { seatId: undefined }, "`seatId`"],
    ["an undefined unknown member", { shop: undefined }, "`shop`"],
    ["a scope that is a number", { scopes: [7] }, "`scopes[0]`"],
    ["a Map", new Map([["userId", "planted"]])],
    ["an Error", new Error("planted")],
    ["an instance", new URL("https://planted.test")],
    ["a hidden member", Object.defineProperty({}, "userId", { value: "planted" })],
    ["an inherited member", Object.create({ userId: "planted" })],
    ["a symbol as a key", { [Symbol("planted")]: 1 }],
    [
      "a getter that throws",
      Object.defineProperty({}, "userId", { enumerable: true, get: () => assert.fail("planted") }),
    ],
    ["JSON", '{"userId":"planted"}'],
    ["empty JSON", "{}"],
    ["a function", () => ({})],
    ["nothing", undefined],
    ["null", null],
    ["a list", ["planted"]],
  ]);
  for (const [title, selector, named = ""] of wrong) {
    test(`is not ${title}: each method rejects it`, async (t) => {
      const sandbox = await sharedSandbox(t);
      const tokens = managerFor(t, fluz(sandbox));
      const session = tokens.session(/** @type {any} */ (selector));

      const errors = [
        await failure(session.getToken()),
        await failure(session.getAccessToken()),
        await failure(session.refresh()),
        await failure(session.request("{ marco }")),
        await failure(session.fetch(sandbox.fluz.endpoint)),
      ];

      for (const error of errors) {
        assert.equal(error.code, "invalid_options");
        assert.ok(error.message.includes(named), error.message);
        assert.ok(!error.message.includes("planted"), error.message);
      }
      assert.equal(session.peek(), undefined);
      assert.equal(session.status().state, "empty");
      assert.equal(sandbox.requests().length, 0);
      assert.equal(tokens.status().sessions, 1);
    });
  }

  test("selects the manager's own scopes if `scopes` is undefined", async (t) => {
    const tokens = managerFor(t, fluz(await sharedSandbox(t)));

    assert.equal(await tokens.session({ scopes: undefined }).getToken(), await tokens.getToken());
  });

  test("distinguishes all values that JavaScript distinguishes", async (t) => {
    /** @type {string[]} */
    const granted = [];
    const grant = (/** @type {any} */ { session }) => {
      granted.push(JSON.stringify(session));
      return { accessToken: `token-${granted.length}`, expiresInMs: 60_000 };
    };
    const tokens = managerFor(t, { provider: { name: "acme", endpoint: "https://acme.test", grant } });
    const selectors = [
      ...['{"a":"b"}', '{"a":"b","__proto__":"c"}', '{"a":"b","__proto__":7}', '{"__proto__":"b"}'],
      ...['{"a":1}', '{"a":"1"}', '{"a":true}', '{"a":"true"}', '{"a":10}', '{"1":"a"}', '{"A":"b"}'],
      ...['{"a":"\\u0000"}', '{"a":"\\ufffd"}', '{"a":"\\ud83d\\ude00"}', '{"a ":"b"}', '{"a":"b "}'],
      ...['{"constructor":"b"}', '{"toString":"b"}', '{"\\u00e9":"b"}', '{"e\\u0301":"b"}'],
      ...['{"a":"b","c":"d"}', '{"a":"b\\",\\"c\\":\\"d"}'],
      ...['{"a":"b","scopes":["c"]}', '{"a":"b","scopes":["c","d"]}'],
    ];

    const first = [];
    for (const selector of selectors) first.push(await tokens.session(JSON.parse(selector)).getToken());
    const again = await Promise.all(selectors.map((text) => tokens.session(JSON.parse(text)).getToken()));

    assert.equal(new Set(first).size, selectors.length);
    assert.deepEqual(again, first);
    assert.deepEqual(
      granted.map((text) => JSON.parse(text)),
      selectors.map((text) => JSON.parse(text)),
    );
    assert.equal(granted.length, selectors.length);
    assert.equal(tokens.session({ a: -0 }), tokens.session({ a: 0 }));
  });

  test("with the key __proto__ is sent as an own variable", async (t) => {
    /** @type {unknown[]} */
    const sent = [];
    const fetch = async (/** @type {string} */ _url, /** @type {any} */ { body }) => {
      sent.push(JSON.parse(body).variables);
      return Response.json({ data: { login: { jwt: `token-${sent.length}` } } });
    };
    const variables = JSON.parse('{"__proto__":"own","u":"1"}');
    const authenticate = { document: "mutation { login { jwt } }", variables };
    const provider = {
      name: "acme",
      endpoint: "https://acme.test",
      authenticate,
      token: { data: "login.jwt" },
    };
    const tokens = managerFor(t, { provider: { ...provider, expiry: { lifetimeMs: 60_000 } }, fetch });

    await tokens.getToken();
    await tokens.session(JSON.parse('{"__proto__":"another"}')).getToken();

    assert.deepEqual(sent, [variables, JSON.parse('{"__proto__":"another","u":"1"}')]);
  });

  test("has its getters read once, at the call", async (t) => {
    const ids = [randomUUID(), randomUUID(), randomUUID()];
    let reads = 0;
    const tokens = managerFor(t, fluz(await sharedSandbox(t)));
    const session = tokens.session({
      get userId() {
        return ids[reads++];
      },
    });

    assert.equal(subject(await session.getToken())[0], ids[0]);
    assert.equal(reads, 1);
  });

  test("is copied at the call", async (t) => {
    const tokens = managerFor(t, fluz(await sharedSandbox(t)));
    const selector = { userId: randomUUID(), scopes: ["LIST_OFFERS", "LIST_PURCHASES"] };
    const { userId } = selector;
    const session = tokens.session(selector);
    selector.userId = randomUUID();
    selector.scopes.pop();

    const token = await session.getAccessToken();

    assert.deepEqual([subject(token.value)[0], token.scopes.length], [userId, 2]);
  });
});

describe("events of a session", () => {
  test("have its selector at the manager's listeners; its own listeners receive no others", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const [userId, other] = [randomUUID(), randomUUID()];
    const session = tokens.session({ scopes: ["LIST_PURCHASES", "LIST_OFFERS"], userId });
    const received = record(tokens);
    /** @type {TokenEvent[]} */
    const own = [];
    for (const type of EVENT_TYPES) session.on(type, (event) => own.push(event));
    /** @type {TokenEvent[]} */
    const managers = [];
    tokens.session({}).on("token", (event) => managers.push(event));

    await tokens.getToken();
    await session.getToken();
    await tokens.session({ userId: other }).getToken();

    const selectors = received.map((event) => event.type === "token" && event.session);
    const selected = { scopes: ["LIST_OFFERS", "LIST_PURCHASES"], userId };
    assert.deepEqual(selectors, [{}, selected, { userId: other }]);
    assert.ok(selectors.every((selector) => Object.isFrozen(selector)));
    assert.deepEqual(own, [received[1]]);
    assert.deepEqual(managers, [received[0]]);
  });

  test("are no longer received by a removed listener", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    const session = tokens.session({ userId: randomUUID() });
    const end = session.on("token", () => assert.fail("it was taken back"));
    end();

    await session.getToken();
    assert.throws(() => session.on(/** @type {any} */ ("tokens"), () => {}), { code: "invalid_options" });
  });
});

describe("closing", () => {
  test("a session closes it for all that hold it, and no other session", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const [userId, other] = [randomUUID(), randomUUID()];
    const session = tokens.session({ userId });
    const theirs = await tokens.session({ userId: other }).getToken();
    const first = await session.getToken();
    /** @type {string[]} */
    const received = [];
    session.on("close", () => received.push("session"));
    session.on("token", () => received.push("token"));
    tokens.session({ userId: other }).on("close", () => received.push("other"));
    const end = tokens.on("close", () => received.push("manager"));

    const waiting = failure(session.refresh());
    await session.close();
    await session.close();

    const errors = [await waiting, await failure(session.getToken()), await failure(session.ready())];
    for (const { code } of errors) assert.equal(code, "closed");
    assert.deepEqual(received, ["session"]);
    assert.deepEqual([session.peek(), session.status().state], [undefined, "empty"]);
    assert.equal(await tokens.session({ userId: other }).getToken(), theirs);
    const again = tokens.session({ userId });
    assert.notEqual(again, session);
    assert.notEqual(await again.getToken(), first);
    assert.deepEqual(received, ["session"]);
    end();
  });

  test("a session before the core runs rejects its callers", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const session = tokens.session({ userId: randomUUID() });
    const waiting = failure(session.getToken());

    await session.close();

    assert.equal((await waiting).code, "closed");
    await tokens.ready();
    assert.equal(sandbox.requests().length, 0);
  });

  test("the default session has no effect", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    const token = await tokens.getToken();

    await tokens.session({}).close();

    assert.equal(await tokens.getToken(), token);
    assert.equal(await tokens.session({}).getToken(), token);
  });

  test("is what `using` does", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    const [one, other] = [tokens.session({ userId: randomUUID() }), tokens.session({ userId: randomUUID() })];
    await Promise.all([one.getToken(), other.getToken()]);

    one[Symbol.dispose]();
    await other[Symbol.asyncDispose]();

    for (const session of [one, other]) assert.equal((await failure(session.getToken())).code, "closed");
    assert.equal(tokens.status().sessions, 1);
  });

  test("the manager closes all sessions", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const sessions = Array.from({ length: 5 }, () => tokens.session({ userId: randomUUID() }));
    const held = sessions.slice(0, 3);
    await Promise.all(held.map((session) => session.getToken()));
    /** @type {string[]} */
    const received = [];
    tokens.on("close", () => received.push("manager"));
    held[0]?.on("close", () => received.push("session"));
    const waiting = [
      ...held.map((session) => failure(session.refresh())),
      ...sessions.map((it) => failure(it.refresh())),
    ];

    await tokens.close();

    assert.deepEqual(new Set((await Promise.all(waiting)).map(({ code }) => code)), new Set(["closed"]));
    for (const session of [...sessions, tokens.session({ userId: randomUUID() }), tokens.session({})]) {
      assert.equal((await failure(session.getToken())).code, "closed");
      assert.equal(session.peek(), undefined);
      assert.equal((await failure(session.ready())).code, "closed");
    }
    assert.deepEqual(received, ["manager", "session"]);
    assert.equal(tokens.status().sessions, 0);
  });
});
