// Descriptions of APIs as data: what the exchanges of common servers need, from the options to the caller.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";

import { managerFor, QUICK } from "../support/setup.js";
import { failure } from "../support/waiting.js";
import { ENDPOINT, isLogin, login, managerOf } from "./described.js";

/** @import { Profile } from "graphql-token-manager" */

const oauthOnly = { authenticate: undefined, token: undefined, expiry: undefined };

describe("failures of a grant", () => {
  /** @type {[name: string, provider: object, body: object, code: string][]} */
  const cases = [
    [
      "a union member with an error code",
      { denied: { codes: "INVALID_CREDENTIALS_ERROR" } },
      { data: { login: { errorCode: "INVALID_CREDENTIALS_ERROR", message: "x" } } },
      "invalid_credentials",
    ],
    [
      "a union member with a message",
      { denied: { messages: "Authentication failed." } },
      { data: { login: { message: "Authentication failed." } } },
      "invalid_credentials",
    ],
    [
      "a value in data",
      { denied: { data: { path: "login.success", is: false } } },
      { data: { login: { success: false, token: null } } },
      "invalid_credentials",
    ],
    ["null instead of a token", {}, { data: { login: { token: null } } }, "invalid_credentials"],
    [
      "a failed execution that is not described",
      {},
      { data: null, errors: [{ message: "x", extensions: { code: "BAD_USER_INPUT" } }] },
      "invalid_credentials",
    ],
    [
      "a failed execution where the failures are described",
      { denied: { codes: "OTHER" } },
      { data: null, errors: [{ message: "x" }] },
      "protocol",
    ],
    [
      "a rate limit in HTTP 200, by its code",
      {},
      { data: null, errors: [{ message: "x", extensions: { code: "STRAPI_RATE_LIMIT_ERROR" } }] },
      "rate_limited",
    ],
    [
      "an outage in HTTP 200, by a part of its message",
      { unavailable: { contains: "try again" } },
      { data: null, errors: [{ message: "Please TRY AGAIN in 5 minutes" }] },
      "server",
    ],
  ];
  for (const [name, provider, body, code] of cases) {
    test(`${name}: ${code}`, async (t) => {
      const { tokens } = managerOf(t, provider, () => body, { retry: { ...QUICK, attempts: 1 } });

      assert.equal((await failure(tokens.getToken())).code, code);
    });
  }
});

describe("rejections of a token by the API", () => {
  /** @type {[name: string, refused: Profile["refused"], body: object][]} */
  const cases = [
    ["a number as the code", { codes: 209 }, { errors: [{ message: "x", extensions: { code: 209 } }] }],
    [
      "a status in the extensions",
      { codes: 401 },
      { errors: [{ message: "x", extensions: { http: { status: 401 } } }] },
    ],
    [
      "a code in another case",
      { codes: "UNAUTHENTICATED" },
      { errors: [{ message: "x", extensions: { code: "unauthenticated" } }] },
    ],
    [
      "the type of an error",
      { codes: "Unauthorized" },
      { errors: [{ message: "x", errorType: "Unauthorized" }] },
    ],
    [
      "a part of a message",
      { contains: "has expired" },
      { errors: [{ message: "Signature has expired at noon" }] },
    ],
    [
      "a value of any field",
      { data: { path: "*.__typename", is: "AuthInfo" } },
      { data: { me: { __typename: "AuthInfo" } } },
    ],
    ["null in a field", { data: { path: "me", is: null } }, { data: { me: null } }],
  ];
  for (const [name, refused, body] of cases) {
    for (const padding of ["", "x".repeat(100_000)]) {
      test(`${name}${padding && ", in a large response"}`, async (t) => {
        const { tokens, received } = managerOf(t, { refused }, (request, count) => {
          if (isLogin(request)) return login(`t${count}`);
          return request.headers.get("authorization") === "Bearer t1"
            ? { ...body, extensions: { padding } }
            : { data: { me: { id: 1 } } };
        });

        const response = await tokens.fetch(ENDPOINT, { method: "POST", body: '{"query":"{ me { id } }"}' });

        assert.deepEqual(await response.json(), { data: { me: { id: 1 } } });
        assert.equal(received.filter(isLogin).length, 2);
      });
    }
  }

  test("status 401 rejects also where only codes are given", async (t) => {
    const { tokens } = managerOf(t, { refused: { codes: "X" } }, (request, count) => {
      if (isLogin(request)) return login(`t${count}`);
      return request.headers.get("authorization") === "Bearer t1"
        ? new Response(null, { status: 401 })
        : { data: { me: 1 } };
    });

    assert.deepEqual(await tokens.request("{ me }"), { me: 1 });
  });

  for (const [document, isReplayed] of /** @type {const} */ ([
    ["{ a b }", true],
    ["query Q { a b }", true],
    ["mutation { a b }", false],
    ["query Q { a b } mutation M { a }", false],
  ])) {
    test(`a partial rejection of \`${document}\` is ${isReplayed ? "" : "not "}sent again`, async (t) => {
      const { tokens, received } = managerOf(t, { refused: { codes: "X" } }, (request, count) => {
        if (isLogin(request)) return login(`t${count}`);
        return request.headers.get("authorization") === "Bearer t1"
          ? { data: { a: 1, b: null }, errors: [{ message: "x", path: ["b"], extensions: { code: "X" } }] }
          : { data: { a: 1, b: 2 } };
      });

      const response = await tokens.fetch(ENDPOINT, {
        method: "POST",
        body: JSON.stringify({ query: document, operationName: "Q" }),
      });

      assert.equal((await response.json()).data.b, isReplayed ? 2 : null);
      assert.equal(received.filter((request) => !isLogin(request)).length, isReplayed ? 2 : 1);
    });
  }

  for (const [search, method, isReplayed] of /** @type {const} */ ([
    [`?query=${encodeURIComponent("{ a b }")}`, "GET", true],
    [`?query=${encodeURIComponent("mutation { a b }")}`, "GET", false],
    ["?id=1", "GET", false],
    [`?query=${encodeURIComponent("mutation { a b }")}`, "POST", false],
  ])) {
    test(`a partial rejection of ${method} ${search} is ${isReplayed ? "" : "not "}sent again`, async (t) => {
      const { tokens, received } = managerOf(t, { refused: { codes: "X" } }, (request, count) => {
        if (isLogin(request)) return login(`t${count}`);
        return request.headers.get("authorization") === "Bearer t1"
          ? { data: { a: 1, b: null }, errors: [{ message: "x", path: ["b"], extensions: { code: "X" } }] }
          : { data: { a: 1, b: 2 } };
      });

      const body = method === "POST" ? { body: '{"query":"{ a b }"}' } : {};
      await tokens.fetch(ENDPOINT + search, { method, ...body });

      assert.equal(received.filter((request) => !isLogin(request)).length, isReplayed ? 2 : 1);
    });
  }

  test("a partial rejection of a query is returned if no other token can be had", async (t) => {
    const { tokens } = managerOf(t, { refused: { codes: "X" } }, (request, count) => {
      if (isLogin(request)) return count === 1 ? login("t1") : { data: { login: { token: null } } };
      return { data: { a: 1, b: null }, errors: [{ message: "x", extensions: { code: "X" } }] };
    });

    const response = await tokens.fetch(ENDPOINT, { method: "POST", body: '{"query":"{ a b }"}' });

    assert.equal((await response.json()).data.a, 1);
  });
});

describe("the header of a token", () => {
  for (const [present, name, value] of /** @type {const} */ ([
    [{ scheme: "JWT" }, "authorization", "JWT t1"],
    [{ header: "X-Session" }, "x-session", "t1"],
    [{ header: "X-Session", scheme: "Token" }, "x-session", "Token t1"],
    [{ scheme: "" }, "authorization", "t1"],
  ])) {
    test(`is ${name}: ${value}`, async (t) => {
      const { tokens, received } = managerOf(t, { present }, (request) =>
        isLogin(request) ? login("t1") : { data: {} },
      );

      await tokens.request("{ a }");
      await tokens.fetch(ENDPOINT, { headers: { "X-Other": "1" } });
      await tokens.fetch(new Request(ENDPOINT));

      assert.equal(await tokens.authorization(), value);
      const sent = received.slice(1);
      assert.equal(sent.length, 3);
      for (const { headers } of sent.slice(0, 2)) {
        assert.equal(headers.get(name), value);
        if (name !== "authorization") assert.equal(headers.get("authorization"), null);
      }
    });
  }

  test("leaves a header of the caller as it is, and `Authorization` to the caller", async (t) => {
    const { tokens, received } = managerOf(t, { present: { header: "X-Session" } }, (request) =>
      isLogin(request) ? login("t1") : { data: {} },
    );

    await tokens.fetch(ENDPOINT, { headers: { "X-SESSION": "own" } });
    await tokens.fetch(ENDPOINT, { headers: { Authorization: "Basic gateway" } });

    assert.equal(received[0]?.headers.get("x-session"), "own");
    assert.equal(received[2]?.headers.get("x-session"), "t1");
    assert.equal(received[2]?.headers.get("authorization"), "Basic gateway");
  });

  test("of the caller leaves redirects to `fetch`", async (t) => {
    /** @type {any[]} */
    const modes = [];
    const { tokens } = managerOf(t, { present: { header: "X-Session" } }, () => login("t1"), {
      fetch: async (/** @type {string} */ _, /** @type {any} */ init) => {
        modes.push(init.headers["x-session"] ?? init.headers["X-Session"], init.redirect);
        return Response.json(login("t1"));
      },
    });
    await tokens.getToken();
    modes.length = 0;

    await tokens.fetch(ENDPOINT, { headers: { "X-Session": "own" } });

    assert.deepEqual(modes, ["own", "follow"]);
  });

  test("is removed where a redirect leads to another origin", async (t) => {
    /** @type {(string | undefined)[]} */
    const seen = [];
    const other = createServer((request, response) => {
      seen.push(/** @type {string | undefined} */ (request.headers["x-session"]));
      response.end("{}");
    });
    const own = createServer((request, response) => {
      seen.push(/** @type {string | undefined} */ (request.headers["x-session"]));
      const { port } = /** @type {import("node:net").AddressInfo} */ (other.address());
      response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end();
    });
    for (const server of [own, other]) {
      await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
      t.after(() => server.close());
    }
    const { port } = /** @type {import("node:net").AddressInfo} */ (own.address());
    const endpoint = `http://127.0.0.1:${port}/graphql`;
    const tokens = managerFor(t, {
      provider: {
        name: "acme",
        endpoint,
        present: { header: "X-Session" },
        grant: () => ({ accessToken: "t1", expiresInMs: 60_000 }),
      },
    });

    await (await tokens.fetch(endpoint)).text();

    assert.deepEqual(seen, ["t1", undefined]);
  });
});

describe("grants", () => {
  test("are sent to an endpoint of their own, on another origin too", async (t) => {
    const provider = {
      authenticate: { document: "mutation { login { token } }", endpoint: "https://id.test/system" },
    };
    const { tokens, received } = managerOf(t, provider, (request) =>
      isLogin(request) ? login("t1") : { data: { a: 1 } },
    );

    await tokens.request("{ a }");

    assert.deepEqual(
      received.map(({ url }) => url),
      ["https://id.test/system", ENDPOINT],
    );
    // The token is not for that origin.
    assert.equal((await failure(tokens.fetch("https://id.test/system"))).code, "invalid_options");
  });

  test("are JSON over HTTP, and their failures are those of the credentials", async (t) => {
    let password = "right";
    const provider = {
      authenticate: { endpoint: "https://api.test/auth", json: { id: "me", password: () => password } },
      token: { data: "jwt" },
    };
    const { tokens, received } = managerOf(t, provider, ({ json }) =>
      json.password === "right"
        ? { jwt: "t1" }
        : Response.json({ data: null, error: { status: 400, message: "Invalid password" } }, { status: 400 }),
    );

    assert.equal(await tokens.getToken(), "t1");
    assert.deepEqual(received[0]?.json, { id: "me", password: "right" });
    password = "wrong";
    const error = await failure(tokens.refresh());
    assert.equal(error.code, "invalid_credentials");
    assert.ok(!error.message.includes("wrong"));
  });

  test("renew a token with the token itself", async (t) => {
    const renew = {
      document: "mutation Renew($t: String) { renew(t: $t) { token } }",
      variables: { t: "$accessToken" },
      authorization: { bearer: "$accessToken" },
    };
    const provider = { renew, token: { data: ["login.token", "renew.token"] }, present: { scheme: "JWT" } };
    const { tokens, received } = managerOf(t, provider, (request, count) =>
      request.text.includes("Renew") ? { data: { renew: { token: `t${count}` } } } : login(`t${count}`),
    );

    await tokens.getToken();
    await tokens.refresh();
    await tokens.refresh();

    assert.equal(tokens.peek()?.value, "t3");
    assert.deepEqual(
      received.map(({ headers, json }) => [headers.get("authorization"), json.variables.t]),
      [
        [null, undefined],
        ["JWT t1", "t1"],
        ["JWT t2", "t2"],
      ],
    );
  });

  test("present a refresh token again after a 503", async (t) => {
    const renew = {
      document: "mutation Renew($r: String) { renew(r: $r) { t r } }",
      variables: { r: "$refreshToken" },
    };
    const provider = {
      authenticate: { document: "mutation { login { t r } }" },
      renew,
      token: { data: ["login.t", "renew.t"] },
      refreshToken: { data: ["login.r", "renew.r"] },
    };
    let isDown = false;
    const { tokens, received } = managerOf(t, provider, ({ text }, count) => {
      if (isDown) return new Response(null, { status: 503 });
      return { data: { [text.includes("Renew") ? "renew" : "login"]: { t: `t${count}`, r: `r${count}` } } };
    });
    await tokens.getToken();

    isDown = true;
    assert.equal((await failure(tokens.refresh())).code, "server");
    isDown = false;
    await tokens.refresh();

    const presented = received.slice(1).map(({ json }) => json.variables.r);
    assert.deepEqual(new Set(presented), new Set(["r1"]));
  });

  test("without a lifetime emit one warning that names the path", async (t) => {
    const { tokens } = managerOf(t, { expiry: { expiresIn: "login.expires_in" } }, (_request, count) =>
      login(`t${count}`),
    );
    /** @type {any[]} */
    const warnings = [];
    tokens.on("warning", (event) => warnings.push(event));

    await tokens.getToken();
    await tokens.refresh();

    assert.equal(warnings.length, 1);
    assert.equal(warnings[0].code, "expiry_unknown");
    assert.match(warnings[0].message, /data\.login\.expires_in/);
  });
});

describe("an OAuth 2.0 token endpoint", () => {
  const tokenEndpoint = "https://id.test/token";
  const issued = { token_type: "Bearer", expires_in: 60 };

  test("grants by client credentials, with the client in the header", async (t) => {
    const oauth = {
      tokenEndpoint,
      clientId: "a:b",
      clientSecret: () => "p+q",
      parameters: { audience: "api" },
    };
    const { tokens, received } = managerOf(
      t,
      { ...oauthOnly, oauth },
      ({ url }) =>
        url === tokenEndpoint ? { ...issued, access_token: "t1", scope: "read" } : { data: { a: 1 } },
      { scopes: ["read", "write"] },
    );

    await tokens.request("{ a }");

    const [grant, call] = received;
    assert.deepEqual(Object.fromEntries(grant?.form ?? []), {
      grant_type: "client_credentials",
      scope: "read write",
      audience: "api",
    });
    const credentials = Buffer.from("a%3Ab:p%2Bq").toString("base64");
    assert.equal(grant?.headers.get("authorization"), `Basic ${credentials}`);
    assert.equal(call?.headers.get("authorization"), "Bearer t1");
    assert.deepEqual(tokens.peek()?.scopes, ["read"]);
  });

  test("renews with the refresh token, and begins with the first one", async (t) => {
    const oauth = { tokenEndpoint, clientId: "app", grant: "refresh_token", refreshToken: "r0" };
    const { tokens, received } = managerOf(t, { ...oauthOnly, oauth }, (_request, count) => ({
      ...issued,
      access_token: `t${count}`,
      refresh_token: `r${count}`,
    }));

    await tokens.getToken();
    await tokens.refresh();

    const sent = received.map(({ form }) => [form.get("refresh_token"), form.get("client_id")]);
    assert.deepEqual(sent, [
      ["r0", "app"],
      ["r1", "app"],
    ]);
  });

  /** @type {[error: string, status: number, code: string][]} */
  const errors = [
    ["invalid_client", 401, "invalid_credentials"],
    ["invalid_grant", 400, "invalid_credentials"],
    ["invalid_scope", 400, "insufficient_scope"],
    ["temporarily_unavailable", 503, "server"],
    ["invalid_request", 400, "protocol"],
  ];
  for (const [error, status, code] of errors) {
    test(`answers ${error}: ${code}`, async (t) => {
      const oauth = { tokenEndpoint, clientId: "app", clientSecret: "secret" };
      const { tokens } = managerOf(t, { ...oauthOnly, oauth }, () => Response.json({ error }, { status }), {
        retry: { ...QUICK, attempts: 1 },
      });

      assert.equal((await failure(tokens.getToken())).code, code);
    });
  }
});

test("revoke() sends both tokens to a JSON operation, once", async (t) => {
  const provider = {
    authenticate: { document: "mutation { login { token r } }" },
    renew: {
      document: "mutation Renew($r: String) { renew(r: $r) { token } }",
      variables: { r: "$refreshToken" },
    },
    refreshToken: { data: "login.r" },
    revoke: {
      endpoint: "https://api.test/logout",
      json: { access: "$accessToken", refresh: "$refreshToken" },
    },
  };
  const { tokens, received } = managerOf(t, provider, (request) =>
    isLogin(request) ? { data: { login: { token: "t1", r: "r1" } } } : new Response(null, { status: 204 }),
  );
  await tokens.getToken();

  await tokens.revoke();

  assert.deepEqual(
    received.slice(1).map(({ json }) => json),
    [{ access: "t1", refresh: "r1" }],
  );
});

describe("request()", () => {
  for (const [name, file] of /** @type {const} */ ([
    ["a Blob", new Blob(["x"])],
    ["a File", new File(["x"], "a.txt")],
  ])) {
    test(`rejects ${name} in variables, at any depth`, async (t) => {
      const { tokens, received } = managerOf(t, {}, () => login("t1"));

      const error = await failure(tokens.request("mutation { up }", { input: [{ file }] }));

      assert.equal(error.code, "invalid_options");
      assert.equal(received.length, 0);
    });
  }

  test("accepts empty objects in variables", async (t) => {
    const { tokens } = managerOf(t, {}, (request) => (isLogin(request) ? login("t1") : { data: { a: 1 } }));

    assert.deepEqual(await tokens.request("{ a }", { input: {} }), { a: 1 });
  });

  const fragment = 'fragment F on T @f(x: "}") { a }';
  for (const [name, document, operationName] of [
    ["alone", "# x\nsubscription { a }"],
    ["after a fragment", `${fragment} subscription { ...F }`],
    ["after a description in a block string", '"""query B { " }""" subscription S { a }'],
    ["that is selected by its name", "query B { a } subscription A($i: I = { b: [1] }) @d { a }", "A"],
  ]) {
    test(`rejects a subscription ${name}`, async (t) => {
      const { tokens, received } = managerOf(t, {}, () => login("t1"));

      const error = await failure(tokens.request(`${document}`, {}, { operationName }));

      assert.equal(error.code, "unsupported");
      assert.equal(received.filter((request) => !isLogin(request)).length, 0);
    });
  }

  for (const [name, document, operationName] of [
    ["a query beside a subscription", "subscription A { a } query B { a }", "B"],
    ["a query that is named subscription", "query subscription { a }"],
    ["a field that is named subscription", "{ subscription { a } }"],
    ["a variable that is named subscription", "query ($subscription: Int) { a }"],
    [
      "a string with a subscription",
      '{ a(b: "} subscription {", c: """} subscription {""") } # } subscription',
    ],
  ]) {
    test(`sends ${name}`, async (t) => {
      const { tokens } = managerOf(t, {}, (request) => (isLogin(request) ? login("t1") : { data: { a: 1 } }));

      assert.deepEqual(await tokens.request(`${document}`, {}, { operationName }), { a: 1 });
    });
  }
});

test("an abort while a partially rejected query waits for a token rejects the call", async (t) => {
  const controller = new AbortController();
  const { tokens } = managerOf(t, { refused: { codes: "X" } }, (request, count) => {
    if (!isLogin(request))
      return { data: { a: 1, b: null }, errors: [{ message: "x", extensions: { code: "X" } }] };
    if (count > 1) controller.abort(new Error("given up"));
    return login(`t${count}`);
  });

  const sent = tokens.fetch(ENDPOINT, {
    method: "POST",
    body: '{"query":"{ a b }"}',
    signal: controller.signal,
  });

  await assert.rejects(sent, { message: "given up" });
});
