// Redirects are followed by the rules of the Fetch standard, and the token is sent to allowed origins only.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { POST, apiFor, countedFor, json } from "./support.js";

/** @import { ServerResponse } from "node:http" */
/** @import { TestContext } from "node:test" */

/**
 * A `fetch` that follows redirects by itself and keeps all headers, including the token.
 * @param {any} input
 * @param {any} init
 * @returns {Promise<Response>}
 */
async function naive(input, init) {
  const response = await fetch(input, { ...init, redirect: "manual" });
  const location = response.headers.get("location");
  if (location === null || init?.redirect === "manual") return response;
  return naive(new URL(location, response.url).href, init);
}

/**
 * @param {ServerResponse} response
 * @param {number} status
 * @param {string} location
 */
const redirect = (response, status, location) => void response.writeHead(status, { location }).end();

/**
 * Starts an API that redirects, and two other origins.
 * @param {TestContext} t
 * @param {(paths: { accepted: string, foreign: string, api: string }) => Record<string, [status: number, to: string]>}
 *   routes
 * @param {Record<string, any>} [options]
 */
async function placesFor(t, routes, options) {
  /** @type {Record<string, [number, string]>} */
  let known = {};
  const place = () =>
    apiFor(t, ({ url, headers: { host } }, response) => {
      const route = known[`http://${host}${url}`];
      if (route) redirect(response, ...route);
    });
  const [api, accepted, foreign] = [await place(), await place(), await place()];
  known = routes({ api: api.origin, accepted: accepted.origin, foreign: foreign.origin });
  const { tokens, counts } = countedFor(t, api.endpoint, { origins: [accepted.origin], ...options });
  return { api, accepted, foreign, tokens, counts };
}

/** @param {{ received: import("./support.js").ReceivedRequest[] }} place */
const seen = ({ received }) => received.map(({ method, url, token }) => `${method} ${url} ${token ?? "-"}`);

for (const [name, option] of /** @type {[string, any][]} */ ([
  ["the runtime's fetch", {}],
  ["a fetch that keeps all headers", { fetch: naive }],
])) {
  describe(`with ${name},`, () => {
    for (const status of [301, 302, 303, 307, 308]) {
      test(`${status} to another origin does not carry the token`, async (t) => {
        const places = await placesFor(
          t,
          ({ api, foreign }) => ({ [`${api}/a`]: [status, `${foreign}/b`] }),
          option,
        );
        const { api, foreign, tokens, counts } = places;
        const headers = { "x-own": "1", cookie: "c=1", "proxy-authorization": "Basic eA==" };

        const response = await tokens.fetch(`${api.origin}/a`, { ...POST, headers });

        assert.deepEqual(
          [response.status, response.redirected, response.url],
          [401, true, `${foreign.origin}/b`],
        );
        const [{ headers: got }] = foreign.received;
        assert.deepEqual(
          [got["x-own"], got.authorization, got.cookie, got["proxy-authorization"]],
          ["1", undefined, undefined, undefined],
        );
        // A rejection by another origin does not affect the token.
        assert.deepEqual([counts.grants, await tokens.getToken()], [1, "token-1"]);
      });

      test(`${status} to an accepted origin carries it, and the method follows the Fetch standard`, async (t) => {
        const places = await placesFor(
          t,
          ({ api, accepted }) => ({ [`${api}/a`]: [status, `${accepted}/b`] }),
          option,
        );
        const { api, accepted, tokens } = places;
        const [method, body] = status < 307 ? ["GET", ""] : ["POST", POST.body];

        const response = await tokens.fetch(`${api.origin}/a`, POST);

        assert.equal(response.status, 200);
        assert.deepEqual(await response.json(), { data: { ok: true } });
        assert.deepEqual(seen(accepted), [`${method} /b token-1`]);
        assert.equal(`${accepted.received[0]?.body}`, body);
        assert.equal(
          accepted.received[0]?.headers["content-type"],
          (body && POST.headers["content-type"]) || undefined,
        );
      });
    }

    test("a redirect back to the endpoint's origin through another one does not carry the token", async (t) => {
      const { api, foreign, tokens } = await placesFor(
        t,
        ({ api, foreign }) => ({
          [`${api}/a`]: [307, `${foreign}/b`],
          [`${foreign}/b`]: [307, `${api}/chosen`],
        }),
        option,
      );

      assert.equal((await tokens.fetch(`${api.origin}/a`)).status, 401);

      assert.deepEqual([seen(foreign), seen(api)], [["GET /b -"], ["GET /a token-1", "GET /chosen -"]]);
      assert.equal(await tokens.getToken(), "token-1");
    });
  });
}

test("a token that is rejected after a redirect is replaced, and the request is replayed from the start", async (t) => {
  const { api, accepted, tokens } = await placesFor(t, ({ api, accepted }) => ({
    [`${api}/a`]: [308, `${accepted}/b`],
  }));
  accepted.rejectedTokens.add("token-1");

  for (const form of ["text", "bytes", "form", "request"]) {
    const body = { text: "1", bytes: new Uint8Array([49]), form: new URLSearchParams("1") }[form] ?? "1";
    const init = { method: "POST", body };
    const input = `${api.origin}/a`;
    const response = await (form === "request"
      ? tokens.fetch(new Request(input, init))
      : tokens.fetch(input, init));
    assert.equal(response.status, 200, form);
  }

  assert.deepEqual(seen(api).slice(0, 3), ["POST /a token-1", "POST /a token-2", "POST /a token-2"]);
  assert.deepEqual(seen(accepted).slice(0, 3), ["POST /b token-1", "POST /b token-2", "POST /b token-2"]);
  assert.deepEqual(new Set(accepted.received.map(({ body }) => `${body}`.replace("=", ""))), new Set(["1"]));
});

test("HEAD stays HEAD, and DELETE becomes GET only with 303", async (t) => {
  const { api, tokens } = await placesFor(t, ({ api }) => ({
    [`${api}/302`]: [302, "/end"],
    [`${api}/303`]: [303, "/end"],
  }));

  for (const method of ["HEAD", "DELETE"]) {
    for (const path of ["302", "303"]) await tokens.fetch(`${api.origin}/${path}`, { method });
  }

  const ends = api.received.filter(({ url }) => url === "/end");
  assert.deepEqual(
    ends.map(({ method }) => method),
    ["HEAD", "HEAD", "DELETE", "GET"],
  );
});

test("at most twenty redirects are followed", async (t) => {
  const api = await apiFor(t, ({ url }, response) => {
    const left = Number(url.slice(1));
    if (left > 0) redirect(response, 302, `/${left - 1}`);
  });
  const { tokens } = countedFor(t, api.endpoint);

  assert.equal((await tokens.fetch(`${api.origin}/20`)).status, 200);
  await assert.rejects(tokens.fetch(`${api.origin}/21`), TypeError);
  assert.equal(api.received.length, 42);
});

test("a stream body is not sent twice: `fetch` rejects, unless the status is 303", async (t) => {
  const { api, tokens } = await placesFor(t, ({ api }) => ({
    [`${api}/307`]: [307, "/end"],
    [`${api}/301`]: [301, "/end"],
    [`${api}/303`]: [303, "/end"],
  }));
  const init = () => /** @type {any} */ ({ method: "POST", body: new Blob(["1"]).stream(), duplex: "half" });

  await assert.rejects(tokens.fetch(`${api.origin}/307`, init()), TypeError);
  await assert.rejects(tokens.fetch(`${api.origin}/301`, init()), TypeError);
  assert.equal((await tokens.fetch(`${api.origin}/303`, init())).status, 200);
});

test("an invalid Location is an error, and a redirect without one is returned", async (t) => {
  const api = await apiFor(t, ({ url, headers: { host } }, response) => {
    if (url === "/none") response.writeHead(302).end();
    if (url === "/user") redirect(response, 302, `http://name:word@${host}/end`);
    if (url === "/data") redirect(response, 302, "data:text/plain,x");
    if (url === "/wrong") redirect(response, 302, "http://[");
  });
  const { tokens } = countedFor(t, api.endpoint);

  assert.equal((await tokens.fetch(`${api.origin}/none`)).status, 302);
  for (const path of ["user", "data", "wrong"]) {
    await assert.rejects(tokens.fetch(`${api.origin}/${path}`), (error) => {
      assert.ok(error instanceof TypeError && !error.message.includes("word"));
      return true;
    });
  }
});

test("the caller's `redirect` is respected, in init and in a Request", async (t) => {
  const { api, tokens } = await placesFor(t, ({ api }) => ({ [`${api}/a`]: [302, "/end"] }));
  const input = `${api.origin}/a`;

  for (const make of [
    (/** @type {any} */ redirect) => [input, { redirect }],
    (/** @type {any} */ redirect) => [new Request(input, { redirect })],
  ]) {
    assert.equal((await tokens.fetch(.../** @type {[any]} */ (make("manual")))).status, 302);
    await assert.rejects(tokens.fetch(.../** @type {[any]} */ (make("error"))), TypeError);
    assert.equal((await tokens.fetch(.../** @type {[any]} */ (make("follow")))).status, 200);
  }
});

test("an abort ends a chain of redirects", async (t) => {
  const controller = new AbortController();
  const api = await apiFor(t, ({ url }, response) => {
    if (url === "/b") controller.abort(new RangeError("own"));
    redirect(response, 302, url === "/a" ? "/b" : "/c");
  });
  const { tokens } = countedFor(t, api.endpoint);

  await assert.rejects(tokens.fetch(`${api.origin}/a`, { signal: controller.signal }), RangeError);
  assert.ok(api.received.length <= 2);
});

describe("a newer token in a header is adopted", () => {
  const sliding = { sliding: { header: "x-new", sameSession: true } };
  const withNewToken =
    (/** @type {string} */ token) => (/** @type {any} */ _, /** @type {ServerResponse} */ response) =>
      json(response, 200, "{}", { "x-new": token });

  test("from the endpoint's origin, also after a redirect within it", async (t) => {
    const api = await apiFor(t, ({ url }, response) => {
      if (url === "/a") redirect(response, 302, "/b");
      else json(response, 200, "{}", { "x-new": "newer" });
    });
    const { tokens } = countedFor(t, api.endpoint, {}, sliding);

    await tokens.fetch(`${api.origin}/a`);

    assert.equal(await tokens.getToken(), "newer");
  });

  test("but not from another origin to which the token may be sent", async (t) => {
    const other = await apiFor(t, withNewToken("planted"));
    const api = await apiFor(t, ({ url }, response) => {
      if (url === "/a") redirect(response, 307, other.endpoint);
    });
    const { tokens } = countedFor(t, api.endpoint, { origins: [other.origin] }, sliding);

    const direct = await tokens.fetch(other.endpoint);
    const behind = await tokens.fetch(`${api.origin}/a`);

    assert.deepEqual(
      other.received.map(({ token }) => token),
      ["token-1", "token-1"],
    );
    assert.equal(await tokens.getToken(), "token-1");
    for (const response of [direct, behind]) assert.equal(tokens.adopt(response), false);
    assert.equal(await tokens.getToken(), "token-1");
  });

  test("from a response without a URL that is passed to adopt()", async (t) => {
    const { tokens } = countedFor(t, "https://api.acme.test/graphql", {}, sliding);
    await tokens.getToken();

    assert.equal(tokens.adopt(new Response("{}", { headers: { "x-new": "newer" } })), true);
    assert.equal(await tokens.getToken(), "newer");
  });
});
