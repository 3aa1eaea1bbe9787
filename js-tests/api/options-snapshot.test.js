// Options are a snapshot: later changes to the objects have no effect.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { apiFor } from "../requests/support.js";
import {
  acmeProfile,
  fluz,
  managerFor,
  recordingFetch,
  sandboxFor,
  sharedSandbox,
} from "../support/setup.js";
import { failure } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */
/** @import { Options } from "../support/setup.js" */

/**
 * Starts an API with tokens that contain the tenant.
 * @param {TestContext} t
 */
async function tenantApi(t) {
  const { endpoint } = await apiFor(t, ({ body }, response) => {
    const { variables } = JSON.parse(body.toString());
    const data = { login: { jwt: `token-of-${variables.tenant}` } };
    response.setHeader("content-type", "application/json").end(JSON.stringify({ data }));
  });
  return { endpoint };
}

/** @param {string} endpoint @param {string} tenant @returns {Options} */
const profileOf = (endpoint, tenant) => ({
  name: "acme",
  endpoint,
  authenticate: {
    document: "mutation ($tenant: ID!, $secret: String!) { login(tenant: $tenant, secret: $secret) { jwt } }",
    variables: { tenant, secret: () => "secret" },
  },
  token: { data: "login.jwt" },
  expiry: { lifetimeMs: 600_000 },
});

describe("a profile that is reused for one tenant after the other", () => {
  test("is copied by each manager when the manager is created", async (t) => {
    const { endpoint } = await tenantApi(t);
    const provider = profileOf(endpoint, "one");
    const one = managerFor(t, { provider });
    provider.authenticate.variables.tenant = "two";
    const two = managerFor(t, { provider });
    provider.authenticate = { document: "{ other }" };

    assert.equal(await one.getToken(), "token-of-one");
    assert.equal(await two.getToken(), "token-of-two");
  });

  test("does not make another tenant's session the default session", async (t) => {
    const { endpoint } = await tenantApi(t);
    const provider = profileOf(endpoint, "one");
    const tokens = managerFor(t, { provider });
    assert.equal(await tokens.getToken(), "token-of-one");
    provider.authenticate.variables.tenant = "two";

    assert.equal(await tokens.session({ tenant: "two" }).getToken(), "token-of-two");
    assert.equal(await tokens.session({ tenant: "one" }).getToken(), "token-of-one");
  });
});

describe("options that change after construction", () => {
  test("have no effect: addresses, headers, scopes, limits, functions, the store", async (t) => {
    const sandbox = await sandboxFor(t);
    const fetch = recordingFetch();
    const other = await apiFor(t);
    const store = {
      entries: new Map(),
      get: (/** @type {string} */ key) => store.entries.get(key),
      set: (/** @type {string} */ key, /** @type {string} */ value) => void store.entries.set(key, value),
      delete: (/** @type {string} */ key) => void store.entries.delete(key),
    };
    const changing = { origins: [], headers: { "x-trace": "a" }, retry: { attempts: 2 } };
    const options = fluz(sandbox, { fetch, store, ...changing });
    const tokens = managerFor(t, options);

    options.origins.push(other.origin);
    options.headers["x-trace"] = "b";
    options.scopes.push("MAKE_DEPOSIT");
    options.retry.attempts = -1;
    options.endpoint = other.endpoint;
    options.fetch = () => assert.fail("another fetch");
    store.get = () => assert.fail("another store");
    options.userId = "another user";
    await tokens.getToken();

    const [request] = fetch.requests;
    assert.equal(request?.url, sandbox.fluz.endpoint);
    assert.equal(request?.headers.get("x-trace"), "a");
    assert.deepEqual(request?.body.variables.scopes, ["LIST_OFFERS"]);
    assert.equal(request?.body.variables.userId, sandbox.fluz.userId);
    assert.equal(store.entries.size, 1);
    assert.equal((await failure(tokens.fetch(`${other.origin}/x`))).code, "invalid_options");
    assert.equal(other.received.length, 0);
    // The default session is that of the user in the manager's options.
    await tokens.session({ userId: sandbox.fluz.userId }).getToken();
    assert.equal(fetch.requests.length, 1);
  });

  test("are read once, each member of them, when the manager is created", async (t) => {
    const sandbox = await sharedSandbox(t);
    /** @type {Record<string, number>} */
    const reads = {};
    /** @param {Options} object @param {string} path @returns {Options} */
    const watched = (object, path) =>
      Object.defineProperties(
        Array.isArray(object) ? [] : {},
        Object.fromEntries(
          Object.entries(object).map(([name, value]) => [
            name,
            {
              enumerable: true,
              get() {
                reads[`${path}${name}`] = (reads[`${path}${name}`] ?? 0) + 1;
                return typeof value === "object" ? watched(value, `${path}${name}.`) : value;
              },
            },
          ]),
        ),
      );
    const provider = acmeProfile(sandbox);
    const tokens = managerFor(t, watched({ provider, origins: ["https://a.test"] }, ""));
    const once = { ...reads };

    await tokens.getToken();
    await tokens.session({ id: "x" }).ready();

    assert.ok(Object.keys(once).includes("provider.authenticate.variables.secret"));
    assert.ok(Object.keys(once).includes("provider.token.data.1"));
    assert.deepEqual([...new Set(Object.values(once))], [1]);
    assert.deepEqual(reads, once);
  });
});

describe("options that cannot be copied", () => {
  /** @type {any} */
  const circle = { document: "{ a }" };
  circle.variables = { circle };
  /** @type {any[]} */
  const endless = [];
  endless.push(endless);
  const wide = Array.from({ length: 50 }, () => endless);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const throwing = {
    get attempts() {
      throw new Error("planted-secret-value");
    },
  };
  const profile = (/** @type {Options} */ authenticate) => ({
    ...profileOf("https://api.test/graphql", "one"),
    authenticate,
  });
  /** @type {[title: string, options: Options, key: string][]} */
  const ROWS = [
    ["a getter that throws", { ...toggle(), retry: throwing }, "`retry.attempts`"],
    ["a revoked proxy", { ...toggle(), retry: proxy }, "`retry`"],
    ["an object in itself", { provider: profile(circle) }, "`provider.authenticate.variables.circle"],
    ["a list in itself", { ...toggle(), origins: endless }, "`origins[0]`"],
    ["many lists in themselves", { ...toggle(), origins: wide }, "`origins[0]`"],
    ["a list that is longer than any", { ...toggle(), origins: new Array(2 ** 31) }, "`origins`"],
    [
      "a store whose getter throws",
      {
        ...toggle(),
        store: {
          get: () => {},
          get set() {
            throw 1;
          },
        },
      },
      "`store",
    ],
  ];
  for (const [title, options, key] of ROWS) {
    test(`do not make the constructor throw; \`ready\` names the key: ${title}`, async (t) => {
      const error = await failure(managerFor(t, options).ready());

      assert.equal(error.code, "invalid_options");
      assert.ok(error.message.includes(key), error.message);
      assert.ok(!error.message.includes("planted"), error.message);
    });
  }

  test("do not include variables nested seven levels deep, which are copied", async (t) => {
    const { endpoint } = await tenantApi(t);
    const provider = profileOf(endpoint, "one");
    provider.authenticate.variables.deep = { a: { b: { c: { d: { e: { f: 1 } } } } } };

    assert.equal(await managerFor(t, { provider }).getToken(), "token-of-one");
  });

  function toggle() {
    return { provider: "toggle", username: "user", password: "password" };
  }
});

describe("the options of a call", () => {
  test("are copied at the call, also while the core starts", async (t) => {
    const sandbox = await sandboxFor(t);
    const fetch = recordingFetch();
    const tokens = managerFor(t, fluz(sandbox, { fetch }));

    const scopes = ["LIST_PURCHASES"];
    const options = { scopes, minValidityMs: 1 };
    const pending = tokens.getToken(options);
    scopes[0] = "MAKE_DEPOSIT";
    /** @type {any} */ (options).minValidityMs = "wrong";
    await pending;

    assert.deepEqual(
      fetch.requests.map(({ body }) => body.variables.scopes),
      [["LIST_PURCHASES"]],
    );
  });

  test("are copied for request() as well: later changes of the list of scopes have no effect", async (t) => {
    const sandbox = await sandboxFor(t);
    const fetch = recordingFetch();
    const tokens = managerFor(t, fluz(sandbox, { fetch }));

    const scopes = ["LIST_PURCHASES"];
    const pending = tokens.request("{ getUserPurchases { purchaseId } }", {}, { scopes }).catch(() => {});
    scopes[0] = "MAKE_DEPOSIT";
    await pending;

    assert.deepEqual(fetch.requests[0]?.body.variables.scopes, ["LIST_PURCHASES"]);
  });
});
