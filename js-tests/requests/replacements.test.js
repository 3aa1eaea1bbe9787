// Replacements of `fetch`: rejections inside HTTP 200, replays and limits behave the same with each.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import crossFetch from "cross-fetch";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import nock from "nock";
import nodeFetch3, { Request as Request3 } from "node-fetch";
// @ts-expect-error Its types are a package of their own.
import nodeFetch2, { Request as Request2 } from "node-fetch-2";
import { MockAgent, Request as UndiciRequest, fetch as undiciFetch } from "undici";

import { failure } from "../support/waiting.js";
import { POST, REJECTION, apiFor, countedFor, json } from "./support.js";

/** @type {[name: string, fetch: any, Request: any][]} */
const REPLACEMENTS = [
  ["node-fetch 2", nodeFetch2, Request2],
  ["node-fetch 3", nodeFetch3, Request3],
  ["cross-fetch", crossFetch, Request2],
  ["undici", undiciFetch, UndiciRequest],
];

for (const [name, fetch, Request] of REPLACEMENTS) {
  describe(`with ${name},`, () => {
    for (const [size, length] of /** @type {const} */ ([
      ["small", 10],
      ["longer than a stream's buffer", 300_000],
    ])) {
      test(`a ${size} rejection inside HTTP 200 causes a replay, and the response is complete`, async (t) => {
        const padding = "x".repeat(length);
        const { endpoint, received } = await apiFor(t, ({ token, url }, response) => {
          const body = token === "token-1" ? { ...REJECTION, padding } : { data: { padding } };
          if (url !== "/zip") return json(response, 200, body);
          const headers = { "content-type": "application/json", "content-encoding": "gzip" };
          response.writeHead(200, headers).end(gzipSync(JSON.stringify(body)));
        });

        for (const url of [endpoint, endpoint.replace("graphql", "zip")]) {
          const { tokens } = countedFor(t, endpoint, { fetch });
          const response = await tokens.fetch(url, POST);

          assert.deepEqual([response.status, response.url, response.ok], [200, url, true]);
          assert.deepEqual(await response.json(), { data: { padding } });
        }
        assert.deepEqual(
          received.map(({ token, body }) => [token, `${body}`]),
          ["token-1", "token-2", "token-1", "token-2"].map((token) => [token, POST.body]),
        );
      });
    }

    test("its own Request is sent and replayed", async (t) => {
      const { endpoint, received, rejectedTokens } = await apiFor(t);
      const { tokens } = countedFor(t, endpoint, { fetch });
      rejectedTokens.add("token-1");

      const response = await tokens.fetch(new Request(endpoint, { ...POST, headers: { "x-own": "1" } }));

      assert.equal(response.status, 200);
      assert.deepEqual(
        received.map(({ token, method, body, headers }) => [token, method, `${body}`, headers["x-own"]]),
        ["token-1", "token-2"].map((token) => [token, "POST", POST.body, "1"]),
      );
    });

    test("a response of more than 1 MiB, and one that breaks off, are returned as received", async (t) => {
      const long = JSON.stringify({ data: "x".repeat(2_000_000) });
      const { endpoint, origin } = await apiFor(t, ({ url }, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.write(url === "/broken" ? '{"data":' : long);
        if (url !== "/broken") return response.end();
        setTimeout(() => response.destroy(), 10);
      });
      const { tokens } = countedFor(t, endpoint, { fetch });

      assert.equal(await (await tokens.fetch(endpoint, POST)).text(), long);
      await assert.rejects(async () => (await tokens.fetch(`${origin}/broken`, POST)).text());
    });

    test("request() returns data, recognizes rejections, and enforces its limit", async (t) => {
      const { endpoint, received } = await apiFor(t, ({ token }, response) => {
        if (token === "token-1") json(response, 200, REJECTION);
        else json(response, 200, { data: { ok: true, padding: "x".repeat(5_000) } });
      });
      const { tokens } = countedFor(t, endpoint, { fetch });

      assert.equal((await tokens.request("{ ok }")).ok, true);
      const error = await failure(tokens.request("{ ok }", {}, { maxResponseBytes: 4_000 }));

      assert.deepEqual([error.code, received.length], ["protocol", 3]);
    });

    test("a redirect to another origin does not carry the token", async (t) => {
      const other = await apiFor(t);
      const { endpoint } = await apiFor(t, (_, response) => {
        response.writeHead(307, { location: other.endpoint }).end();
      });
      const { tokens } = countedFor(t, endpoint, { fetch });

      await tokens.fetch(endpoint, POST);

      assert.deepEqual(
        other.received.map(({ headers, body }) => [headers.authorization, `${body}`]),
        [[undefined, POST.body]],
      );
    });
  });
}

/** Responses of the mocks: the first token is rejected inside HTTP 200. @param {string | null | undefined} header */
const mocked = (header) => (header === "Bearer token-1" ? REJECTION : { data: { ok: true } });

describe("a request is replayed with a mock of the global fetch:", () => {
  const endpoint = "https://api.acme.test/graphql";

  /** @param {import("node:test").TestContext} t @param {Record<string, any>} [options] */
  async function assertReplayed(t, options) {
    const { tokens, counts } = countedFor(t, endpoint, options);

    const response = await tokens.fetch(endpoint, POST);
    assert.deepEqual(await response.json(), { data: { ok: true } });
    assert.deepEqual(await tokens.request("{ ok }"), { ok: true });
    assert.equal(counts.grants, 2);
  }

  test("MSW", async (t) => {
    const server = setupServer(
      http.post(endpoint, ({ request }) => HttpResponse.json(mocked(request.headers.get("authorization")))),
    );
    server.listen({ onUnhandledRequest: "error" });
    t.after(() => server.close());

    await assertReplayed(t);
  });

  test("nock", async (t) => {
    nock("https://api.acme.test")
      .persist()
      .post("/graphql")
      .reply(
        200,
        function () {
          return mocked(`${this.req.headers.authorization}`);
        },
        { "content-type": "application/json" },
      );
    t.after(() => {
      nock.cleanAll();
      nock.restore();
    });

    await assertReplayed(t);
  });

  test("undici's MockAgent", async (t) => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    t.after(() => agent.close());
    const reply = (/** @type {any} */ { headers }) => {
      const header = headers.authorization ?? headers.Authorization ?? headers.get?.("authorization");
      return {
        statusCode: 200,
        data: mocked(header),
        responseOptions: { headers: { "content-type": "application/json" } },
      };
    };
    agent.get("https://api.acme.test").intercept({ path: "/graphql", method: "POST" }).reply(reply).persist();
    const fetch = (/** @type {any} */ input, /** @type {any} */ init) =>
      undiciFetch(input, { ...init, dispatcher: agent });

    await assertReplayed(t, { fetch });
  });
});
