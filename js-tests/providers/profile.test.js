// Custom APIs, described as data, end to end against the sandbox's acme.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  acmeProfile,
  call,
  managerFor,
  operations,
  QUICK,
  recordingFetch,
  sandboxFor,
} from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { failure } from "../support/waiting.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

const LOGIN = "mutation ($id: ID!, $secret: String!) { login(id: $id, secret: $secret) { jwt renewal ttl } }";

/** @param {Sandbox} sandbox @param {Record<string, any>} [parts] @param {Record<string, any>} [options] */
const acme = (sandbox, parts, options) => ({
  provider: acmeProfile(sandbox, parts),
  retry: QUICK,
  ...options,
});

describe("a profile", () => {
  test("logs in, and its token is taken", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, acme(sandbox));

    const token = await tokens.getToken();

    const response = await call(sandbox.acme.endpoint, token, "{ me { id } }");
    assert.deepEqual((await response.json()).data, { me: { id: sandbox.acme.id } });
    assert.deepEqual(operations(sandbox), ["login", "me"]);
  });

  test("renews with each refresh token once", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, acme(sandbox));

    await tokens.getToken();
    for (let time = 0; time < 3; time++) await tokens.refresh();

    assert.deepEqual(operations(sandbox), ["login", "renew", "renew", "renew"]);
  });

  test("logs in again where the refresh token is refused", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, acme(sandbox));
    await tokens.getToken();
    sandbox.revoke();

    await tokens.refresh();

    assert.deepEqual(operations(sandbox), ["login", "renew", "login"]);
    assert.equal(tokens.status().failures, 0);
  });

  test("without renew logs in each time", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, acme(sandbox, { renew: undefined }));

    await tokens.getToken();
    await tokens.refresh();

    assert.deepEqual(operations(sandbox), ["login", "login"]);
  });

  test("with a wrong secret is invalid_credentials, by its own code", async (t) => {
    const sandbox = await sandboxFor(t);
    const variables = { id: sandbox.acme.id, secret: "planted-wrong" };
    const tokens = managerFor(t, acme(sandbox, { authenticate: { document: LOGIN, variables } }));

    const error = await failure(tokens.getToken());

    assert.deepEqual([error.code, error.status, error.provider], ["invalid_credentials", 401, "acme"]);
    assert.match(error.message, /acme refused the credentials.*UNAUTHENTICATED.*check what `authenticate`/);
    assertHoldsNone(error, [...secretsOf(sandbox), "planted-wrong"]);
    assert.equal(sandbox.requests().length, 1);
  });

  test("whose document the API does not know is protocol", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, acme(sandbox, { authenticate: { document: "mutation { signIn }" } }));

    assert.equal((await failure(tokens.getToken())).code, "protocol");
  });

  test("whose path leads nowhere is protocol, and the path is named", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, acme(sandbox, { token: { data: ["login.token", "login.accessToken"] } }));

    const error = await failure(tokens.getToken());

    assert.equal(error.code, "protocol");
    assert.match(error.message, /`data\.login\.token` or `data\.login\.accessToken`/);
  });

  test("fills its variables: functions, scopes, lists and objects", async (t) => {
    const sandbox = await sandboxFor(t);
    const fetch = recordingFetch();
    const variables = {
      id: sandbox.acme.id,
      secret: async () => sandbox.acme.secret,
      unused: { deep: [1, true, null, { secret: () => "s" }], scopes: "$scopes", none: undefined },
    };
    const authenticate = { document: LOGIN, variables };
    const tokens = managerFor(t, acme(sandbox, { authenticate }, { fetch, scopes: ["B", "A"] }));

    const token = await tokens.getAccessToken();

    assert.deepEqual(fetch.requests[0]?.body.variables, {
      id: sandbox.acme.id,
      secret: sandbox.acme.secret,
      unused: { deep: [1, true, null, { secret: "s" }], scopes: ["A", "B"] },
    });
    assert.deepEqual(token.scopes, ["A", "B"]);
  });

  for (const [authorization, expected] of /** @type {[any, string | null][]} */ ([
    [undefined, null],
    ["none", null],
    [{ basic: "already-encoded" }, "Basic already-encoded"],
    [{ basic: { username: "üser", password: () => "pass:word" } }, `Basic ${btoa("Ã¼ser:pass:word")}`],
    [{ bearer: async () => "abc" }, "Bearer abc"],
  ])) {
    test(`identifies as it says: ${expected?.split(" ")[0]}`, async (t) => {
      const sandbox = await sandboxFor(t);
      const fetch = recordingFetch();
      const { id, secret } = sandbox.acme;
      const authenticate = { document: LOGIN, variables: { id, secret }, authorization };
      const tokens = managerFor(
        t,
        acme(sandbox, { authenticate, headers: { "x-of-profile": "1" } }, { fetch }),
      );

      await tokens.getToken();

      assert.equal(fetch.requests[0]?.headers.get("authorization"), expected);
      assert.equal(fetch.requests[0]?.headers.get("x-of-profile"), "1");
    });
  }

  for (const [title, expiry, lifetimeMs] of /** @type {[string, any, number][]} */ ([
    ["a span in seconds", { expiresIn: "login.ttl", unit: "seconds" }, 120_000],
    ["a span, in seconds where it does not say", { expiresIn: ["login.none", "login.ttl"] }, 120_000],
    ["a span in milliseconds", { expiresIn: "login.ttl", unit: "milliseconds" }, 120],
    ["the token itself", { jwt: true }, 120_000],
    ["a lifetime that is known", { lifetimeMs: 90_000 }, 90_000],
    ["a lifetime longer than the token's own", { lifetimeMs: 900_000 }, 120_000],
  ])) {
    test(`expires by ${title}`, async (t) => {
      const sandbox = await sandboxFor(t, { lifetimes: { acme: 120_000 } });
      const tokens = managerFor(t, acme(sandbox, { expiry }));

      const { issuedAt, expiresAt } = await tokens.getAccessToken();

      assert.ok(Math.abs(expiresAt - issuedAt - lifetimeMs) <= 1, `${expiresAt - issuedAt}`);
    });
  }

  test("takes its token from a header, and adopts newer ones from another", async (t) => {
    const endpoint = "https://acme.test/graphql";
    let logins = 0;
    const answer = () =>
      new Response('{"data":{"login":true}}', { headers: { "X-Token": `Bearer opaque-${++logins}` } });
    const provider = {
      name: "acme",
      endpoint,
      authenticate: { document: "mutation { login }" },
      token: { header: ["x-missing", "X-Token"] },
      expiry: { lifetimeMs: 60_000 },
      sliding: { header: "X-Next" },
    };
    const tokens = managerFor(t, { provider, fetch: answer });

    const first = await tokens.getToken();
    const adopted = tokens.adopt(new Response("", { headers: { "x-next": "opaque-next" } }));

    assert.equal(first, "opaque-1");
    assert.equal(adopted, true);
    assert.equal(await tokens.getToken(), "opaque-next");
  });

  test("recognises refusals by whole messages, in any case", async (t) => {
    const body = JSON.stringify({ errors: [{ message: " no ENTRY " }] });
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, acme(sandbox, { refused: { messages: ["No entry"] } }));
    sandbox.fault({ kind: "status", status: 200, body });

    assert.equal((await failure(tokens.getToken())).code, "invalid_credentials");
  });

  test("may have its endpoint set beside it", async (t) => {
    const sandbox = await sandboxFor(t);
    const { endpoint } = sandbox.acme;
    const tokens = managerFor(t, acme(sandbox, { endpoint: "https://acme.test/" }, { endpoint }));

    assert.equal(typeof (await tokens.getToken()), "string");
  });
});
