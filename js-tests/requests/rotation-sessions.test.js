// New tokens in ordinary responses are adopted only if they are of the same session.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { TokenManager } from "graphql-token-manager";

import { ENDPOINT, isLogin, managerOf } from "../providers/described.js";
import { failure } from "../support/waiting.js";
import { POST } from "./support.js";

/** @import { TestContext } from "node:test" */

const HEADER = "x-session";

/**
 * Creates a manager of an API that begins an anonymous session where the token is not that of a session, and has its token
 * in the header of the log-in.
 *
 * @param {TestContext} t
 * @param {object} [provider]
 * @param {(data: object, text: string) => object} [complete] adds to the data of a response
 */
function shopOf(t, provider, complete = (data) => data) {
  /** The user of each session. @type {Map<string, string | null>} */
  const sessions = new Map();
  const begin = (/** @type {string | null} */ user) => {
    const token = `${user ?? "anonymous"}-${sessions.size + 1}`;
    sessions.set(token, user);
    return { [HEADER]: token };
  };
  const manager = managerOf(
    t,
    {
      authenticate: { document: "mutation { login { id } }" },
      token: { header: HEADER },
      sliding: { header: HEADER, sameSession: { data: "me.id" } },
      ...provider,
    },
    (request) => {
      if (isLogin(request)) return Response.json({ data: { login: { id: 1 } } }, { headers: begin("admin") });
      const token = `${request.headers.get("authorization")}`.replace("Bearer ", "");
      const isKnown = sessions.has(token);
      const user = sessions.get(token) ?? null;
      const data = request.text.includes("me") ? { me: user && { id: user } } : { shop: null };
      const headers = isKnown ? {} : begin(null);
      return Response.json({ data: complete(data, request.text) }, { headers });
    },
  );
  const logIns = () => manager.received.filter(isLogin).length;
  return { ...manager, sessions, logIns };
}

describe("after the end of a session, an answer that brings an anonymous one", () => {
  test("causes a log-in if the field of `sameSession` is empty", async (t) => {
    const { tokens, sessions, logIns } = shopOf(t);
    assert.deepEqual(await tokens.request("{ me { id } }"), { me: { id: "admin" } });

    sessions.clear();

    assert.deepEqual(await tokens.request("{ me { id } }"), { me: { id: "admin" } });
    assert.deepEqual(await tokens.request("{ me { id } }"), { me: { id: "admin" } });
    assert.equal(logIns(), 2);
  });

  test("does not replace the token if it does not have the field", async (t) => {
    const { tokens, sessions, logIns } = shopOf(t);
    const token = await tokens.getToken();
    sessions.clear();

    await tokens.request("{ shop }");

    assert.equal(await tokens.getToken(), token);
    assert.deepEqual(await tokens.request("{ me { id } }"), { me: { id: "admin" } });
    assert.equal(logIns(), 2);
  });

  test("is not returned by fetch either, and the caller reads the response as usual", async (t) => {
    const { tokens, sessions } = shopOf(t);
    await tokens.getToken();
    sessions.clear();

    const response = await tokens.fetch(ENDPOINT, { ...POST, body: '{"query":"{ me { id } }"}' });

    assert.deepEqual(await response.json(), { data: { me: { id: "admin" } } });
  });

  test("is recognized in a large response, which reaches the core as an outline", async (t) => {
    const { tokens, sessions, logIns } = shopOf(t, undefined, (data) => ({
      ...data,
      filler: Array.from({ length: 20_000 }, (_, index) => index),
    }));
    await tokens.getToken();
    sessions.clear();

    const { me } = await tokens.request("{ me { id } filler }");

    assert.deepEqual(me, { id: "admin" });
    assert.equal(logIns(), 2);
  });

  test("is recognized where tokens are JWTs, and that of the anonymous session has another subject", async (t) => {
    const jwtOf = (/** @type {object} */ claims) =>
      `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;
    const { tokens, received } = managerOf(
      t,
      { token: { header: HEADER }, sliding: { header: HEADER, sameSession: { data: "me" } } },
      (request, count) => {
        if (isLogin(request))
          return Response.json({ data: { login: 1 } }, { headers: { [HEADER]: jwtOf({ sub: "1", count }) } });
        if (count > 2) return { data: { me: 1 } };
        return Response.json({ data: { me: null } }, { headers: { [HEADER]: jwtOf({ sub: "anonymous" }) } });
      },
    );

    assert.deepEqual(await tokens.request("{ me }"), { me: 1 });
    assert.equal(received.filter(isLogin).length, 2);
  });

  test("does not repeat a mutation of which a part was executed, and logs in for the next request", async (t) => {
    const { tokens, sessions, received, logIns } = shopOf(t, undefined, (data) => ({ ...data, add: true }));
    await tokens.getToken();
    sessions.clear();

    const data = await tokens.request("mutation { add me { id } }");

    assert.deepEqual(data, { me: null, add: true });
    assert.equal(received.filter(({ text }) => text.includes("add")).length, 1);
    assert.equal((await tokens.request("{ me { id } }")).me.id, "admin");
    assert.equal(logIns(), 2);
  });

  test("is an error if it follows the new log-in as well", async (t) => {
    const error = await failure(
      managerOf(
        t,
        { token: { header: HEADER }, sliding: { header: HEADER, sameSession: { data: "me" } } },
        (request, count) =>
          Response.json(
            { data: isLogin(request) ? { login: 1 } : { me: null } },
            { headers: { [HEADER]: `t${count}` } },
          ),
      ).tokens.request("{ me }"),
    );

    assert.deepEqual([error.code, error.data], ["token_rejected", { me: null }]);
  });
});

describe("a new token", () => {
  /** @param {TestContext} t @param {any} sameSession @param {object} data */
  const rotating = (t, sameSession, data) =>
    managerOf(t, { token: { header: HEADER }, sliding: { header: HEADER, sameSession } }, (_, count) =>
      Response.json({ data }, { headers: { [HEADER]: `t${count}` } }),
    ).tokens;

  for (const [name, sameSession, data, adopted] of /** @type {[string, any, object, string][]} */ ([
    ["is adopted beside the field", { data: "me.id" }, { me: { id: 1 } }, "t2"],
    [
      "is adopted beside the field in a large response",
      { data: "me" },
      { me: { id: 1 }, x: "x".repeat(70_000) },
      "t2",
    ],
    ["is adopted where the description asserts the session", true, { ok: true }, "t2"],
    ["is not adopted without the field", { data: "me.id" }, { ok: true }, "t1"],
    ["is not adopted if it is no JWT with the claim", { claim: "sub" }, { ok: true }, "t1"],
  ])) {
    test(name, async (t) => {
      for (const send of [
        (/** @type {TokenManager} */ tokens) => tokens.request("{ ok }"),
        (/** @type {TokenManager} */ tokens) => tokens.fetch(ENDPOINT, POST),
      ]) {
        const tokens = rotating(t, sameSession, data);
        await tokens.getToken();

        await send(tokens);

        assert.equal(await tokens.getToken(), adopted);
      }
    });
  }

  test("needs a description of how the session is known", async (t) => {
    const tokens = rotating(t, undefined, {});

    assert.equal((await failure(tokens.getToken())).code, "invalid_options");
  });
});
