// The functions `when` of `refused`, `denied`, `throttled` and `unavailable`, from the options to the caller.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { TokenManager } from "graphql-token-manager";

import { POST } from "../requests/support.js";
import { failure } from "../support/waiting.js";
import { ENDPOINT, isLogin, login, managerOf } from "./described.js";

/** @import { TestContext } from "node:test" */
/** @import { Answer } from "graphql-token-manager" */

/**
 * Records the calls of a function.
 *
 * @param {(answer: Answer) => any} when
 */
function recorded(when) {
  /** @type {Answer[]} */
  const calls = [];
  const recording = (/** @type {Answer} */ answer) => {
    calls.push(answer);
    return when(answer);
  };
  return { calls, when: recording };
}

const failed = (/** @type {object} */ error) => ({ errors: [{ message: "x", ...error }], data: null });

describe("a function of `refused`", () => {
  /** A message that no list can describe: the code is that of another error as well. */
  const isExpired = (/** @type {Answer} */ { errors }) =>
    errors.some(
      ({ message, extensions }) => extensions?.code === "E1" && /^session \d+ ended$/.test(message),
    );

  for (const [name, send] of /** @type {[string, (tokens: TokenManager) => Promise<any>][]} */ ([
    ["request", (tokens) => tokens.request("{ a }")],
    ["fetch", async (tokens) => (await (await tokens.fetch(ENDPOINT, POST)).json()).data],
  ])) {
    test(`rejects the token of ${name}()`, async (t) => {
      const { tokens, received } = managerOf(t, { refused: { when: isExpired } }, (request, count) => {
        if (isLogin(request)) return login(`t${count}`);
        if (count > 2) return { data: { a: 1 } };
        return failed({ message: "session 7 ended", extensions: { code: "E1" } });
      });

      assert.deepEqual(await send(tokens), { a: 1 });
      assert.equal(received.filter(isLogin).length, 2);
    });
  }

  test("receives the status, the headers, the errors and the data", async (t) => {
    const { calls, when } = recorded(({ status }) => status === 418);
    const { tokens } = managerOf(t, { refused: { when } }, (request, count) => {
      if (isLogin(request)) return login(`t${count}`);
      if (count > 2) return { data: { a: 1 } };
      return Response.json(
        { data: null, extensions: { x: 1 } },
        { status: 418, headers: { "x-why": "tea" } },
      );
    });

    await tokens.request("{ a }");

    const answer = /** @type {Answer} */ (calls.find(({ isGrant }) => !isGrant));
    assert.deepEqual([answer.status, answer.errors, answer.data], [418, [], null]);
    assert.deepEqual([answer.headers.get("X-Why"), answer.headers.get("x-no")], ["tea", null]);
    assert.deepEqual(answer.body.extensions, { x: 1 });
  });

  test("is called for failures alone, and for every response with `every`", async (t) => {
    const bodies = [
      { data: { me: null } },
      { data: { errorRate: 1 } },
      { data: { me: 1 }, errors: [] },
      failed({}),
      Response.json({}, { status: 500 }),
      new Response("<html>", { status: 404 }),
      new Response("<html>"),
    ];
    for (const [every, count] of /** @type {const} */ ([
      [undefined, 3],
      [true, 6],
    ])) {
      const { calls, when } = recorded(() => false);
      let place = 0;
      const { tokens } = managerOf(t, { refused: { when, every } }, (request) => {
        const body = /** @type {any} */ (bodies[place]);
        return isLogin(request) ? login("t1") : body instanceof Response ? body.clone() : body;
      });
      for (place = 0; place < bodies.length; place++) await (await tokens.fetch(ENDPOINT, POST)).text();

      assert.equal(calls.filter(({ isGrant }) => !isGrant).length, count, `${every}`);
    }
  });

  test("recognizes an anonymous answer with `every`, also in a large response and in a batch", async (t) => {
    const isAnonymous = (/** @type {Answer} */ { data, isGrant }) => !isGrant && data?.me === null;
    for (const wrap of [
      (/** @type {any} */ data) => ({ data }),
      (/** @type {any} */ data) => ({ data, extensions: "x".repeat(70_000) }),
      (/** @type {any} */ data) => [{ data: { me: 1 } }, { data }],
    ]) {
      const { tokens, received } = managerOf(
        t,
        { refused: { when: isAnonymous, every: true } },
        (request, count) => (isLogin(request) ? login(`t${count}`) : wrap({ me: count > 2 ? 1 : null })),
      );

      const body = await (await tokens.fetch(ENDPOINT, { ...POST, body: '{"query":"{ me }"}' })).json();

      assert.deepEqual(body, wrap({ me: 1 }));
      assert.equal(received.filter(isLogin).length, 2);
    }
  });
});

describe("a function of a rule, in a grant,", () => {
  for (const [rule, code] of /** @type {const} */ ([
    ["refused", "invalid_credentials"],
    ["denied", "invalid_credentials"],
    ["throttled", "rate_limited"],
    ["unavailable", "server"],
  ])) {
    test(`of ${rule} causes ${code}`, async (t) => {
      const when = (/** @type {Answer} */ { data, isGrant }) => isGrant && data?.login?.reason.length === 3;
      const { tokens } = managerOf(t, { [rule]: { when } }, () => ({
        data: { login: { reason: ["a", 1, {}] } },
      }));

      assert.equal((await failure(tokens.getToken())).code, code);
    });
  }

  test("receives the body of a JSON operation", async (t) => {
    const { calls, when } = recorded(({ body }) => body.ok === 0);
    const authenticate = { endpoint: "https://api.test/login", json: {} };
    const { tokens } = managerOf(t, { authenticate, denied: { when } }, () => ({ ok: 0 }));

    assert.equal((await failure(tokens.getToken())).code, "invalid_credentials");
    assert.equal(calls[0]?.isGrant, true);
  });
});

test("functions of `throttled` and `unavailable` make the error of a request retryable", async (t) => {
  for (const rule of ["throttled", "unavailable"]) {
    const when = (/** @type {Answer} */ { errors }) => errors[0]?.wait > 5;
    const { tokens } = managerOf(t, { [rule]: { when } }, (request) =>
      isLogin(request) ? login("t1") : failed({ wait: 9 }),
    );

    const { code, retryable } = await failure(tokens.request("{ a }"));

    assert.deepEqual([code, retryable], ["graphql_errors", true]);
  }
});

describe("a function that throws, or does not return true or false,", () => {
  for (const [name, when] of /** @type {[string, (answer: Answer) => any][]} */ ([
    [
      "an exception",
      () => {
        throw new Error("planted");
      },
    ],
    ["a promise", async () => true],
    ["a rejected promise", () => Promise.reject(new Error("planted"))],
    ["a truthy value", () => "yes"],
  ])) {
    test(`matches nothing, and is reported once: ${name}`, async (t) => {
      const { tokens } = managerOf(t, { refused: { when, every: true } }, (request) =>
        isLogin(request) ? login("t1") : { data: { a: 1 } },
      );
      /** @type {any[]} */
      const warnings = [];
      tokens.on("warning", (event) => warnings.push(event));

      assert.deepEqual(await tokens.request("{ a }"), { a: 1 });
      await tokens.request("{ a }");

      assert.deepEqual(
        warnings.map(({ code }) => code),
        ["rule_failed"],
      );
      assert.ok(!warnings[0].message.includes("planted"));
    });
  }
});
