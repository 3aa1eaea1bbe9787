// What the provider said, in errors of grants and of operations: shown without secrets.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { TokenError } from "graphql-token-manager";

import { managerFor } from "../support/setup.js";
import { failure } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

const FLUZ = {
  provider: "fluz",
  environment: "sandbox",
  userId: "6f1d3f0e-8f0b-4c53-9d0a-3b6f2f1f7a01",
  accountId: "b1a7c9d2-5e44-4a8e-9a3c-0d4e8c6f7b02",
  scopes: ["LIST_OFFERZ"],
  apiKey: btoa('the-application:k3Y/with+Signs=&"quoted"é'),
  retry: { attempts: 1 },
};

/** Returns a `fetch` with the same response to each request. @param {unknown} body @param {number} [status] */
function answering(body, status = 400, headers = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return async () =>
    new Response(text, { status, headers: { "content-type": "application/json", ...headers } });
}

/**
 * Returns the error of a grant.
 *
 * @param {TestContext} t
 * @param {object} options
 * @returns {Promise<any>}
 */
async function refused(t, options) {
  return failure(managerFor(t, { ...FLUZ, ...options }).getToken());
}

/** Returns a response with errors. @param {unknown[]} errors */
const errors = (...errors) => ({ errors });

describe("an error of a grant has what the provider said", () => {
  const message = 'Value "LIST_OFFERZ" does not exist in "ScopeType" enum. Did you mean "LIST_OFFERS"?';

  test("in `providerErrors`, which is frozen, and in its message", async (t) => {
    const one = {
      message,
      path: ["generateUserAccessToken", "scopes", 0],
      extensions: { code: "BAD_INPUT" },
    };

    const error = await refused(t, { fetch: answering(errors(one)) });

    assert.equal(error.code, "protocol");
    assert.deepEqual(error.providerErrors, [
      { message, code: "BAD_INPUT", path: "generateUserAccessToken.scopes.0" },
    ]);
    assert.ok(Object.isFrozen(error.providerErrors) && Object.isFrozen(error.providerErrors[0]));
    assert.ok(error.message.includes(message));
  });

  for (const [place, body, expected] of /** @type {[string, unknown, unknown][]} */ ([
    ["a string", { error: "bad input" }, { message: "bad input" }],
    ["an object", { error: { message: "bad input", code: "E-1" } }, { message: "bad input", code: "E-1" }],
    [
      "the body",
      { message: "bad input", extensions: { code: "E-1" } },
      { message: "bad input", code: "E-1" },
    ],
    [
      "a payload",
      { data: { generateUserAccessToken: { success: false, error: { code: "E-1", message: "bad input" } } } },
      { message: "bad input", code: "E-1" },
    ],
    [
      "an OAuth error",
      { error: "invalid_request", error_description: "bad input" },
      { message: "bad input", code: "invalid_request" },
    ],
  ])) {
    test(`from ${place}`, async (t) => {
      const error = await refused(t, { fetch: answering(body) });

      assert.deepEqual(error.providerErrors, [expected]);
    });
  }

  test("with ids and scopes of the request, which are no secrets", async (t) => {
    const said = `user ${FLUZ.userId} has no LIST_OFFERZ`;

    const error = await refused(t, { fetch: answering(errors({ message: said })) });

    assert.equal(error.providerErrors[0].message, said);
  });

  test("for five errors at most, each bounded", async (t) => {
    const long = { message: "word ".repeat(400), code: "C ".repeat(400), path: Array(400).fill("field") };

    const error = await refused(t, { fetch: answering(errors(...Array(9).fill(long))) });

    assert.equal(error.providerErrors.length, 5);
    for (const { message, code, path } of error.providerErrors) {
      assert.ok(message.length <= 500 && code.length <= 100 && path.length <= 200);
    }
  });

  for (const [name, body] of /** @type {[string, unknown][]} */ ([
    ["no errors", { data: null }],
    ["errors without messages", errors({}, null, 1, [])],
    ["no JSON", '{"errors":[{"message":"x"'],
    ["no object", ["message", { error: 1 }]],
    ["a text that is too long", errors({ message: "x ".repeat(5_000) })],
    ["invisible characters alone", errors({ message: "\0\u200b\u202e" })],
  ])) {
    test(`unless it has ${name}`, async (t) => {
      const error = await refused(t, { fetch: answering(body) });

      assert.ok(!("providerErrors" in error), inspect(error));
    });
  }

  test("unless `quoteErrors` is false", async (t) => {
    const error = await refused(t, { quoteErrors: false, fetch: answering(errors({ message })) });

    assert.ok(!("providerErrors" in error));
    assert.ok(!error.message.includes("ScopeType"));
  });

  test("which copies and status() have as well", async (t) => {
    const tokens = managerFor(t, { ...FLUZ, fetch: answering(errors({ message })) });

    const error = await failure(tokens.getToken());
    const { lastError } = tokens.status();

    assert.deepEqual(lastError?.providerErrors, [{ message }]);
    assert.ok(Object.isFrozen(lastError?.providerErrors) && Object.isFrozen(lastError?.providerErrors?.[0]));
    assert.deepEqual(JSON.parse(JSON.stringify(error)).providerErrors, [{ message }]);
    // A structured clone of an error has its message and no other member.
    assert.ok(!("providerErrors" in structuredClone(error)));
  });

  test("also if a `grant` function passes on the error of another manager", async (t) => {
    const inner = managerFor(t, { ...FLUZ, fetch: answering(errors({ message })) });
    const provider = { name: "outer", endpoint: "https://outer.test/graphql", grant: () => inner.getToken() };

    const error = await failure(managerFor(t, { provider }).getToken());

    assert.deepEqual([error.provider, error.providerErrors], ["outer", [{ message }]]);
  });

  test("without control and format characters", async (t) => {
    const error = await refused(t, {
      fetch: answering(errors({ message: "a\u001b[31m b\u202e\u200b\nc\ud800" })),
    });

    assert.equal(error.providerErrors[0].message, "a[31m b c");
  });
});

test("a copy of `providerErrors` is kept, not the list that was passed", () => {
  const given = [{ message: "m" }];

  const error = new TokenError("server", "it failed", { providerErrors: given });
  given[0].message = "changed";

  assert.deepEqual(error.providerErrors, [{ message: "m" }]);
  assert.ok(Object.isFrozen(error.providerErrors));
});

describe("a misspelled scope is explained once the provider refused it", () => {
  test("with the documented scope that was probably meant", async (t) => {
    const error = await refused(t, { fetch: answering(errors({ message: "no" })) });

    assert.match(error.message, /LIST_OFFERS/);
  });

  test("and one that is not documented is sent to the provider", async (t) => {
    const payload = { generateUserAccessToken: { token: "token", scopes: ["OF_TOMORROW"] } };
    const tokens = managerFor(t, {
      ...FLUZ,
      scopes: ["OF_TOMORROW"],
      fetch: answering({ data: payload }, 200),
    });

    assert.equal(await tokens.getToken(), "token");
  });
});

describe("ids of Fluz that are no UUIDs are refused without a request", () => {
  const fetch = () => assert.fail("a request was sent");

  for (const id of [
    "me",
    "6f1d3f0e8f0b4c539d0a3b6f2f1f7a01",
    `${FLUZ.userId} `,
    `${FLUZ.userId.slice(1)}g`,
  ]) {
    for (const key of ["userId", "accountId", "seatId"]) {
      test(`${key}: ${id}`, async (t) => {
        const error = await refused(t, { fetch, [key]: id });
        const selected = await failure(
          managerFor(t, { ...FLUZ, fetch })
            .session({ [key]: id })
            .getToken(),
        );

        for (const { code, message } of [error, selected]) {
          assert.equal(code, "invalid_options");
          assert.ok(message.includes(`\`${key}\``) && message.includes("UUID"));
        }
      });
    }
  }

  test("and capitals are accepted", async (t) => {
    const token = { data: { generateUserAccessToken: { token: "token", scopes: [] } } };
    const options = { ...FLUZ, userId: FLUZ.userId.toUpperCase(), fetch: answering(token, 200) };

    assert.equal(await managerFor(t, options).getToken(), "token");
  });
});

const SECRET = 'pa55/w+rd=&"it\'s é" 7f3a9c';

/** The encodings in which a server may quote a secret. @type {[name: string, (text: string) => string][]} */
const ENCODINGS = [
  ["as it is", (text) => text],
  ["in capitals", (text) => text.toUpperCase()],
  ["as JSON", (text) => JSON.stringify(text)],
  ["as JSON in JSON", (text) => JSON.stringify(JSON.stringify(text))],
  ["as JSON of PHP", (text) => JSON.stringify(text).replaceAll("/", "\\/").replaceAll("é", "\\u00e9")],
  ["percent-encoded", (text) => encodeURIComponent(text)],
  ["percent-encoded in small letters", (text) => encodeURIComponent(text).toLowerCase()],
  ["percent-encoded twice", (text) => encodeURIComponent(encodeURIComponent(text))],
  ["as a form", (text) => `${new URLSearchParams({ text })}`.slice(5)],
  ["in base64", (text) => Buffer.from(text).toString("base64")],
  ["in base64url", (text) => Buffer.from(text).toString("base64url")],
  ["in base64 of a pair", (text) => Buffer.from(`someone:${text}`).toString("base64")],
  ["in base64 in a URL", (text) => encodeURIComponent(Buffer.from(text).toString("base64"))],
  ["as HTML", (text) => text.replace(/[^\w ]/g, (sign) => `&#x${sign.charCodeAt(0).toString(16)};`)],
  ["with control characters", (text) => [...text].join("\u0000")],
  ["with invisible characters", (text) => [...text].join("\u200b")],
  ["with line breaks", (text) => [...text].join("\n")],
  ["cut", (text) => text.slice(0, 20)],
];

/** What a leak would have, in any encoding. @param {string} text */
function decodings(text) {
  const views = [text];
  for (let depth = 0; depth < 3; depth++) {
    for (const view of [...views]) {
      views.push(view.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))));
      views.push(view.replace(/\\u([\da-f]{4})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))));
      views.push(view.replaceAll("\\", ""));
    }
  }
  for (const view of [...new Set(views)]) {
    for (const run of view.match(/[\w+/-]{8,}/g) ?? []) views.push(Buffer.from(run, "base64").toString());
  }
  return views.map((view) => view.toLowerCase().replace(/[^a-z0-9]/g, ""));
}

/** @param {string} text @param {string} secret */
function assertHidden(text, secret) {
  const letters = secret.toLowerCase().replace(/[^a-z0-9]/g, "");
  for (const view of decodings(text)) assert.ok(!view.includes(letters.slice(0, 12)), text);
}

/** Managers with a secret in their requests. @type {[name: string, secret: string, options: object][]} */
const HOLDERS = [
  ["an API key", SECRET, { ...FLUZ, apiKey: Buffer.from(`app:${SECRET}`).toString("base64") }],
  ["an API key as a pair", SECRET, { ...FLUZ, apiKey: `app:${SECRET}` }],
  ["an application's secret", SECRET, { ...FLUZ, apiKey: undefined, appId: "app", appSecret: SECRET }],
  ["a password", SECRET, { provider: "toggle", username: "someone", password: SECRET }],
  [
    "a client secret",
    SECRET,
    {
      provider: "braintree",
      environment: "sandbox",
      clientId: "client",
      clientSecret: () => SECRET,
      scopes: ["CUSTOMER_FIND"],
    },
  ],
  ...[
    { variables: { secret: () => SECRET } },
    { variables: { secret: SECRET } },
    { variables: { list: [{ deep: SECRET }] } },
    { document: `mutation { login(secret: "${SECRET.replaceAll('"', '\\"')}") { jwt } }` },
    { authorization: { basic: { username: "someone", password: SECRET } } },
  ].map((authenticate, index) => {
    const document = "mutation { login { jwt } }";
    const provider = {
      name: "acme",
      endpoint: "https://acme.test/graphql",
      authenticate: { document, authorization: "none", ...authenticate },
      token: { data: ["login.jwt"] },
      expiry: { lifetimeMs: 60_000 },
    };
    return /** @type {[string, string, object]} */ ([`a profile (${index})`, SECRET, { provider }]);
  }),
  ["a header", "7f3a9c-gateway-key", { ...FLUZ, headers: { "x-gateway": "7f3a9c-gateway-key" } }],
  [
    "an endpoint",
    "7f3a9c-gateway-key",
    { ...FLUZ, endpoint: "https://gateway.test/7f3a9c-gateway-key/graphql" },
  ],
];

describe("no secret of a request is shown", () => {
  for (const [holder, secret, options] of HOLDERS) {
    for (const [encoding, encode] of ENCODINGS) {
      test(`of ${holder}, quoted ${encoding}`, async (t) => {
        const quoted = encode(secret);
        const body = errors(
          { message: `invalid: ${quoted}`, code: quoted, path: [quoted, "x"] },
          { message: quoted, extensions: { code: quoted, detail: quoted } },
          { message: `${quoted}${quoted}` },
          { message: "plain", path: quoted, extensions: { errorClass: quoted } },
        );
        const tokens = managerFor(t, {
          ...options,
          retry: { attempts: 1 },
          fetch: answering({ ...body, error: quoted, extensions: { requestId: quoted } }, 422),
        });
        /** @type {unknown[]} */
        const events = [];
        for (const type of /** @type {const} */ (["error", "retry", "warning"])) {
          tokens.on(type, (event) => events.push(event, inspect(event, { depth: 9 }), JSON.stringify(event)));
        }

        /** @type {any} */
        const error = await failure(tokens.getToken());

        assert.ok(error.providerErrors.some((/** @type {any} */ { message }) => message === "plain"));
        const forms = [error.message, error.stack, inspect(error, { depth: 9 }), JSON.stringify(error)];
        for (const text of [...forms, JSON.stringify(events), JSON.stringify(tokens.status())]) {
          assertHidden(text, secret);
        }
      });
    }
  }

  for (const encoding of ["as it is", "as JSON", "percent-encoded", "in base64", "in base64url"]) {
    test(`and the rest of the message is, quoted ${encoding}`, async (t) => {
      const encode = /** @type {(text: string) => string} */ (new Map(ENCODINGS).get(encoding));
      const message = `Variable "secret" got invalid value ${encode(SECRET)}; expected ID`;
      const options = { provider: "toggle", username: "someone", password: SECRET };

      const fetch = answering(errors({ message }));
      /** @type {any} */
      const error = await failure(managerFor(t, { ...options, fetch }).getToken());

      assert.match(error.providerErrors[0].message, /^Variable "secret" got .*\[secret\]"?; expected ID$/);
    });
  }

  test("that is a short credential of a header", async (t) => {
    const authenticate = { document: "{ login }", authorization: { bearer: "7f3a" } };
    const provider = {
      name: "acme",
      endpoint: "https://acme.test/graphql",
      authenticate,
      token: { data: ["login"] },
      expiry: { lifetimeMs: 60_000 },
    };
    const fetch = answering(errors({ message: "wrong key 7f3a" }));

    const error = await failure(managerFor(t, { provider, fetch }).getToken());

    assert.deepEqual(error.providerErrors, [{ message: "wrong key [secret]" }]);
  });

  test("that is short", async (t) => {
    const options = { provider: "toggle", username: "someone", password: "x7" };
    const body = errors({ message: "wrong password x7" }, { message: "x7y" });

    const error = await failure(managerFor(t, { ...options, fetch: answering(body) }).getToken());

    assert.deepEqual(error.providerErrors, [{ message: "x7y" }]);
  });

  test("if the refresh token is quoted", async (t) => {
    const granted = { token: "first", refreshToken: "refresh-token-7f3a9c", scopes: [] };
    const answers = [answering({ data: { generateUserAccessToken: granted } }, 200)];
    const fetch = async (/** @type {string} */ _, /** @type {any} */ { body }) =>
      (answers.shift() ?? answering(errors({ message: `bad ${JSON.parse(body).variables.refreshToken}` })))();
    const tokens = managerFor(t, { ...FLUZ, fetch });

    await tokens.getToken();
    const error = await failure(tokens.refresh());

    assert.doesNotMatch(inspect(error), /7f3a9c/);
  });
});

describe("no token of the response is shown", () => {
  const token = "new-7f3a9c";
  const message = `issued ${token}`;

  for (const [name, body, headers] of /** @type {[string, object, object][]} */ ([
    ["a payload", { data: { generateUserAccessToken: { refreshToken: token } } }, {}],
    ["another member", { issued: { value: token } }, {}],
    ["an extension", { errors: [{ message, extensions: { accessToken: token } }] }, {}],
  ])) {
    test(`of ${name}`, async (t) => {
      const error = await refused(t, { fetch: answering({ ...errors({ message }), ...body }, 400, headers) });

      assert.deepEqual(error.providerErrors, [{ message: "issued [secret]" }]);
      assert.doesNotMatch(inspect(error), /7f3a9c/);
    });
  }

  test("of a header", async (t) => {
    const options = { provider: "toggle", username: "someone", password: SECRET };
    const fetch = answering(errors({ message }), 400, { "x-authorization": `Bearer ${token}` });

    const error = await failure(managerFor(t, { ...options, fetch }).getToken());

    assert.deepEqual(error.providerErrors, [{ message: "issued [secret]" }]);
  });

  test("that is not in a member of its own", async (t) => {
    const jwt = ["alg", "sub", "sig"].map((part) => Buffer.from(`{"${part}":12345}`).toString("base64url"));

    const error = await refused(t, { fetch: answering(errors({ message: `issued ${jwt.join(".")}` })) });

    assert.deepEqual(error.providerErrors, [{ message: "issued [secret]" }]);
  });
});
