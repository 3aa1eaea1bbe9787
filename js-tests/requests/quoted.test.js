// Servers that return the token or a credential in place of a code or an id: errors do not contain it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";

import { managerFor } from "../support/setup.js";
import { failure } from "../support/waiting.js";
import { apiFor, countedFor, json } from "./support.js";

let grants = 0;
/** Tokens in the form of codes. */
const grant = () => ({ accessToken: `opaque-token-${++grants}`, expiresInMs: 3_600_000 });

/** Returns the forms in which programs log an error. @param {any} error */
const printed = (error) =>
  [error.message, error.stack, error.requestId, inspect(error), JSON.stringify(error), `${error}`].join("\n");

/** Returns a response with `text` as its code and its id. @param {string} text */
const quoting = (text) => ({
  data: null,
  errors: [{ message: "no", extensions: { code: text } }],
  extensions: { requestId: text },
});

describe("an error of request() does not contain a token that the response has as a code", () => {
  for (const [name, status, code] of /** @type {const} */ ([
    ["with errors", 200, "graphql_errors"],
    ["that rejects the token twice", 401, "token_rejected"],
    ["of a server that failed", 500, "graphql_errors"],
  ])) {
    test(`in a response ${name}`, async (t) => {
      const { endpoint } = await apiFor(t, ({ token }, response) =>
        json(response, status, quoting(`E-${token}`)),
      );
      const { tokens } = countedFor(t, endpoint, {}, { grant });

      const error = await failure(tokens.request("{ ok }"));

      assert.equal(error.code, code);
      assert.equal(error.requestId, undefined);
      assert.doesNotMatch(printed(error), /opaque-token/);
    });
  }

  test("in a response to a request with the caller's own credentials", async (t) => {
    const { endpoint } = await apiFor(t, ({ token }, response) => json(response, 200, quoting(`${token}`)));
    const { tokens } = countedFor(t, endpoint, {}, { grant });
    const headers = { authorization: "Bearer the-callers-own-credentials" };

    const error = await failure(tokens.request("{ ok }", undefined, { headers }));

    assert.equal(error.code, "graphql_errors");
    assert.doesNotMatch(printed(error), /callers-own/);
  });

  test("but contains other codes", async (t) => {
    const { endpoint } = await apiFor(t, (_, response) => json(response, 200, quoting("OUT_OF_STOCK")));
    const { tokens } = countedFor(t, endpoint, {}, { grant });

    const error = await failure(tokens.request("{ ok }"));

    assert.match(error.message, /OUT_OF_STOCK/);
    assert.equal(error.requestId, "OUT_OF_STOCK");
  });
});

test("the error of a rejected operation quotes the API, without the token", async (t) => {
  const { endpoint } = await apiFor(t, ({ token }, response) =>
    json(response, 401, { errors: [{ message: `no ${token}`, path: ["ok"] }] }),
  );
  const { tokens } = countedFor(t, endpoint, {}, { grant });

  const error = await failure(tokens.request("{ ok }"));

  assert.equal(error.code, "token_rejected");
  assert.deepEqual(error.providerErrors, [{ message: "no [secret]", path: "ok" }]);
});

test("an error of a grant does not contain a credential that the response has as a code", async (t) => {
  const { endpoint } = await apiFor(t, ({ headers }, response) =>
    json(response, 401, quoting(`${headers.authorization}`.replace(/^Basic |=*$/g, ""))),
  );
  const options = {
    provider: "fluz",
    environment: "sandbox",
    userId: "6f1d3f0e-8f0b-4c53-9d0a-3b6f2f1f7a01",
    accountId: "b1a7c9d2-5e44-4a8e-9a3c-0d4e8c6f7b02",
    scopes: ["LIST_OFFERS"],
  };
  const tokens = managerFor(t, { ...options, endpoint, apiKey: "an-api-key-of-the-application" });

  const error = await failure(tokens.getToken());

  assert.equal(error.code, "invalid_credentials");
  assert.equal(error.requestId, undefined);
  assert.doesNotMatch(printed(error), /api-key-of/);
  assert.doesNotMatch(JSON.stringify(tokens.status()), /api-key-of/);
});

describe("an error of request() does not quote", () => {
  /** @type {[what: string, path: string, document: string, quoted: () => string][]} */
  const CASES = [
    ["a literal after a short one", "/", '{ a(x: "eu", y: "planted-words") }', () => "planted-words"],
    ["a literal of several lines", "/", '{ a(x: """one\nplanted-words\n""") }', () => "planted-words"],
    ["a number of the document", "/", "{ a(pin: 48151623) }", () => "48151623"],
    ["a literal with escapes", "/", '{ a(x: "pl\\u0061nted-words") }', () => "planted-words"],
    ["a key in the query of the endpoint", "/?planted-words", "{ a }", () => "planted-words"],
    ["an encoded key in the path", "/plan%74ed-words", "{ a }", () => "planted-words"],
  ];
  for (const [what, path, document, quoted] of CASES) {
    test(what, async (t) => {
      const { endpoint } = await apiFor(t, (_, response) =>
        json(response, 200, { data: null, errors: [{ message: `bad: ${quoted()} !` }] }),
      );
      const { tokens } = countedFor(t, new URL(path, endpoint).href, {}, { grant });

      const error = await failure(tokens.request(document));

      assert.match(error.message, /bad: \[secret\] !/);
      assert.doesNotMatch(printed(error), /planted|48151623/);
    });
  }

  test("a code whose member is written with escapes", async (t) => {
    const { endpoint } = await apiFor(t, ({ token }, response) => {
      response.writeHead(400, { "content-type": "application/json" });
      response.end(`{"errors":[{"message":"no","extensions":{"c\\u006fde":"${token}"}}]}`);
    });
    const { tokens } = countedFor(t, endpoint, {}, { grant });

    const error = await failure(tokens.request("{ ok }"));

    assert.doesNotMatch(printed(error), /opaque-token/);
  });

  test("what is absent: neither a code nor a path is invented", async (t) => {
    const { endpoint } = await apiFor(t, (_, response) =>
      json(response, 401, { errors: [{ message: "not now" }] }),
    );
    const { tokens } = countedFor(t, endpoint, {}, { grant });

    const error = await failure(tokens.request("{ ok }"));

    assert.deepEqual(error.providerErrors, [{ message: "not now" }]);
  });
});
