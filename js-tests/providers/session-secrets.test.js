// Sessions of a described API: any variable of the log-in, and secret functions that know the session.

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, test } from "node:test";

import { managerFor } from "../support/setup.js";
import { SharedMap } from "../support/shared-map.js";
import { assertHoldsNone } from "../support/secrets.js";
import { EVENT_TYPES, failure, record } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

const ENDPOINT = "https://acme.test/graphql";

/** @type {Record<string, string>} */
const PASSWORDS = { a: "planted-of-a", b: "planted-of-b", c: "planted-of-c" };

/** Looks up the password of a session's user. @param {any} request */
const passwordOf = ({ session }) => PASSWORDS[session["input.identifier"] ?? "a"];

/**
 * Creates a manager of an API with a log-in that takes one input object. The token of a user is named after the identifier.
 *
 * @param {TestContext} t
 * @param {any} [options]
 * @param {any} [provider]
 */
function inputApi(t, options, provider) {
  /** @type {any[]} */
  const inputs = [];
  const tokens = managerFor(t, {
    provider: {
      name: "acme",
      endpoint: ENDPOINT,
      authenticate: {
        document: "mutation ($input: LoginInput!) { login(input: $input) { token } }",
        variables: { input: { identifier: "a", tenant: { id: 1 }, password: passwordOf } },
      },
      token: { data: "login.token" },
      expiry: { lifetimeMs: 3_600_000 },
      ...provider,
    },
    fetch: async (/** @type {unknown} */ _, /** @type {any} */ init) => {
      const { input } = JSON.parse(init.body).variables;
      inputs.push(input);
      if (PASSWORDS[input.identifier] !== input.password)
        return Response.json({ errors: [{ message: `no ${input.password}` }], data: { login: null } });
      return Response.json({ data: { login: { token: `token-of-${input.identifier}` } } });
    },
    retry: { attempts: 1 },
    ...options,
  });
  return { tokens, inputs };
}

describe("a session of a described API", () => {
  test("reaches a nested variable by its path, and by a name that occurs once", async (t) => {
    const { tokens, inputs } = inputApi(t);

    assert.equal(await tokens.session({ "input.identifier": "b" }).getToken(), "token-of-b");
    assert.equal(await tokens.session({ identifier: "c", id: 2 }).getToken(), "token-of-c");

    assert.deepEqual(inputs, [
      { identifier: "b", tenant: { id: 1 }, password: PASSWORDS["b"] },
      { identifier: "c", tenant: { id: 2 }, password: PASSWORDS["c"] },
    ]);
  });

  test("is one session for each spelling of the same choice, and the manager's own for its own values", async (t) => {
    const { tokens, inputs } = inputApi(t);
    const session = tokens.session({ identifier: "b", "input.tenant.id": 1 });

    for (const selector of [{ "input.identifier": "b" }, { identifier: "b" }, { id: 1, identifier: "b" }])
      assert.equal(tokens.session(selector), session);
    assert.notEqual(tokens.session({ identifier: "b", id: 2 }), session);
    await Promise.all([session.getToken(), tokens.session({ "input.identifier": "b" }).getToken()]);
    const own = tokens.session({ identifier: "a" });
    await Promise.all([own.getToken(), tokens.getToken()]);

    assert.equal(inputs.length, 2);
    assert.equal(tokens.status().sessions, 2);
  });

  test("selects the members of a JSON log-in by the same rules", async (t) => {
    const authenticate = {
      endpoint: "https://acme.test/login",
      json: { user: { name: "a" }, groups: ["one", "two"], password: () => "planted" },
    };
    /** @type {any[]} */
    const bodies = [];
    const { tokens } = inputApi(
      t,
      {
        fetch: async (/** @type {unknown} */ _, /** @type {any} */ init) => {
          bodies.push(JSON.parse(init.body));
          return Response.json({ jwt: `token-${bodies.length}` });
        },
      },
      { authenticate, token: { data: "jwt" } },
    );

    await tokens.session({ name: "b", "groups.1": "three" }).getToken();

    assert.deepEqual(bodies, [{ user: { name: "b" }, groups: ["one", "three"], password: "planted" }]);
    assert.equal(tokens.session({ "user.name": "a" }), tokens.session({}));
  });

  test("selects the user of the password grant, and parameters", async (t) => {
    /** @type {string[]} */
    const forms = [];
    const tokens = managerFor(t, {
      provider: {
        name: "acme",
        endpoint: ENDPOINT,
        oauth: {
          tokenEndpoint: "https://id.acme.test/token",
          clientId: "app",
          grant: "password",
          username: "a",
          password: (/** @type {any} */ { session }) => PASSWORDS[session.username ?? "a"],
          parameters: { audience: "one" },
        },
      },
      fetch: async (/** @type {unknown} */ _, /** @type {any} */ init) => {
        forms.push(init.body);
        return Response.json({
          access_token: `token-${forms.length}`,
          token_type: "Bearer",
          expires_in: 3600,
        });
      },
    });

    await tokens.getToken();
    await tokens.session({ username: "b", audience: "two" }).getToken();

    const sent = forms.map((form) => Object.fromEntries(new URLSearchParams(form)));
    assert.deepEqual(
      sent.map(({ username, password, audience }) => [username, password, audience]),
      [
        ["a", PASSWORDS["a"], "one"],
        ["b", PASSWORDS["b"], "two"],
      ],
    );
  });

  test("rejects an ambiguous name, a variable that is selected twice, and a secret", async (t) => {
    const variables = {
      one: { id: "1" },
      two: { id: "2" },
      email: "a",
      pin: "planted",
      password: () => "planted",
    };
    const authenticate = { document: "mutation { login { token } }", variables };
    const { tokens, inputs } = inputApi(t, undefined, { authenticate });

    for (const selector of [
      { id: "3" },
      { "one.id": "3", "two.id": "3", id: "3" },
      { email: "b", pin: "1234" },
      { email: "b", password: "planted" },
      { "one.secret": "planted" },
    ]) {
      const error = await failure(tokens.session(selector).getToken());
      assert.equal(error.code, "invalid_options", JSON.stringify(selector));
      assertHoldsNone(error, ["planted", "1234"]);
    }
    assert.equal(inputs.length, 0);
    const twice = inputApi(t).tokens.session({ identifier: "b", "input.identifier": "b" });
    assert.equal((await failure(twice.getToken())).code, "invalid_options");
  });

  test("shows no secret of a selector to observers", async (t) => {
    /** @type {unknown[]} */
    const seen = [];
    const receive = (/** @type {any} */ message) => seen.push(message);
    const channels = ["grant:start", "grant:error", "rejected", "warning", "evicted", "lease"].map((name) =>
      name.includes(":") ? `tracing:graphql-token-manager:${name}` : `graphql-token-manager:${name}`,
    );
    for (const channel of channels) subscribe(channel, receive);
    t.after(() => channels.forEach((channel) => unsubscribe(channel, receive)));
    const { tokens } = inputApi(t, { debug: (/** @type {string} */ line) => seen.push(line) });
    for (const type of EVENT_TYPES) tokens.on(type, (event) => seen.push(event));

    const session = tokens.session({ identifier: "b", password: "planted-s3cr3t" });
    session.on("change", () => seen.push(session.status()));
    seen.push(await failure(session.getToken()), session.status(), session);
    await tokens.session({ identifier: "b" }).getToken();

    assert.ok(seen.length > 4);
    assertHoldsNone(seen, ["planted-s3cr3t", ...Object.values(PASSWORDS)]);
  });
});

describe("a secret function of a described API", () => {
  test("receives the frozen selector by paths, without scopes", async (t) => {
    /** @type {unknown[][]} */
    const calls = [];
    const password = (/** @type {unknown[]} */ ...args) => {
      calls.push(args);
      return "planted";
    };
    const authenticate = {
      document: "mutation ($input: LoginInput!) { login(input: $input) { token } }",
      variables: { input: { identifier: "a", password, scopes: "$scopes" } },
    };
    const { tokens } = inputApi(
      t,
      { fetch: async () => Response.json({ data: { login: { token: `token-${calls.length}` } } }) },
      { authenticate },
    );

    await tokens.session({ identifier: "b", scopes: ["A"] }).getToken();
    await tokens.getToken();

    assert.deepEqual(calls, [[{ session: { "input.identifier": "b" } }], [{ session: {} }]]);
    assert.ok(
      calls.every(
        ([request]) => Object.isFrozen(request) && Object.isFrozen(/** @type {any} */ (request).session),
      ),
    );
  });

  test("gives each session its own credentials, whose rejection concerns no other", async (t) => {
    const { tokens, inputs } = inputApi(t);
    const events = record(tokens);
    const unknown = tokens.session({ identifier: "nobody" });
    /** @type {any} */ (PASSWORDS)["nobody"] = undefined;

    const withoutSecret = await failure(unknown.getToken());
    PASSWORDS["d"] = "planted-of-d";
    const wrong = inputApi(t, undefined, {
      authenticate: {
        document: "mutation ($input: LoginInput!) { login(input: $input) { token } }",
        // The same password for all: right for one of them.
        variables: { input: { identifier: "a", password: () => PASSWORDS["d"] } },
      },
    });
    const rejected = await failure(wrong.tokens.session({ identifier: "b" }).getToken());
    await failure(wrong.tokens.session({ identifier: "b" }).refresh());
    await failure(wrong.tokens.session({ identifier: "b" }).getToken());

    assert.equal(withoutSecret.code, "credentials_unavailable");
    assert.equal(rejected.code, "invalid_credentials");
    assertHoldsNone([rejected, withoutSecret, events], Object.values(PASSWORDS).filter(Boolean));
    assert.equal(await wrong.tokens.session({ identifier: "d" }).getToken(), "token-of-d");
    assert.equal(inputs.length, 0);
  });

  test("makes a store key of its own for each session, whichever comes first", async (t) => {
    const map = new SharedMap();
    const keys = async (/** @type {string[]} */ users, /** @type {Record<string, string>} */ passwords) => {
      const before = new Set(map.entries.keys());
      const { tokens } = inputApi(
        t,
        { store: map, fetch: async () => Response.json({ data: { login: { token: "planted-token" } } }) },
        {
          authenticate: {
            document: "mutation ($input: LoginInput!) { login(input: $input) { token } }",
            variables: {
              input: {
                identifier: "a",
                password: (/** @type {any} */ { session }) => passwords[session["input.identifier"]],
              },
            },
          },
        },
      );
      for (const user of users) await tokens.session({ identifier: user }).getToken();
      await tokens.close();
      return [...map.entries.keys()].filter((key) => !before.has(key));
    };

    // Two tenants; their first sessions happen to have the same password.
    const first = await keys(["x", "b"], { x: "planted-same", b: "planted-b1" });
    const second = await keys(["y", "b"], { y: "planted-same", b: "planted-b2" });
    // Another process of the first tenant, which starts with another session.
    const third = await keys(["b", "x"], { x: "planted-same", b: "planted-b1" });

    assert.deepEqual([first.length, second.length, third.length], [2, 2, 0]);
    assertHoldsNone([...map.entries.keys()], ["planted"]);
  });
});
