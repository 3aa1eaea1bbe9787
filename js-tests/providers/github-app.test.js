// GitHub Apps: the JWT, the addresses, rate limits of requests, and tokens that are rejected in their first seconds.

import assert from "node:assert/strict";
import { generateKeyPairSync, verify } from "node:crypto";
import { describe, test } from "node:test";

import { githubApp } from "graphql-token-manager/providers";

import { managerFor, QUICK } from "../support/setup.js";
import { failure } from "../support/waiting.js";
import { jwt } from "./exchanges/support.js";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** @param {import("node:crypto").KeyObject} key @param {"pkcs1" | "pkcs8"} type */
const pem = (key, type) => `${key.export({ type, format: "pem" })}`;

const privateKey = pem(rsa.privateKey, "pkcs1");
const OPTIONS = { clientId: "Iv23li", installationId: "7", privateKey };

/** @param {string} token */
const granted = (token) =>
  Response.json({ token, expires_at: new Date(Date.now() + 3_600_000).toISOString() }, { status: 201 });

/**
 * Returns a manager, and the requests that it sent.
 *
 * @param {import("node:test").TestContext} t
 * @param {any} options
 * @param {(token: string | null, count: number) => Response} [respond] to a request of data
 * @param {(count: number) => string} [tokenOf]
 */
function managerOf(
  t,
  options,
  respond = () => Response.json({ data: {} }),
  tokenOf = (count) => `ghs_${count}`,
) {
  /** @type {{ url: string, authorization: string | null }[]} */
  const grants = [];
  /** @type {(string | null)[]} */
  const presented = [];
  const fetch = async (/** @type {string} */ url, /** @type {RequestInit} */ { headers }) => {
    const authorization = new Headers(headers).get("authorization");
    if (url.endsWith("/graphql")) return respond(authorization, presented.push(authorization));
    return granted(tokenOf(grants.push({ url, authorization })));
  };
  return { tokens: managerFor(t, { provider: githubApp(options), fetch, retry: QUICK }), grants, presented };
}

describe("the JWT", () => {
  for (const [form, key] of /** @type {const} */ ([
    ["PKCS#1", privateKey],
    ["PKCS#8", pem(rsa.privateKey, "pkcs8")],
    ["a JWK", rsa.privateKey.export({ format: "jwk" })],
    ["a function", async () => privateKey],
  ])) {
    test(`is signed by RS256 with a key as ${form}, and begins a minute ago`, async (t) => {
      const { tokens, grants } = managerOf(t, { ...OPTIONS, privateKey: key });

      await tokens.getToken();

      const sent = `${grants[0]?.authorization}`.replace("Bearer ", "");
      const [header, claims, signature] = sent.split(".").map((part) => Buffer.from(part, "base64url"));
      const { iat, exp, ...others } = JSON.parse(`${claims}`);
      assert.deepEqual(JSON.parse(`${header}`), { alg: "RS256", typ: "JWT" });
      assert.deepEqual(others, { iss: "Iv23li" });
      assert.equal(exp - iat, 600);
      // In the past by a minute when it was made.
      assert.ok(iat <= Date.now() / 1000 - 60);
      const input = Buffer.from(sent.slice(0, sent.lastIndexOf(".")));
      assert.ok(verify("sha256", input, rsa.publicKey, /** @type {Buffer} */ (signature)));
    });
  }

  test("has the application's id instead, if that is given", async (t) => {
    const { tokens, grants } = managerOf(t, { appId: "42", installationId: "7", privateKey });

    await tokens.getToken();

    const claims = Buffer.from(`${grants[0]?.authorization}`.split(".")[1] ?? "", "base64url");
    assert.equal(JSON.parse(`${claims}`).iss, "42");
  });
});

test("a server and an API of GHE.com have their own addresses", () => {
  const path = "/app/installations/7/access_tokens";
  for (const [url, endpoint, grant] of /** @type {const} */ ([
    [undefined, "https://api.github.com/graphql", `https://api.github.com${path}`],
    ["https://api.github.com/", "https://api.github.com/graphql", `https://api.github.com${path}`],
    ["https://ghe.test", "https://ghe.test/api/graphql", `https://ghe.test/api/v3${path}`],
    ["https://ghe.test:8443/", "https://ghe.test:8443/api/graphql", `https://ghe.test:8443/api/v3${path}`],
    ["https://api.o.ghe.com", "https://api.o.ghe.com/graphql", `https://api.o.ghe.com${path}`],
  ])) {
    const { endpoint: found, authenticate } = githubApp({ ...OPTIONS, url });

    assert.deepEqual([found, authenticate?.endpoint], [endpoint, grant]);
  }
});

test("invalid options are rejected", () => {
  for (const options of [
    undefined,
    { ...OPTIONS, appId: "42" },
    { ...OPTIONS, clientId: undefined },
    { ...OPTIONS, installationId: "7/../8" },
    { ...OPTIONS, installationId: "" },
    { ...OPTIONS, privateKey: "planted" },
    { ...OPTIONS, privateKey: null },
    { ...OPTIONS, privateKey: pem(ec.privateKey, "pkcs8") },
    { ...OPTIONS, url: "https://ghe.test/api/v3" },
    { ...OPTIONS, url: "https://ghe.test/?a" },
    { ...OPTIONS, url: "https://user@ghe.test" },
    { ...OPTIONS, url: "https://github.com" },
    { ...OPTIONS, url: "https://o.ghe.com" },
    { ...OPTIONS, url: "ghe.test" },
  ]) {
    assert.throws(
      () => githubApp(/** @type {any} */ (options)),
      (/** @type {any} */ error) => error instanceof TypeError && !error.stack?.includes("planted"),
    );
  }
});

describe("a request", () => {
  for (const [what, status, body, headers, code] of /** @type {const} */ ([
    [
      "the later form of a rate limit",
      200,
      { errors: [{ type: "RATE_LIMIT", code: "graphql_rate_limit", message: "m" }] },
      {},
      "graphql_errors",
    ],
    ["a primary rate limit", 403, { message: "m" }, { "x-ratelimit-remaining": "0" }, "rate_limited"],
    [
      "one without headers",
      403,
      { message: "You have exceeded a secondary rate limit." },
      {},
      "rate_limited",
    ],
    [
      "one without headers in GraphQL",
      200,
      { errors: [{ message: "You have exceeded a secondary rate limit." }] },
      {},
      "graphql_errors",
    ],
    ["a secondary rate limit", 403, { message: "m" }, { "retry-after": "60" }, "rate_limited"],
  ])) {
    test(`that is limited can be retried: ${what}`, async (t) => {
      const { tokens } = managerOf(t, OPTIONS, () => Response.json(body, { status, headers }));

      const error = await failure(tokens.request("{ viewer { login } }"));

      assert.deepEqual([error.code, error.retryable], [code, true]);
    });
  }

  test("without a permission is not a rate limit, also when it was the last one", async (t) => {
    const errors = [{ type: "FORBIDDEN", message: "Resource not accessible by integration" }];
    const { tokens, grants } = managerOf(t, OPTIONS, () =>
      Response.json({ data: { viewer: null }, errors }, { headers: { "x-ratelimit-remaining": "0" } }),
    );

    const error = await failure(tokens.request("{ viewer { login } }"));

    assert.deepEqual([error.code, error.retryable, grants.length], ["graphql_errors", false, 1]);
  });

  const rejected = () => Response.json({ message: "Bad credentials" }, { status: 401 });

  test("whose new token is not known yet succeeds if the next one is", async (t) => {
    const { tokens, presented } = managerOf(t, OPTIONS, (_token, count) =>
      count === 1 ? rejected() : Response.json({ data: { viewer: 1 } }),
    );

    assert.deepEqual(await tokens.request("{ viewer }"), { viewer: 1 });
    assert.deepEqual(presented, ["Bearer ghs_1", "Bearer ghs_2"]);
  });

  test("whose second token is not known yet is rejected, and that token is kept for the next request", async (t) => {
    const { tokens, presented } = managerOf(t, OPTIONS, (_token, count) =>
      count <= 2 ? rejected() : Response.json({ data: { viewer: 1 } }),
    );

    const error = await failure(tokens.request("{ viewer }"));

    assert.equal(error.code, "token_rejected");
    assert.deepEqual(await tokens.request("{ viewer }"), { viewer: 1 });
    assert.deepEqual(presented, ["Bearer ghs_1", "Bearer ghs_2", "Bearer ghs_2"]);
  });
});

test("a token that contains a JWT is presented whole", async (t) => {
  const token = `ghs_42_${jwt("1")}`;
  const { tokens } = managerOf(t, OPTIONS, undefined, () => token);

  assert.equal(await tokens.getToken(), token);
  assert.ok((tokens.status().expiresInMs ?? 0) > 3_000_000);
});
