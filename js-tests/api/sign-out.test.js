// `clear()`: after a sign-out, nothing that was obtained before is used.

import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";

import { TokenError } from "graphql-token-manager";

import { POST, apiFor, json } from "../requests/support.js";
import { managerFor } from "../support/setup.js";
import { SharedMap } from "../support/shared-map.js";
import { simulatedTime } from "../support/simulated-time.js";
import { Gate, failure, record, until, within } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

/**
 * An application with one signed-in user, whose tokens are `ann-1`, `ann-2` …
 *
 * @param {TestContext} t
 * @param {Record<string, any>} [options]
 * @param {Record<string, any>} [profile]
 */
function applicationFor(t, options, profile) {
  const application = { user: "ann", grants: 0, gate: Promise.resolve() };
  const grant = async (/** @type {any} */ { session, signal }) => {
    const { user, gate } = application;
    application.grants++;
    const token = `${user}-${application.grants}`;
    await Promise.race([gate, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
    if (user === "") throw new TokenError("invalid_credentials", "no user is signed in");
    return { accessToken: `${token}${session.user ?? ""}`, expiresInMs: 3_600_000 };
  };
  const endpoint = "https://api.acme.test/graphql";
  const provider = { name: "acme", endpoint, grant, refused: { statuses: [401] }, ...profile };
  const make = () =>
    managerFor(t, { provider, refresh: "on-demand", retry: { attempts: 1 }, identity: "app", ...options });
  return Object.assign(application, { make, tokens: make() });
}

/** Makes the clock of the core throw, as an exhausted stack would, until `restore` is called. */
function breakTheClock() {
  const broken = mock.method(Date, "now", () => {
    throw new RangeError("Maximum call stack size exceeded");
  });
  return { restore: () => broken.mock.restore() };
}

describe("after clear()", () => {
  test("the token is gone at once, and the next one is the next user's", async (t) => {
    const application = applicationFor(t);
    const { tokens } = application;
    assert.equal(await tokens.getToken(), "ann-1");
    const events = record(tokens);

    application.user = "bob";
    const cleared = tokens.clear();
    assert.equal(tokens.peek(), undefined);
    assert.equal(tokens.status().state, "empty");
    const next = tokens.getToken();
    await cleared;

    assert.equal(await next, "bob-2");
    assert.deepEqual(events[0], { type: "cleared", session: {} });
    assert.ok(Object.isFrozen(events[0]));
    assert.deepEqual(
      events.map(({ type }) => type),
      ["cleared", "token"],
    );
  });

  test("of a manager, no session has its token; of a session, none of the same identity", async (t) => {
    const application = applicationFor(t);
    const { tokens } = application;
    const one = tokens.session({ user: "u" });
    const narrow = tokens.session({ user: "u", scopes: ["A"] });
    const other = tokens.session({ user: "v" });
    const all = [tokens, one, narrow, other];
    await Promise.all(all.map((session) => session.getToken()));

    await one.clear();
    assert.deepEqual(
      all.map((session) => session.peek() !== undefined),
      [true, false, false, true],
    );

    await tokens.clear();
    assert.deepEqual(
      all.map((session) => session.peek()),
      [undefined, undefined, undefined, undefined],
    );
  });

  test("in a listener, no later call receives the token, even if a grant has just completed", async (t) => {
    const application = applicationFor(t);
    const { tokens } = application;
    const session = tokens.session({ user: "u" });
    /** @type {Promise<string>[]} */
    const later = [];
    tokens.on("token", () => {
      if (later.length > 0) return;
      application.user = "bob";
      void tokens.clear();
      assert.equal(tokens.peek(), undefined);
      later.push(tokens.getToken(), session.getToken());
    });

    await Promise.all([session.getToken(), tokens.getToken()]);

    for (const token of await Promise.all(later)) assert.match(token, /^bob/);
  });

  test("callers that wait receive the next user's token, and the grant in flight is aborted", async (t) => {
    const application = applicationFor(t);
    const { tokens } = application;
    const gate = new Gate();
    application.gate = gate.opened;
    const waiting = [tokens.getToken(), tokens.refresh().then(({ value }) => value)];
    await until(() => application.grants === 1, "the grant is in flight");

    application.user = "bob";
    application.gate = Promise.resolve();
    await tokens.clear();

    assert.deepEqual(await Promise.all(waiting), ["bob-2", "bob-2"]);
    gate.open();
    assert.equal(await tokens.getToken(), "bob-2");
  });

  test("an earlier failure is not remembered: 20 s without credentials, then one grant suffices", async (t) => {
    const time = simulatedTime(t);
    const application = applicationFor(t);
    const { tokens } = application;
    await tokens.getToken();
    application.user = "";
    await tokens.clear();
    for (let second = 0; second < 20; second++) {
      assert.equal((await failure(tokens.getToken())).code, "invalid_credentials");
      await time.pass(1_000);
    }
    application.grants = 0;

    application.user = "bob";
    assert.equal((await failure(tokens.getToken())).code, "invalid_credentials");
    await tokens.clear();

    assert.equal(await tokens.getToken(), "bob-1");
  });

  test("twice, and during a grant, each promise resolves", async (t) => {
    const application = applicationFor(t);
    const { tokens } = application;
    await tokens.getToken();

    const first = tokens.clear();
    const waiting = tokens.getToken();
    const second = tokens.clear();

    await within(Promise.all([first, second, tokens.session({ user: "u" }).clear()]), "clear()");
    assert.equal(await waiting, await tokens.getToken());
  });
});

describe("a request that was sent before clear()", () => {
  /** Signs Ann out and Bob in while a request of Ann's is in flight. @param {TestContext} t @param {any} [options] */
  async function requestOfAnn(t, { status = 401, replacing = false } = {}) {
    /** @type {() => Promise<void>} */
    let during = async () => {};
    const { endpoint, received } = await apiFor(t, async ({ token }, response) => {
      await during();
      if (token?.startsWith("ann")) json(response, status, {}, { "x-new": "ann-newer" });
    });
    const application = applicationFor(t, undefined, {
      endpoint,
      sliding: { header: "x-new", sameSession: true },
    });
    const { tokens } = application;
    await tokens.getToken();
    const signIn = async () => {
      during = async () => {};
      application.user = "bob";
      await tokens.clear();
    };
    if (replacing) {
      // The sign-out is during the grant that replaces the rejected token.
      const gate = new Gate();
      application.gate = gate.opened;
      void until(() => application.grants === 2, "the token is replaced").then(() => {
        application.gate = Promise.resolve();
        return signIn();
      });
    } else {
      during = signIn;
    }
    return { application, tokens, endpoint, sent: () => received.map(({ token }) => token) };
  }

  for (const replacing of [false, true]) {
    const when = replacing ? ", also while its token is replaced" : "";
    test(`is not sent again with the next token${when}`, async (t) => {
      const { application, tokens, endpoint, sent } = await requestOfAnn(t, { replacing });

      const response = await tokens.fetch(endpoint, POST);

      assert.equal(response.status, 401);
      assert.deepEqual(await response.json(), {});
      assert.deepEqual(sent(), ["ann-1"]);
      // No token is requested for a replay that is omitted.
      if (!replacing) assert.equal(application.grants, 1);
    });

    test(`rejects with token_rejected${when}`, async (t) => {
      const { tokens, sent } = await requestOfAnn(t, { replacing });

      const { code, status, provider } = await failure(tokens.request("{ ok }"));

      assert.deepEqual([code, status, provider], ["token_rejected", 401, "acme"]);
      assert.deepEqual(sent(), ["ann-1"]);
      assert.match(await tokens.getToken(), /^bob/);
    });
  }

  test("has no token adopted from its response", async (t) => {
    const { tokens, endpoint } = await requestOfAnn(t, { status: 200 });

    assert.equal((await tokens.fetch(endpoint, POST)).status, 200);

    assert.match(await tokens.getToken(), /^bob/);
  });

  test("but still waited for a token is sent once, with the next one", async (t) => {
    const { endpoint, received } = await apiFor(t);
    const application = applicationFor(t, undefined, { endpoint });
    application.gate = new Gate().opened;
    const response = application.tokens.fetch(endpoint, POST);
    await until(() => application.grants === 1, "the grant is in flight");

    application.user = "bob";
    application.gate = Promise.resolve();
    await application.tokens.clear();

    assert.equal((await response).status, 200);
    assert.deepEqual(
      received.map(({ token }) => token),
      ["bob-2"],
    );
  });
});

describe("clear() of a manager", () => {
  test("that was never used clears the store", async (t) => {
    const store = new SharedMap();
    const application = applicationFor(t, { store });
    await application.tokens.getToken();
    await application.tokens.close();

    await application.make().clear();

    assert.deepEqual(
      [...store.entries.values()].filter((entry) => entry.includes("ann")),
      [],
    );
    application.user = "bob";
    assert.equal(await application.make().getToken(), "bob-2");
    assert.ok(!store.isLeased);
  });

  test("rejects with invalid options, and if the manager or session is closed or being closed", async (t) => {
    const invalid = managerFor(t, { provider: "none" });
    assert.equal((await failure(invalid.clear())).code, "invalid_options");

    const store = new SharedMap();
    // A call of the store that never settles keeps the process running until then.
    const { tokens } = applicationFor(t, { store, storeTimeoutMs: 200 });
    const session = tokens.session({ user: "u" });
    await Promise.all([tokens.getToken(), session.getToken()]);
    await session.close();
    assert.equal((await failure(session.clear())).code, "closed");

    store.before = () => new Promise(() => {});
    const cleared = failure(tokens.clear());
    await tokens.close();
    assert.equal((await cleared).code, "closed");
    assert.equal((await failure(tokens.clear())).code, "closed");
  });

  test("whose core crashed discards the tokens of all sessions", async (t) => {
    const application = applicationFor(t);
    const { tokens } = application;
    const sessions = [tokens, tokens.session({ user: "u" }), tokens.session({ user: "u", scopes: ["A"] })];
    await Promise.all(sessions.map((session) => session.getToken()));
    const { restore } = breakTheClock();
    const broken = failure(tokens.refresh());
    restore();
    assert.equal((await broken).code, "internal");
    application.user = "bob";

    await /** @type {any} */ (sessions[1]).clear();

    for (const session of sessions.slice(1)) assert.match(await session.getToken(), /^bob/);
  });

  test("whose core crashes meanwhile rejects, and the tokens are gone", async (t) => {
    const application = applicationFor(t);
    const { tokens } = application;
    await tokens.getToken();

    const { restore } = breakTheClock();
    const broken = failure(tokens.clear());
    restore();
    assert.equal((await broken).code, "internal");

    application.user = "bob";
    assert.equal(await tokens.getToken(), "bob-2");
  });
});

describe("with a store, clear()", () => {
  test("makes other managers discard the token, and they do not adopt it again", async (t) => {
    const store = new SharedMap();
    const application = applicationFor(t, { store });
    const other = application.make();
    await Promise.all([application.tokens.getToken(), other.getToken()]);
    const events = record(other);
    application.user = "bob";

    await application.tokens.clear();
    await until(() => other.peek() === undefined, "the other manager forgets the token");

    assert.deepEqual(events, [{ type: "cleared", session: {} }]);
    assert.equal(await other.getToken(), "bob-2");
    assert.equal(await application.tokens.getToken(), "bob-2");
    assert.ok(![...store.entries.values()].some((entry) => entry.includes("ann")));
  });

  test("during the write of a token leaves no earlier token in the store", async (t) => {
    const store = new SharedMap();
    const application = applicationFor(t, { store });
    const gate = new Gate();
    store.before = (method) => (method === "set" ? gate.opened : undefined);
    const waiting = application.tokens.getToken();
    await until(() => store.calls.includes("set"), "the token is written");
    application.user = "bob";

    const cleared = application.tokens.clear();
    gate.open();
    await cleared;

    assert.equal(await waiting, "bob-2");
    assert.ok(![...store.entries.values()].some((entry) => entry.includes("ann")));
  });

  test("rejects with `store` if the store fails; the token is gone, and its record is cleared later", async (t) => {
    const time = simulatedTime(t);
    const store = new SharedMap();
    const application = applicationFor(t, { store });
    const { tokens } = application;
    await tokens.getToken();
    store.before = (method) => {
      if (method === "set") throw new Error("planted");
    };

    const { code, retryable } = await failure(tokens.clear());

    assert.deepEqual([code, retryable, tokens.peek()], ["store", true, undefined]);
    assert.ok([...store.entries.values()].some((entry) => entry.includes("ann")));
    store.before = () => undefined;
    application.user = "bob";
    await time.pass(60_000);
    assert.equal(await tokens.getToken(), "bob-2");
    assert.ok(![...store.entries.values()].some((entry) => entry.includes("ann")));
  });

  test("does not wait for a session that was closed during its grant", async (t) => {
    const application = applicationFor(t, { store: new SharedMap() });
    const { tokens } = application;
    const session = tokens.session({ user: "u" });
    const gate = new Gate();
    application.gate = gate.opened;
    const waiting = failure(session.getToken());
    await until(() => application.grants === 1, "the grant is in flight");
    const closed = session.close();
    assert.equal((await waiting).code, "closed");

    await within(tokens.clear(), "clear()");

    gate.open();
    await closed;
  });

  test("does not need a secret, whose function may fail after the sign-out", async (t) => {
    const { endpoint } = await apiFor(t, (_, response) =>
      json(response, 200, { data: { login: "token-1" } }),
    );
    const store = new SharedMap();
    let isSignedIn = true;
    const password = () => {
      if (!isSignedIn) throw new Error("no user is signed in");
      return "secret";
    };
    const provider = {
      name: "acme",
      endpoint,
      authenticate: { document: "mutation ($p: String!) { login(p: $p) }", variables: { p: password } },
      token: { data: "login" },
      expiry: { lifetimeMs: 3_600_000 },
    };
    const tokens = managerFor(t, { provider, store, retry: { attempts: 1 } });
    const unused = managerFor(t, { provider, store, retry: { attempts: 1 } });
    await tokens.getToken();
    isSignedIn = false;

    await tokens.clear();

    assert.ok(![...store.entries.values()].some((entry) => entry.includes("token-1")));
    // This one has called no function yet, on whose result the key of the entry depends.
    assert.equal((await failure(unused.clear())).code, "credentials_unavailable");
    isSignedIn = true;
    assert.equal(await unused.getToken(), "token-1");
  });
});
