// Managers of several tenants with one store share a token only within a tenant.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileStore } from "graphql-token-manager/stores/file";

import { apiFor } from "../requests/support.js";
import { managerFor } from "../support/setup.js";
import { failure } from "../support/waiting.js";
import { folderFor } from "./support.js";

/** @import { TestContext } from "node:test" */
/** @import { Options } from "../support/setup.js" */

/** Creates a secret function with a changeable value and counted calls. @param {string} value */
function vault(value) {
  const state = { value, calls: 0 };
  const read = () => {
    state.calls += 1;
    return state.value;
  };
  return { state, read };
}

/**
 * Starts an API that grants a new token for any credentials, and counts the grants.
 * @param {TestContext} t
 */
async function grantingApi(t) {
  const counts = { grants: 0 };
  const api = await apiFor(t, (_request, response) => {
    counts.grants += 1;
    const token = `token-${counts.grants}`;
    const scopes = ["A"];
    const generateUserAccessToken = { token, accessToken: token, scopes };
    const accessToken = { accessToken: token, expiresAt: new Date(Date.now() + 600_000).toISOString() };
    const data = {
      generateUserAccessToken,
      login: { jwt: token },
      createOAuthAccessTokenFromClientCredentials: { accessToken },
    };
    response.setHeader("content-type", "application/json").end(JSON.stringify({ data }));
  });
  return { counts, endpoint: api.endpoint };
}

/** @param {string} endpoint */
function fluz(endpoint) {
  const ids = {
    userId: "6f1d3f0e-8f0b-4c53-9d0a-3b6f2f1f7a01",
    accountId: "b1a7c9d2-5e44-4a8e-9a3c-0d4e8c6f7b02",
  };
  return { provider: "fluz", endpoint, apiKey: "key", ...ids, scopes: ["A"], renewal: "generate" };
}

/**
 * @param {string} endpoint
 * @param {Options} authenticate
 */
function profile(endpoint, authenticate) {
  const document = "mutation ($in: [In!]) { login(in: $in) { jwt } }";
  const token = { data: "login.jwt" };
  const expiry = { lifetimeMs: 600_000 };
  return { provider: { name: "acme", endpoint, authenticate: { document, ...authenticate }, token, expiry } };
}

/**
 * Options which differ between tenants only in the result of a function; `src/store/cache_key/tests.rs` has each kind.
 * @type {(endpoint: string, read: () => string) => Options}
 */
const optionsFor = (endpoint, read) => profile(endpoint, { variables: { in: [{ secret: read }] } });

describe("tenants that differ only in the value of a secret function", () => {
  test("have separate tokens, and managers of one tenant share theirs", async (t) => {
    const { counts, endpoint } = await grantingApi(t);
    const path = await folderFor(t);
    /** @param {string} tenant */
    const token = (tenant) => {
      const options = optionsFor(endpoint, () => `secret-of-${tenant}`);
      return managerFor(t, { ...options, store: fileStore({ path }) }).getToken();
    };

    const [one, other] = [await token("one"), await token("other")];

    assert.notEqual(one, other);
    assert.deepEqual([await token("one"), await token("other")], [one, other]);
    assert.equal(counts.grants, 2);
  });

  test("are distinguished by `identity` as well, and no function is called before a grant", async (t) => {
    const { counts, endpoint } = await grantingApi(t);
    const store = new Map();
    const { state, read } = vault("the same");
    const managerOf = (/** @type {string} */ identity) =>
      managerFor(t, { ...optionsFor(endpoint, read), store, identity });

    const one = await managerOf("one").getToken();
    const other = await managerOf("other").getToken();
    const { calls } = state;
    const again = await managerOf("one").getToken();

    assert.notEqual(one, other);
    assert.equal(again, one);
    assert.deepEqual([counts.grants, state.calls - calls], [2, 0]);
  });
});

describe("a secret function that determines the tenant", () => {
  test("is called once before the store is first read", async (t) => {
    const { endpoint } = await grantingApi(t);
    const store = new Map();
    const options = (/** @type {() => string} */ read) => ({ ...fluz(endpoint), apiKey: read, store });
    await managerFor(
      t,
      options(() => "key"),
    ).getToken();
    const { state, read } = vault("key");
    const tokens = managerFor(t, options(read));

    await tokens.getToken();

    assert.equal(state.calls, 1);
    await tokens.refresh();
    assert.equal(state.calls, 2);
  });
});

describe("managers whose options do not identify their credentials", () => {
  /** @type {Record<string, (endpoint: string) => Options>} */
  const OPTIONS = {
    "a `grant` function": (endpoint) => ({
      provider: { name: "acme", endpoint, grant: () => ({ accessToken: "token", expiresInMs: 600_000 }) },
    }),
    "the provider `broker`": (endpoint) => ({ provider: "broker", url: endpoint, endpoint }),
    "a profile that sends no data": (endpoint) => profile(endpoint, {}),
  };

  for (const [name, optionsFor] of Object.entries(OPTIONS)) {
    test(`require \`identity\` with a store: ${name}`, async (t) => {
      const { endpoint } = await grantingApi(t);
      const store = new Map();
      const error = await failure(managerFor(t, { ...optionsFor(endpoint), store }).getToken());

      assert.equal(error.code, "invalid_options");
      assert.ok(error.message.includes("`identity`"));
      assert.equal(store.size, 0);
      await managerFor(t, optionsFor(endpoint)).ready();
    });
  }

  test("share exactly if `identity` is the same", async (t) => {
    const path = await folderFor(t);
    const { endpoint } = await grantingApi(t);
    const token = (/** @type {string} */ tenant, /** @type {string} */ value) => {
      const grant = () => ({ accessToken: value, expiresInMs: 600_000 });
      const provider = { name: "acme", endpoint, grant };
      return managerFor(t, { provider, identity: tenant, store: fileStore({ path }) }).getToken();
    };

    assert.equal(await token("one", "first"), "first");
    assert.equal(await token("other", "second"), "second");
    assert.equal(await token("one", "third"), "first");
  });
});
