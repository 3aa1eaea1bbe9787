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
/** @import { Sandbox } from "graphql-token-manager/testing" */

const LOGIN = "mutation ($id: ID!, $secret: String!) { login(id: $id, secret: $secret) { jwt renewal ttl } }";

/** @param {Sandbox} sandbox @param {Record<string, any>} [parts] @param {Record<string, any>} [options] */
const acme = (sandbox, parts, options) => ({
  provider: acmeProfile(sandbox, parts),
  retry: QUICK,
  ...options,
});

describe("a profile", () => {
  test("obtains a token that the API accepts", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, acme(sandbox));

    const token = await tokens.getToken();

    const response = await call(sandbox.acme.endpoint, token, "{ me { id } }");
    assert.deepEqual((await response.json()).data, { me: { id: sandbox.acme.id } });
    assert.deepEqual(operations(sandbox), ["login", "me"]);
  });

  test("sends all kinds of variables: functions, scopes, lists and objects", async (t) => {
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

  test("reads the token from a header, and adopts newer ones from another header", async (t) => {
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
      sliding: { header: "X-Next", sameSession: true },
    };
    const tokens = managerFor(t, { provider, fetch: answer });

    const first = await tokens.getToken();
    const adopted = tokens.adopt(new Response("", { headers: { "x-next": "opaque-next" } }));

    assert.equal(first, "opaque-1");
    assert.equal(adopted, true);
    assert.equal(await tokens.getToken(), "opaque-next");
  });
});
