// What a provider quotes of secrets that its request did not hold, or in unusual encodings; and what is no secret.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { TokenError } from "graphql-token-manager";

import { managerFor } from "../support/setup.js";
import { failure } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

const ENDPOINT = "https://acme.test/graphql";
const SECRET = "pa55&word-7f3a9c/Zq";

/** Returns a JSON response. @param {unknown} body @param {number} [status] */
const json = (body, status = 400) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

/** @param {string} message @param {object} [more] */
const saying = (message, more) => json({ errors: [{ message, ...more }] });

/**
 * Creates a manager of a custom API.
 *
 * @param {TestContext} t
 * @param {(request: any) => Response | Promise<Response>} fetch receives the body and the headers of each request
 * @param {object} [authenticate]
 * @param {object} [options]
 */
function acme(t, fetch, authenticate, options) {
  const document = "mutation ($p: String!) { login(p: $p) { jwt } }";
  return managerFor(t, {
    provider: {
      name: "acme",
      endpoint: ENDPOINT,
      authenticate: { document, variables: { p: () => SECRET }, authorization: "none", ...authenticate },
      renew: { document: "mutation ($r: ID!) { renew(r: $r) { jwt } }", variables: { r: "$refreshToken" } },
      token: { data: ["login.jwt", "renew.jwt"] },
      refreshToken: { data: ["login.renewal"] },
      scopes: { data: ["login.rights"] },
      expiry: { lifetimeMs: 60_000 },
    },
    retry: { attempts: 1 },
    refresh: "on-demand",
    fetch: async (/** @type {unknown} */ _, /** @type {any} */ init) =>
      fetch({ headers: new Headers(init.headers), ...JSON.parse(init.body) }),
    ...options,
  });
}

/** All that programs print of an error. @param {any} error */
const printed = (error) =>
  [error.message, error.stack, inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error)].join(
    "\n",
  );

const hex = Buffer.from(SECRET).toString("hex");
/** @type {[name: string, quoted: string][]} */
const FORMS = [
  ["in hexadecimal form", hex],
  ["in hexadecimal form in capitals", hex.toUpperCase()],
  ["in hexadecimal form with colons", hex.replace(/..(?!$)/g, "$&:")],
  ["in hexadecimal form with spaces", hex.replace(/....(?!$)/g, "$& ")],
  ["as escapes of bytes", hex.replace(/../g, "\\x$&")],
  ["as numbers", hex.replace(/../g, "0x$& ")],
  ["as escapes of characters", hex.replace(/../g, "\\u{$&}")],
  ["in base64 in hexadecimal form", Buffer.from(Buffer.from(SECRET).toString("base64")).toString("hex")],
  ["with hyphens", [...SECRET].join("-")],
  ["in groups", SECRET.replace(/.{4}(?!$)/g, "$& ")],
  ["as HTML", SECRET.replaceAll("&", "&amp;")],
  ["as HTML twice", SECRET.replaceAll("&", "&amp;amp;")],
  ["as decimal references", [...SECRET].map((sign) => `&#${sign.charCodeAt(0)};`).join("")],
  ["as escapes of JSON, percent-encoded", [...hex.matchAll(/../g)].map(([byte]) => `%5Cu00${byte}`).join("")],
  [
    "as escapes of JSON, with references of HTML",
    [...hex.matchAll(/../g)].map(([byte]) => `&#92;u00${byte}`).join(""),
  ],
  ["in base64 with line breaks", Buffer.from(SECRET).toString("base64").replace(/.{8}/g, "$&\n")],
];
/** Parts of the secret and of its forms. */
const PARTS = /7f3a9c|pa55|37663361|N2YzYT|[67][\da-f][: \\x]*[67][\da-f]+[: \\x]*36/i;

describe("a secret is not shown", () => {
  for (const [name, quoted] of FORMS) {
    test(`${name}, in the response to a grant`, async (t) => {
      const error = await failure(acme(t, () => saying(`wrong: ${quoted} !`)).getToken());

      assert.doesNotMatch(printed(error), PARTS);
    });

    test(`${name}, in what fetch throws`, async (t) => {
      const thrown = Object.assign(new Error(`no handler for ${quoted} !`), { name: quoted });
      const tokens = acme(t, () => Promise.reject(thrown));

      const error = await failure(tokens.getToken());

      assert.equal(error.code, "fetch_threw");
      assert.doesNotMatch(printed(error), PARTS);
    });
  }

  for (const [name, quoted] of [
    ["escapes of JSON", "\\u043f\\u0430\\u0440\\u043e\\u043b\\u044c\\u043a\\u0430"],
    ["decimal references", [..."паролька"].map((sign) => `&#${sign.charCodeAt(0)};`).join("")],
    [
      "hexadecimal references",
      [..."паролька"].map((sign) => `&#x${sign.charCodeAt(0).toString(16)};`).join(""),
    ],
  ]) {
    test(`of letters besides ASCII, as ${name}`, async (t) => {
      const variables = { p: () => "паролька" };

      const error = await failure(acme(t, () => saying(`wrong: ${quoted} !`), { variables }).getToken());

      assert.ok(!printed(error).includes(quoted));
    });
  }

  test("as the whole message of an error in JSON over HTTP", async (t) => {
    const word = "opaqueSecret7f3a9cZq";
    const authenticate = {
      document: undefined,
      variables: undefined,
      endpoint: ENDPOINT,
      json: { p: () => word },
    };
    for (const body of [
      { error: word },
      { error: { message: word } },
      { errors: [word] },
      { errors: [{ message: word }] },
      { message: word, extensions: {} },
      { data: { x: { message: word } } },
    ]) {
      for (const options of [{}, { quoteErrors: false }]) {
        const error = await failure(acme(t, () => json(body), authenticate, options).getToken());

        assert.doesNotMatch(printed(error), /7f3a9c/, JSON.stringify(body));
      }
    }
  });

  test("as a code or an id after a byte order mark", async (t) => {
    const word = "opaqueSecret7f3a9cZq";
    for (const member of [`"\\u0063ode":"${word}"`, `"c":1}}],"extensions":{"\\u0072equestId":"${word}"`]) {
      const end = member.includes("requestId") || member.includes("equestId") ? "}}" : "}}]}";
      const text = `\ufeff{"errors":[{"message":"x","extensions":{${member}${end}`;
      const respond = () =>
        new Response(text, { status: 400, headers: { "content-type": "application/json" } });

      const error = await failure(acme(t, respond, { variables: { p: () => word } }).getToken());

      assert.doesNotMatch(printed(error), /7f3a9c/, text);
    }
  });

  for (const [name, thrown] of /** @type {[string, any][]} */ ([
    ["the name of an Error", Object.assign(new Error("no"), { name: "Zk8vQm31pLtXw9Rd" })],
    ["the name of a DOMException", new DOMException("no", "Zk8vQm31pLtXw9Rd")],
    ["the name of an object", { name: "Zk8vQm31pLtXw9Rd" }],
    ["a code of capitals", Object.assign(new Error("no"), { code: "ZKVQMPLTXWRDHUNTERQ" })],
    ["a code with digits", Object.assign(new Error("no"), { code: "ABCD1234EFGH5678IJKL" })],
  ])) {
    test(`as ${name} that a secret function or a store throws`, async (t) => {
      const fails = () => {
        throw thrown;
      };
      const store = { get: fails, set: fails, delete: fails };
      /** @type {unknown[]} */
      const events = [];
      const byFunction = acme(t, () => json({}, 200), { variables: { p: fails } });
      const byStore = acme(
        t,
        () => json({ data: { login: { jwt: "t" } } }, 200),
        {},
        { store, identity: "a" },
      );
      for (const type of /** @type {const} */ (["error", "warning"])) {
        byStore.on(type, (event) => events.push(event));
      }

      const error = await failure(byFunction.getToken());
      await byStore.getToken();

      assert.doesNotMatch(printed(error), /Zk8v|ZKVQ|ABCD1234/);
      assert.equal(events.length, 1);
      assert.doesNotMatch(inspect(events, { depth: 9, showHidden: true }), /Zk8v|ZKVQ|ABCD1234/);
    });
  }

  for (const [secret, quoted] of /** @type {const} */ ([
    ["motdepasséété", "motdepasséété".normalize("NFD")],
    ["motdepasséété".normalize("NFD"), "motdepasséété".normalize("NFC")],
    ["straße123456", "STRASSE123456"],
  ])) {
    test(`in another form of its letters: ${quoted}`, async (t) => {
      const variables = { p: () => secret };

      const error = await failure(acme(t, () => saying(`wrong: ${quoted} !`), { variables }).getToken());

      assert.doesNotMatch(printed(error).normalize("NFD"), /motdepasse|STRASSE/);
    });
  }

  test("as the code of what fetch throws", async (t) => {
    const secret = "opaque7f3a9csecret";
    const thrown = Object.assign(new Error("no"), { code: secret });
    const tokens = acme(t, () => Promise.reject(thrown), { variables: { p: () => secret } });

    assert.doesNotMatch(printed(await failure(tokens.getToken())), /7f3a9c/);
  });

  test("of a header `accept` that is not an ordinary one", async (t) => {
    const headers = { accept: "application/vnd.key-7f3a9c+json" };
    const tokens = acme(t, ({ headers }) => saying(`cannot give ${headers.get("accept")}`), {}, { headers });

    assert.doesNotMatch(printed(await failure(tokens.getToken())), /7f3a9c/);
  });

  test("and a header `accept` that is an ordinary one is", async (t) => {
    const tokens = acme(t, () => saying("send application/json"));

    assert.deepEqual((await failure(tokens.getToken())).providerErrors, [
      { message: "send application/json" },
    ]);
  });
});

describe("short values", () => {
  /** @type {[name: string, authenticate: object, message: string][]} */
  const PLAIN = [
    ["a variable", { variables: { id: "me", v: 1 } }, "not for me, only for 1"],
    ["a member of a variable", { variables: { input: { id: "me" } } }, "not for me"],
    ["a literal", { document: '{ login(id: "me", v: 1) { jwt } }', variables: {} }, "not for me, only for 1"],
  ];
  for (const [name, authenticate, message] of PLAIN) {
    test(`of ${name} leave a message as it is`, async (t) => {
      const error = await failure(acme(t, () => saying(message), authenticate).getToken());

      assert.deepEqual(error.providerErrors, [{ message }]);
    });
  }

  test("of a header leave a message as it is", async (t) => {
    const tokens = acme(t, () => saying("version 2 is gone"), {}, { headers: { "x-version": "2" } });

    assert.deepEqual((await failure(tokens.getToken())).providerErrors, [{ message: "version 2 is gone" }]);
  });

  /** @type {[name: string, authenticate: object, options?: object][]} */
  const CONFIDENTIAL = [
    ["a secret function", { variables: { pin: () => "me1" } }],
    ["a variable that is named as a secret", { variables: { password: "me1" } }],
    ["a member of such a variable", { variables: { credentials: { id: "me1" } } }],
    ["a password of HTTP Basic", { authorization: { basic: { username: "someone", password: "me1" } } }],
    ["a bearer token", { authorization: { bearer: "me1" } }],
    ["a header that is named as a secret", {}, { headers: { "x-api-key": "me1" } }],
  ];
  for (const [name, authenticate, options] of CONFIDENTIAL) {
    test(`of ${name} withhold the message`, async (t) => {
      const tokens = acme(t, () => saying("not for me1"), authenticate, options);

      const error = await failure(tokens.getToken());

      assert.ok(!("providerErrors" in error), inspect(error));
      assert.ok(!error.message.includes("me1"));
    });
  }
});

describe("tokens of the session that a request did not hold are not shown", () => {
  const first = { jwt: "first-token-7f3a9c", renewal: "refresh-token-7f3a9c", rights: ["read"] };
  const second = { jwt: "second-token-7f3a9c" };
  /** Grants two tokens, and quotes both and the refresh token afterwards. @param {TestContext} t */
  const quoting = (t) => {
    const grants = [{ login: first }, { renew: second }];
    return acme(t, ({ query }) => {
      if (query !== "{ ok }" && grants.length > 0) return json({ data: grants.shift() }, 200);
      return saying(`old ${first.jwt} new ${second.jwt} next ${first.renewal} !`);
    });
  };

  test("by request()", async (t) => {
    const tokens = quoting(t);
    await tokens.getToken();
    const old = await failure(tokens.request("{ ok }"));
    await tokens.refresh();

    const error = await failure(tokens.request("{ ok }"));

    for (const each of [old, error]) assert.doesNotMatch(printed(each), /first-token|refresh-token/);
    assert.match(error.message, /old \[secret\] new \[secret\] next \[secret\] !/);
  });

  test("by a grant, whose token was rejected", async (t) => {
    const tokens = quoting(t);
    const token = await tokens.getToken();
    await tokens.refresh();
    tokens.invalidate(await tokens.getToken());

    const error = await failure(tokens.refresh());

    assert.equal(token, first.jwt);
    assert.doesNotMatch(printed(error), /token-7f3a9c/);
  });

  test("and are no longer kept after a sign-out, so that they are not recognized", async (t) => {
    const tokens = quoting(t);
    await tokens.getToken();
    await tokens.refresh();
    await tokens.clear();

    const error = await failure(tokens.getToken());

    assert.ok(
      error.message.includes(`old ${first.jwt} new ${second.jwt} next ${first.renewal}`),
      error.message,
    );
  });
});

describe("granted scopes that quote a secret are ignored:", () => {
  const token = "granted-7f3a9c-token";
  const renewal = "renewal-7f3a9c-token";
  const planted = [token, renewal, SECRET, Buffer.from(SECRET).toString("base64url"), `x-${token}`];
  for (const [name, rights] of /** @type {[string, unknown][]} */ ([
    ["a list", [...planted, "read"]],
    ["a text", [...planted, "read"].join(" ")],
  ])) {
    test(`in ${name}, for tokens, events, lines and messages`, async (t) => {
      /** @type {string[]} */
      const lines = [];
      const debug = (/** @type {string} */ line) => lines.push(line);
      const answers = [json({ data: { login: { jwt: token, renewal, rights } } }, 200)];
      const tokens = acme(
        t,
        () => answers.shift() ?? saying("no", { code: "UNAUTHENTICATED" }),
        {},
        { debug },
      );
      /** @type {unknown[]} */
      const events = [];
      tokens.on("token", (event) => events.push(event));

      const { scopes } = await tokens.getAccessToken();
      const error = await failure(tokens.request("{ ok }"));

      assert.deepEqual(scopes, ["read"]);
      assert.match(inspect(events, { depth: 9 }), /'read'/);
      assert.doesNotMatch([lines, inspect(events, { depth: 9 }), printed(error)].join("\n"), /7f3a9c/);
    });
  }
});

test("a long message is not cut within a short secret", async (t) => {
  const message = `${`${SECRET} `.repeat(49)}${"a".repeat(17)} x7Qz and more ${"word ".repeat(50)}`;
  const variables = { p: () => SECRET, q: () => "x7Qz" };

  const error = await failure(acme(t, () => saying(message), { variables }).getToken());

  assert.match(error.providerErrors?.[0]?.message ?? "", /aaa…?$/);
  assert.doesNotMatch(printed(error), /x7/);
});

for (const name of /** @type {const} */ (["atob", "btoa"])) {
  test(`without ${name}, nothing is quoted, and errors keep their codes`, async (t) => {
    t.mock.method(globalThis, name, () => {
      throw new Error("missing");
    });
    const answer = () => saying(`no ${SECRET}`, { extensions: { code: "UNAUTHENTICATED" } });
    const tokens = acme(t, answer);
    const thrown = acme(t, () => Promise.reject(new Error(`no ${SECRET}`)));

    const error = await failure(tokens.getToken());
    const other = await failure(thrown.getToken());

    assert.ok(!("providerErrors" in error) && error.message.includes("UNAUTHENTICATED"), inspect(error));
    assert.equal(other.code, "fetch_threw");
    for (const each of [error, other]) assert.doesNotMatch(printed(each), PARTS);
  });
}

test("a path whose parts are a secret is not shown", async (t) => {
  for (const secret of [SECRET, hex, Buffer.from(`someone:${SECRET}`).toString("base64")]) {
    const error = await failure(acme(t, () => saying("no", { path: [...secret] })).getToken());

    assert.deepEqual(error.providerErrors, [{ message: "no" }]);
  }
});

test("a path has its names and indexes, and nothing else", async (t) => {
  const path = ["login", { toString: "x" }, 0, null, 1.5, true, ["y"], "jwt"];

  const error = await failure(acme(t, () => saying("no", { path })).getToken());

  assert.deepEqual(error.providerErrors, [{ message: "no", path: "login.0.jwt" }]);
});

test("the error for a token that had expired names the provider", async (t) => {
  const grant = () => ({ accessToken: "token-7f3a9c", expiresInMs: 0 });
  const provider = { name: "acme", endpoint: ENDPOINT, grant };
  const tokens = managerFor(t, { provider, retry: { attempts: 1 } });

  const error = await failure(tokens.getToken());

  assert.ok(TokenError.is(error));
  assert.deepEqual([error.code, error.provider], ["protocol", "acme"]);
  assert.ok(error.message.includes("acme"));
});
