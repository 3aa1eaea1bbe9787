// tokens.request: GraphQL over HTTP, and the result of each response.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";

import { GraphQLRequestError, TokenError } from "graphql-token-manager";

import { assertHoldsNone } from "../support/secrets.js";
import { braintree, managerFor, recordingFetch, sandboxFor, unreachable } from "../support/setup.js";
import { failure } from "../support/waiting.js";
import { REJECTION, apiFor, countedFor, json } from "./support.js";

/** @param {Promise<unknown>} promise @returns {Promise<GraphQLRequestError>} */
async function requestError(promise) {
  const error = await failure(promise);
  assert.ok(GraphQLRequestError.is(error));
  return error;
}

describe("the request", () => {
  test("contains the document, its variables and the operation name, according to GraphQL over HTTP", async (t) => {
    const { endpoint, received } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);
    const document = "query A($n: Int) { ok(n: $n) } query B { ok }";

    assert.deepEqual(await tokens.request(document, { n: 1, left: undefined }, { operationName: "A" }), {
      ok: true,
    });
    await tokens.request("{ ok }");
    await tokens.request("{ ok }", null, { operationName: null });

    const [first, second] = received;
    assert.equal(first?.method, "POST");
    assert.equal(first?.headers["content-type"], "application/json");
    assert.equal(first?.headers.accept, "application/graphql-response+json, application/json;q=0.9");
    assert.deepEqual(JSON.parse(`${first?.body}`), {
      query: document,
      variables: { n: 1 },
      operationName: "A",
    });
    assert.deepEqual(JSON.parse(`${second?.body}`), { query: "{ ok }" });
  });

  test("has the headers of the provider, of the options and of the call, in ascending precedence", async (t) => {
    const sandbox = await sandboxFor(t);
    const recorded = recordingFetch();
    const options = braintree(sandbox, { fetch: recorded, headers: { "x-tenant": "7", "x-own": "options" } });
    const tokens = managerFor(t, options);

    await tokens.request("{ ping }", {}, { headers: { "X-Own": "call" } });
    await tokens.request("{ ping }", {}, { headers: [["accept", "application/json"]] });

    const [, first, second] = recorded.requests.map(({ headers }) => headers);
    assert.equal(first?.get("braintree-version"), "2019-01-01");
    assert.deepEqual([first?.get("x-tenant"), first?.get("x-own")], ["7", "call"]);
    assert.equal(second?.get("accept"), "application/json");
  });

  test("with an Authorization of the caller is sent with it, and once", async (t) => {
    const { endpoint, received, rejectedTokens } = await apiFor(t);
    const { tokens, counts } = countedFor(t, endpoint);
    rejectedTokens.add("own");

    const error = await failure(tokens.request("{ ok }", {}, { headers: { authorization: "Bearer own" } }));
    assert.equal(error.code, "protocol");

    assert.deepEqual(
      received.map(({ token }) => token),
      ["own"],
    );
    assert.equal(counts.grants, 0);
  });
});

describe("a response", () => {
  const DATA = { data: { ok: true } };
  const ERRORS = { errors: [{ message: "planted words", extensions: { code: "BAD" } }] };
  const GRAPHQL = "application/graphql-response+json";
  const JSON_TYPE = "application/json";

  /**
   * One row for each outcome; `src/graphql/tests/auth_check.rs` has each status and media type.
   *
   * @type {[title: string, status: number, type: string, body: any, outcome: string][]}
   */
  const answers = [
    ["with data is data", 200, GRAPHQL, DATA, "data"],
    ["with data and no errors is data", 200, JSON_TYPE, { ...DATA, errors: null, extensions: {} }, "data"],
    ["of GraphQL's own type is data whatever its status", 400, GRAPHQL, DATA, "data"],
    ["with errors beside data is partial data", 200, JSON_TYPE, { ...DATA, ...ERRORS }, "graphql_errors"],
    ["of status 500 with errors is errors", 500, GRAPHQL, ERRORS, "graphql_errors"],
    ["of another status in the legacy type is not data", 404, JSON_TYPE, DATA, "protocol"],
    [
      "of JSON that is not GraphQL is a protocol error",
      404,
      JSON_TYPE,
      { message: "planted words" },
      "protocol",
    ],
    ["that is an HTML page is a protocol error", 200, "text/html", "<html>planted words", "protocol"],
    ["without a body is a protocol error", 200, JSON_TYPE, "", "protocol"],
    ["of status 503 in JSON is a server error", 503, JSON_TYPE, { message: "planted words" }, "server"],
    ["of status 429 is a rate limit", 429, "text/plain", "planted words", "rate_limited"],
  ];
  for (const [title, status, type, body, outcome] of answers) {
    test(title, async (t) => {
      const { endpoint } = await apiFor(t, (_, response) =>
        json(response, status, body, { "content-type": type, "retry-after": "7" }),
      );
      const { tokens } = countedFor(t, endpoint);

      const received = tokens.request("{ ok }");
      if (outcome === "data") return assert.deepEqual(await received, DATA.data);
      const error = await failure(received);

      assert.deepEqual([error.code, error.status, error.provider], [outcome, status, "acme"]);
      assert.equal(GraphQLRequestError.is(error), outcome === "graphql_errors");
      if (outcome === "graphql_errors") assert.ok(error.message.includes("planted words"));
      else assertHoldsNone(error, ["planted words"]);
      assert.equal(
        error.retryAfterMs,
        ["server", "rate_limited"].includes(outcome) || status === 500 ? 7_000 : undefined,
      );
      const isIntercepted = outcome === "protocol" && typeof body === "string";
      assert.equal(
        error.retryable,
        ["server", "rate_limited"].includes(outcome) || status === 500 || isIntercepted,
      );
    });
  }

  test("that redirects is not followed, and the error names the option to set", async (t) => {
    const { endpoint, received } = await apiFor(
      t,
      (_, response) => void response.writeHead(308, { location: "/x" }).end(),
    );
    const { tokens } = countedFor(t, endpoint);

    const error = await failure(tokens.request("{ ok }"));

    assert.deepEqual([error.code, error.status, received.length], ["protocol", 308, 1]);
  });

  test("that is missing is a network error, and so is one that breaks off", async (t) => {
    const { endpoint } = await apiFor(t, (_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
      response.write("{");
      setTimeout(() => response.destroy(), 10);
    });
    const gone = countedFor(t, await unreachable()).tokens;
    const broken = countedFor(t, endpoint).tokens;

    const none = await failure(gone.request("{ ok }"));
    const half = await failure(broken.request("{ ok }"));

    assert.deepEqual([none.code, none.retryable], ["network", true]);
    assert.deepEqual([half.code, half.retryable], ["network", true]);
  });

  test("that takes longer than the timeout of `fetch` is a timeout", async (t) => {
    const late = () =>
      Promise.reject(
        new TypeError("x", { cause: Object.assign(new Error(), { code: "UND_ERR_HEADERS_TIMEOUT" }) }),
      );
    const { tokens } = countedFor(t, "https://api.acme.test/graphql", { fetch: late });

    assert.equal((await failure(tokens.request("{ ok }"))).code, "timeout");
  });

  test("that rejects the token for some fields of a mutation is partial data, and is not replayed", async (t) => {
    const partial = { data: { ping: "pong", me: null }, ...REJECTION };
    const { endpoint, received } = await apiFor(t, (_, response) => json(response, 200, partial));
    const { tokens } = countedFor(t, endpoint);

    const error = await requestError(tokens.request("mutation { ping me }"));

    assert.deepEqual(error.data, partial.data);
    assert.equal(received.length, 1);
  });

  test("is read up to a limit, compressed or not; beyond it, the error names the option", async (t) => {
    const padding = "x".repeat(3 * 1024 * 1024);
    const { endpoint } = await apiFor(t, (_, response) => {
      const bytes = gzipSync(JSON.stringify({ data: { padding } }));
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(bytes);
    });
    const { tokens } = countedFor(t, endpoint);

    assert.equal((await tokens.request("{ padding }")).padding.length, padding.length);
    const error = await failure(tokens.request("{ padding }", {}, { maxResponseBytes: padding.length }));

    assert.deepEqual([error.code, error.retryable, error.provider], ["protocol", false, "acme"]);
    assert.ok(error.message.includes("`maxResponseBytes`"));
    assert.ok(await tokens.request("{ padding }", {}, { maxResponseBytes: Infinity }));
  });

  test("that never ends is aborted at 16 MiB", async (t) => {
    const { endpoint } = await apiFor(t, async (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const part = Buffer.alloc(1024 * 1024, 32);
      while (!response.destroyed) {
        if (!response.write(part)) await Promise.race([once(response, "drain"), once(response, "close")]);
      }
    });
    const { tokens } = countedFor(t, endpoint);

    assert.equal((await failure(tokens.request("{ ok }"))).code, "protocol");
  });
});

describe("a GraphQLRequestError", () => {
  const body = {
    errors: [
      { message: "first", path: ["a", 0], extensions: { code: "BAD", secret: "planted words" } },
      { message: "planted words", extensions: { code: "WORSE" } },
    ],
    data: { a: "planted data", b: null },
    extensions: { requestId: "r-1" },
  };

  test("has the API's errors, and prints only their codes and the first message", async (t) => {
    const { endpoint } = await apiFor(t, (_, response) => json(response, 200, body));
    const { tokens } = countedFor(t, endpoint);

    const error = await requestError(tokens.request("{ a b }"));

    assert.ok(error instanceof GraphQLRequestError && error instanceof TokenError && TokenError.is(error));
    assert.deepEqual(
      [error.name, error.code, error.status, error.requestId],
      ["GraphQLRequestError", "graphql_errors", 200, "r-1"],
    );
    assert.deepEqual([error.errors, error.data], [body.errors, body.data]);
    assert.ok(error.message.includes("BAD") && error.message.includes("first"));
    for (const shown of [
      `${error}`,
      inspect(error),
      inspect(error, { depth: 9, showHidden: true }),
      JSON.stringify(error),
    ]) {
      assert.ok(!shown.includes("planted"), shown);
    }
    assert.ok(inspect(error).includes("requestId: 'r-1'"));
  });

  test("shows no message of the API if `quoteErrors` is false", async (t) => {
    const { endpoint } = await apiFor(t, (_, response) => json(response, 200, body));
    const { tokens } = countedFor(t, endpoint, { quoteErrors: false });

    const error = await requestError(tokens.request("{ a b }"));

    assert.ok(!error.message.includes("first"));
    assert.deepEqual(error.errors, body.errors);
  });

  test("shows at most 500 characters of the message, without the token", async (t) => {
    const { endpoint } = await apiFor(t, ({ headers }, response) =>
      json(response, 200, { errors: [{ message: `${headers.authorization} ${"word ".repeat(300)}` }] }),
    );
    const { tokens } = countedFor(t, endpoint);
    const token = await tokens.getToken();

    const error = await requestError(tokens.request("{ a b }"));

    assert.ok(error.message.includes("word") && error.message.length < 700);
    assert.ok(!error.message.includes(token));
  });

  test("is distinguished from other errors, and can be constructed for a test", () => {
    const made = new GraphQLRequestError("no", { errors: [{ message: "x" }], data: null, status: 200 });

    assert.ok(GraphQLRequestError.is(made));
    assert.ok(!GraphQLRequestError.is(new TokenError("network", "x")));
    assert.ok(!GraphQLRequestError.is(undefined));
    assert.deepEqual([made.code, made.retryable, made.status], ["graphql_errors", false, 200]);
  });
});

describe("an invalid argument is rejected at once, without a request:", () => {
  const types = { kind: "Document", definitions: [{ kind: "ObjectTypeDefinition" }] };
  /** @type {[title: string, args: any[], named?: string][]} */
  const cases = [
    ["no document", []],
    ["an empty document", [" "]],
    ["a number as the document", [7]],
    ["an object as the document", [{ query: "{ a }" }]],
    ["a document of types", [types]],
    ["a list as variables", ["{ a }", [1]]],
    ["a bigint in variables", ["{ a }", { id: 1n }]],
    ["an unknown option", ["{ a }", {}, { planted: 1 }]],
    ["a limit of zero", ["{ a }", {}, { maxResponseBytes: 0 }], "`maxResponseBytes`"],
    ["a string as the limit", ["{ a }", {}, { maxResponseBytes: "1 MB" }], "`maxResponseBytes`"],
    ["a number as options", ["{ a }", {}, 7]],
    ["a number as the operation's name", ["{ a }", {}, { operationName: 7 }], "`operationName`"],
    ["an empty list of scopes", ["{ a }", {}, { scopes: [] }], "`scopes`"],
    ["an object as the signal", ["{ a }", {}, { signal: {} }], "`signal`"],
  ];
  for (const [title, args, named = ""] of cases) {
    test(title, async (t) => {
      const { endpoint, received } = await apiFor(t);
      const { tokens } = countedFor(t, endpoint);

      const error = await failure(/** @type {any} */ (tokens).request(...args));

      assert.equal(error.code, "invalid_options");
      assert.ok(error.message.includes(named), error.message);
      assert.ok(!error.message.includes("planted"));
      assert.equal(received.length, 0);
    });
  }
});
