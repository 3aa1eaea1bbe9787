// Rejections that keep the answer of the API: where one code means "not signed in" and "not permitted".

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";

import { GraphQLRequestError, TokenError } from "graphql-token-manager";

import { ENDPOINT, isLogin, login, managerOf } from "../providers/described.js";
import { assertHoldsNone } from "../support/secrets.js";
import { failure } from "../support/waiting.js";
import { POST } from "./support.js";

const REFUSED = {
  errors: [
    {
      message: "planted: you are not currently authorized",
      path: ["administrators", 0, "email"],
      extensions: { code: "FORBIDDEN", planted: "planted-extension" },
    },
  ],
  data: { administrators: null, plantedField: null },
};

const refused = { codes: "FORBIDDEN" };

/** @param {import("node:test").TestContext} t @param {object} [options] @param {() => any} [answer] */
function forbidding(t, options, answer = () => REFUSED) {
  return managerOf(
    t,
    { refused },
    (request, count) => (isLogin(request) ? login(`t${count}`) : answer()),
    options,
  );
}

describe("the error of a rejected request", () => {
  test("has the errors and the data of the answer", async (t) => {
    const { tokens } = forbidding(t);

    const error = await failure(tokens.request("{ administrators { email } }"));

    assert.equal(error.code, "token_rejected");
    assert.ok(TokenError.is(error) && error instanceof TokenError && !GraphQLRequestError.is(error));
    assert.ok(!(error instanceof GraphQLRequestError));
    assert.deepEqual([error.errors, error.data], [REFUSED.errors, REFUSED.data]);
  });

  test("has them with the code insufficient_scope as well", async (t) => {
    const { tokens } = forbidding(t, { scopes: ["READ"] });
    const request = tokens.request("{ administrators { email } }", {}, { scopes: ["READ"] });

    const error = await failure(request);

    assert.ok(["insufficient_scope", "token_rejected"].includes(error.code));
    assert.deepEqual([error.errors, error.data], [REFUSED.errors, REFUSED.data]);
  });

  test("has neither where the answer is not GraphQL", async (t) => {
    const { tokens } = forbidding(t, undefined, () => new Response("<html>", { status: 401 }));

    const error = await failure(tokens.request("{ ok }"));

    assert.deepEqual([error.code, error.errors, error.data], ["token_rejected", undefined, undefined]);
  });

  test("names the field and quotes the provider, unless `quoteErrors` is false", async (t) => {
    const { message } = await failure(forbidding(t).tokens.request("{ a }"));
    assert.ok(message.includes("administrators.0.email") && message.includes("not currently authorized"));

    const silent = await failure(forbidding(t, { quoteErrors: false }).tokens.request("{ a }"));
    assert.ok(!silent.message.includes("administrators") && !silent.message.includes("not currently"));
    assert.deepEqual(silent.errors, REFUSED.errors);
  });

  test("prints neither `errors` nor `data`", async (t) => {
    const error = await failure(forbidding(t, { quoteErrors: false }).tokens.request("{ a }"));

    for (const text of [
      inspect(error),
      inspect(error, { depth: 9, showHidden: true, getters: true }),
      JSON.stringify(error),
      `${error.stack}`,
    ]) {
      assertHoldsNone(text, ["planted"]);
    }
    assert.ok(inspect(error).startsWith("TokenError: acme"));
    assert.ok(inspect(error).includes("code: 'token_rejected'"));
  });
});

test("fetch returns the response to a rejected request unchanged", async (t) => {
  const { tokens } = forbidding(t);

  const response = await tokens.fetch(ENDPOINT, POST);

  assert.deepEqual(await response.json(), REFUSED);
});
