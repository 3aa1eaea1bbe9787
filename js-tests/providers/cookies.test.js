// Tokens and refresh tokens in cookies, as with Directus's mode `cookie` and `jwt_cookie` of django-graphql-jwt.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";

import { managerFor, QUICK } from "../support/setup.js";
import { SharedMap } from "../support/shared-map.js";

/** @import { TestContext } from "node:test" */

/**
 * A server that issues the cookies `access` and `refresh`, and rotates both.
 * @param {TestContext} t
 */
async function api(t) {
  /** @type {{ query: string, cookie: string | undefined }[]} */
  const requests = [];
  let issued = 0;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const { query } = JSON.parse(body);
    const { cookie } = request.headers;
    requests.push({ query, cookie });
    const field = /renew|login|logout/.exec(query)?.[0] ?? "me";
    /** @type {Record<string, boolean>} */
    const isValid = {
      login: true,
      renew: cookie === `refresh=r${issued}`,
      logout: cookie === `refresh=r${issued}`,
      me: cookie === `access=a${issued}`,
    };
    const headers = { "content-type": "application/json" };
    if (!isValid[field]) {
      const errors = [{ message: "no", extensions: { code: "UNAUTHENTICATED" } }];
      return response.writeHead(200, headers).end(JSON.stringify({ errors }));
    }
    if (field === "login" || field === "renew") {
      issued++;
      const attributes = "Path=/; HttpOnly; SameSite=Lax; Expires=Wed, 01 Jan 2098 00:00:00 GMT";
      response.setHeader("set-cookie", [
        `access=a${issued}; ${attributes}`,
        `refresh=r${issued}; ${attributes}`,
      ]);
    }
    response.writeHead(200, headers).end(JSON.stringify({ data: { [field]: true } }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => void server.close(() => {}).closeAllConnections());
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { endpoint: `http://127.0.0.1:${port}/graphql`, requests };
}

/** @param {string} endpoint */
const provider = (endpoint) => ({
  name: "acme",
  endpoint,
  authenticate: {
    document: "mutation ($secret: String!) { login(secret: $secret) }",
    variables: { secret: () => "planted-secret" },
  },
  renew: { document: "mutation { renew }" },
  token: { cookie: "access" },
  refreshToken: { cookie: "refresh" },
  present: { cookie: "access" },
  expiry: { lifetimeMs: 60_000 },
  refused: { codes: "UNAUTHENTICATED" },
});

/**
 * Makes the process look like a page until the test ends.
 * @param {TestContext} t
 */
function asPage(t) {
  Object.defineProperty(globalThis, "location", {
    value: { origin: "https://page.test", href: "https://page.test/" },
    configurable: true,
  });
  t.after(() => Reflect.deleteProperty(globalThis, "location"));
}

describe("cookies", () => {
  test("contain the token and the refresh token, and are sent as such", async (t) => {
    const server = await api(t);
    const tokens = managerFor(t, { provider: provider(server.endpoint), retry: QUICK });

    const token = await tokens.getAccessToken();
    assert.deepEqual([token.value, token.tokenType], ["a1", "access="]);
    assert.deepEqual(await tokens.request("{ me }"), { me: true });
    assert.equal((await tokens.refresh()).value, "a2");
    const response = await tokens.fetch(server.endpoint, { method: "POST", body: '{"query":"{ me }"}' });

    assert.deepEqual(await response.json(), { data: { me: true } });
    assert.deepEqual(
      server.requests.map(({ cookie }) => cookie),
      [undefined, "access=a1", "refresh=r1", "access=a2"],
    );
  });

  test("are shared through a store", async (t) => {
    const server = await api(t);
    const store = new SharedMap();
    const first = managerFor(t, { provider: provider(server.endpoint), store });
    await first.getToken();
    await first.close();
    const second = managerFor(t, { provider: provider(server.endpoint), store });

    assert.equal(await second.getToken(), "a1");
    assert.equal((await second.refresh()).value, "a2");
    assert.equal(server.requests[1]?.cookie, "refresh=r1");
  });

  test("name the token that is revoked", async (t) => {
    const server = await api(t);
    const revoke = { document: "mutation { logout }" };
    const tokens = managerFor(t, { provider: { ...provider(server.endpoint), revoke } });
    await tokens.getToken();

    await tokens.revoke();

    assert.deepEqual(server.requests[1], { query: "mutation { logout }", cookie: "refresh=r1" });
  });

  test("that were deleted are not sent again", async (t) => {
    /** @type {(string | null)[]} */
    const cookies = [];
    const fetch = async (/** @type {string} */ _url, /** @type {RequestInit} */ { headers, body }) => {
      cookies.push(new Headers(headers).get("cookie"));
      const isRenewal = `${body}`.includes("renew");
      const response = Response.json({ data: { login: true, renew: true } });
      response.headers.append("set-cookie", `access=a${cookies.length}; Path=/`);
      response.headers.append("set-cookie", isRenewal ? "refresh=; Max-Age=0" : `refresh=r${cookies.length}`);
      return response;
    };
    const tokens = managerFor(t, { provider: provider("https://api.test/graphql"), fetch });

    await tokens.getToken();
    await tokens.refresh();
    await tokens.refresh();

    assert.deepEqual(cookies, [null, "refresh=r1", null]);
  });

  test("are unsupported in pages", async (t) => {
    const server = await api(t);
    asPage(t);
    const tokens = managerFor(t, { provider: provider(server.endpoint) });

    await assert.rejects(tokens.getToken(), { code: "unsupported" });
    assert.deepEqual(server.requests, []);
  });

  test("that present the token of a function are unsupported in pages", async (t) => {
    asPage(t);
    let calls = 0;
    const grant = () => ({ accessToken: `token-${++calls}`, expiresInMs: 60_000 });
    const { name, endpoint, present } = provider("https://api.test/graphql");
    const tokens = managerFor(t, { provider: { name, endpoint, present, grant } });

    await assert.rejects(tokens.getToken(), { code: "unsupported" });
    assert.equal(calls, 0);
  });

  test("of a failed grant are not quoted", async (t) => {
    const fetch = async () =>
      Response.json(
        { errors: [{ message: "no: planted-cookie-value" }] },
        { headers: { "set-cookie": "access=planted-cookie-value; Path=/" } },
      );
    const tokens = managerFor(t, { provider: provider("https://api.test/graphql"), fetch, retry: QUICK });

    const error = await tokens.getToken().then(assert.fail, (/** @type {Error} */ error) => error);

    assert.ok(!`${error.stack} ${JSON.stringify(error)}`.includes("planted-cookie-value"));
  });
});
