// Refresh tokens of described APIs: the first one, their expiry and rotation, alone and in a shared store.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, QUICK } from "../support/setup.js";
import { SharedMap } from "../support/shared-map.js";

/** @import { TestContext } from "node:test" */

const ENDPOINT = "https://api.test/graphql";
const DAY = 86_400;

/**
 * An API that answers each request with the next of `answers`, and the values that it received.
 * @param {(object | number | Error)[]} answers a payload, a status, or an exception
 */
function api(answers) {
  /** @type {string[]} */
  const presented = [];
  const fetch = async (/** @type {string} */ _url, /** @type {RequestInit} */ init) => {
    const { variables } = JSON.parse(`${init.body}`);
    presented.push(variables.refresh ?? variables.secret);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    if (typeof answer === "number") return new Response("{}", { status: answer });
    const field = variables.refresh === undefined ? "login" : "renew";
    const failed = answer === undefined || !("jwt" in answer);
    const body = failed
      ? { errors: [{ message: "no", extensions: { code: "UNAUTHENTICATED" } }] }
      : { data: { [field]: { ttl: 3600, ...answer } } };
    return Response.json(body);
  };
  return { fetch, presented };
}

/**
 * @param {TestContext} t
 * @param {ReturnType<typeof api>} server
 * @param {Record<string, unknown>} [refreshToken]
 * @param {Record<string, unknown>} [options]
 * @param {Record<string, unknown>} [parts] of the description
 */
function manager(t, server, refreshToken, options, parts) {
  const provider = {
    name: "acme",
    endpoint: ENDPOINT,
    authenticate: {
      document: "mutation ($secret: String!) { login(secret: $secret) { jwt renewal ttl end } }",
      variables: { secret: () => "credentials" },
    },
    renew: {
      document: "mutation ($refresh: String!) { renew(refresh: $refresh) { jwt renewal ttl end } }",
      variables: { refresh: "$refreshToken" },
    },
    token: { data: ["login.jwt", "renew.jwt"] },
    refreshToken: { data: ["login.renewal", "renew.renewal"], ...refreshToken },
    expiry: { expiresIn: ["login.ttl", "renew.ttl"] },
    refused: { codes: "UNAUTHENTICATED" },
    ...parts,
  };
  return managerFor(t, { provider, fetch: server.fetch, retry: QUICK, ...options });
}

const refused = () => Object.assign(new TypeError("fetch failed"), { cause: { code: "ECONNREFUSED" } });

describe("the first refresh token", () => {
  test("is presented instead of the credentials, and once", async (t) => {
    const server = api([{ jwt: "a", renewal: "next" }, { jwt: "b" }]);
    const tokens = manager(t, server, { initial: "first" });

    assert.equal(await tokens.getToken(), "a");
    await tokens.refresh();

    assert.deepEqual(server.presented, ["first", "next"]);
  });

  test("is followed by the credentials if it is rejected", async (t) => {
    const server = api([{}, { jwt: "a" }, { jwt: "b" }]);
    const tokens = manager(t, server, { initial: async () => "first" });

    assert.equal(await tokens.getToken(), "a");
    await tokens.refresh();

    assert.deepEqual(server.presented, ["first", "credentials", "credentials"]);
  });

  test("is presented again if the connection was refused, and not after a lost response", async (t) => {
    const server = api([refused(), 500, { jwt: "a" }]);
    const tokens = manager(t, server, { initial: "first" });

    assert.equal(await tokens.getToken(), "a");

    assert.deepEqual(server.presented, ["first", "first", "credentials"]);
  });

  test("suffices without credentials, and its rejection is `invalid_credentials`", async (t) => {
    const server = api([{ jwt: "a", renewal: "next" }, {}, {}]);
    const tokens = manager(t, server, { initial: "first" }, {}, { authenticate: undefined });

    assert.equal(await tokens.getToken(), "a");
    await assert.rejects(tokens.refresh(), { code: "invalid_credentials" });

    assert.deepEqual(server.presented, ["first", "next", "first"]);
  });

  test("belongs to one session", async (t) => {
    const server = api([]);
    const tokens = manager(t, server, { initial: "first" });

    for (const selector of [{ other: "other" }, { scopes: ["read"] }]) {
      await assert.rejects(async () => tokens.session(selector).getToken(), { code: "invalid_options" });
    }

    assert.deepEqual(server.presented, []);
  });
});

describe("a refresh token that has expired", () => {
  test("is not presented, also not by another holder", async (t) => {
    const store = new SharedMap();
    const end = Math.floor(Date.now() / 1000) - 10 * DAY;
    const expiry = { expiresAt: ["login.end", "renew.end"] };
    const server = api([{ jwt: "a", renewal: "next", end: end + 20 * DAY }, { jwt: "b" }]);
    const first = manager(t, server, { expiry }, { store });
    await first.getToken();
    await first.close();

    // The entry states when the refresh token expires.
    const entry = JSON.parse(/** @type {string} */ ([...store.entries.values()][0]));
    assert.ok(Math.abs(entry.refreshExpiresAt - (end + 20 * DAY) * 1000) < 60_000);
    entry.refreshExpiresAt = end * 1000;
    entry.expiresAt = Date.now() - 1;
    for (const key of store.entries.keys()) store.entries.set(key, JSON.stringify(entry));
    const second = manager(t, server, { expiry }, { store });

    assert.equal(await second.getToken(), "b");
    assert.deepEqual(server.presented, ["credentials", "credentials"]);
  });
});

describe("in a shared store", () => {
  test("a refresh token that was not processed is there for the next holder", async (t) => {
    const store = new SharedMap();
    const server = api([{ jwt: "a", renewal: "next" }, 503, 503, 503, { jwt: "b" }]);
    const first = manager(t, server, {}, { store });
    await first.getToken();
    await assert.rejects(first.refresh(), { code: "server" });
    await first.close();
    const second = manager(t, server, {}, { store });

    assert.equal((await second.refresh()).value, "b");

    assert.deepEqual(server.presented, ["credentials", "next", "next", "next", "next"]);
  });

  for (const rotation of ["strict", "retry-previous"]) {
    test(`a lost response with the rotation "${rotation}"`, async (t) => {
      const store = new SharedMap();
      const server = api([{ jwt: "a", renewal: "next" }, 500, { jwt: "b" }]);
      const tokens = manager(t, server, { rotation }, { store });
      await tokens.getToken();

      await tokens.refresh();

      const second = rotation === "strict" ? "credentials" : "next";
      assert.deepEqual(server.presented, ["credentials", "next", second]);
    });
  }

  test("an entry without the expiry of its refresh token is read", async (t) => {
    const store = new SharedMap();
    const server = api([{ jwt: "a", renewal: "next" }, { jwt: "b" }]);
    const first = manager(t, server, {}, { store });
    await first.getToken();
    await first.close();
    const entry = JSON.parse(/** @type {string} */ ([...store.entries.values()][0]));
    assert.equal("refreshExpiresAt" in entry, false);
    const second = manager(t, server, { expiry: { lifetimeMs: 1000 } }, { store });

    await second.refresh();

    assert.deepEqual(server.presented, ["credentials", "next"]);
  });
});
