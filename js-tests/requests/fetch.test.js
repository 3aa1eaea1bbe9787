// tokens.fetch as a drop-in `fetch`: all forms of a request, origins, redirects, and the unmodified response.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";

import { failure } from "../support/waiting.js";
import { POST, apiFor, countedFor } from "./support.js";

describe("a request", () => {
  test("accepts a string, a URL, a Request, or a Request as init", async (t) => {
    const { received, endpoint } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);
    const request = () => new Request(endpoint, { ...POST, headers: { "x-own": "1" } });

    for (const parts of /** @type {[any, any?][]} */ ([
      [endpoint, POST],
      [new URL(endpoint), POST],
      [request()],
      [request(), {}],
      [request(), { headers: { "x-own": "2" } }],
      [endpoint, request()],
      [endpoint],
    ])) {
      const response = await tokens.fetch(...parts);
      assert.deepEqual(await response.json(), { data: { ok: true } });
    }

    const seen = received.map(({ method, headers, body, token }) => [
      method,
      headers["x-own"],
      `${body}`,
      token,
    ]);
    assert.deepEqual(seen, [
      ["POST", undefined, POST.body, "token-1"],
      ["POST", undefined, POST.body, "token-1"],
      ["POST", "1", POST.body, "token-1"],
      ["POST", "1", POST.body, "token-1"],
      ["POST", "2", POST.body, "token-1"],
      ["POST", "1", POST.body, "token-1"],
      ["GET", undefined, "", "token-1"],
    ]);
  });

  test("keeps its headers in each form, and does not change the caller's objects", async (t) => {
    const { received, endpoint } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);
    const plain = { "x-own": "1" };
    const bare = Object.assign(Object.create(null), plain);
    const headers = new Headers(plain);
    const pairs = [["x-own", "1"]];
    const map = new Map([["x-own", "1"]]);

    for (const form of [plain, bare, headers, pairs, map]) {
      await (await tokens.fetch(endpoint, { headers: /** @type {any} */ (form) })).text();
    }

    for (const { headers, token } of received) assert.deepEqual([headers["x-own"], token], ["1", "token-1"]);
    assert.equal(received.length, 5);
    assert.deepEqual(
      [plain, { ...bare }, [...headers], pairs, [...map]],
      [{ "x-own": "1" }, { "x-own": "1" }, [["x-own", "1"]], [["x-own", "1"]], [["x-own", "1"]]],
    );
  });

  test("with an Authorization of its own is sent unchanged, to any origin, and once", async (t) => {
    const { received, endpoint } = await apiFor(t);
    const other = await apiFor(t);
    const { tokens, counts } = countedFor(t, endpoint);
    const own = "Basic b3du";

    for (const parts of /** @type {[any, any?][]} */ ([
      [endpoint, { headers: { Authorization: own } }],
      [endpoint, { headers: new Headers({ authorization: own }) }],
      [endpoint, { headers: [["AUTHORIZATION", own]] }],
      [new Request(endpoint, { headers: { authorization: own } })],
      [other.endpoint, { headers: { authorization: own } }],
      [endpoint, { headers: { authorization: "" } }],
    ])) {
      assert.equal((await tokens.fetch(...parts)).status, 401);
    }

    assert.deepEqual(
      [...received, ...other.received].map(({ headers }) => headers.authorization),
      [own, own, own, own, "", own],
    );
    assert.equal(counts.grants, 0);
  });

  test("with an empty Authorization is sent with the token", async (t) => {
    const { received, endpoint } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);

    await tokens.fetch(endpoint, { headers: /** @type {any} */ ({ Authorization: undefined }) });

    assert.equal(received[0]?.token, "token-1");
  });

  test("goes through the option `fetch` with all other members of init", async (t) => {
    const { endpoint } = await apiFor(t);
    /** @type {any[]} */
    const seen = [];
    const { tokens } = countedFor(t, endpoint, {
      fetch: (/** @type {any} */ input, /** @type {any} */ init) => {
        seen.push(init);
        return fetch(input, init);
      },
    });
    const next = { revalidate: 60 };

    await tokens.fetch(endpoint, /** @type {any} */ ({ ...POST, next, cache: "no-store" }));

    assert.equal(seen[0].next, next);
    assert.equal(seen[0].cache, "no-store");
    assert.equal(seen[0].headers.authorization, "Bearer token-1");
  });

  test("can be sent by a detached `fetch`, which is bound and keeps the manager alive", async (t) => {
    const { endpoint } = await apiFor(t);
    const { fetch: handedOn } = countedFor(t, endpoint).tokens;

    assert.equal((await handedOn(endpoint)).status, 200);
  });

  test("that `fetch` rejects as invalid rejects with the same error", async (t) => {
    const { endpoint } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);

    await assert.rejects(tokens.fetch(endpoint, { headers: { "bad name": "1" } }), TypeError);
    await assert.rejects(tokens.fetch(endpoint, { method: "GET", body: "x" }), TypeError);
  });

  test("after close is rejected, also with an Authorization of its own", async (t) => {
    const { endpoint, received } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);
    await tokens.getToken();
    await tokens.close();

    assert.equal((await failure(tokens.fetch(endpoint))).code, "closed");
    assert.equal((await failure(tokens.fetch(endpoint, { headers: { authorization: "x" } }))).code, "closed");
    assert.equal(received.length, 0);
  });
});

describe("an origin", () => {
  test("that is not listed receives no token, and the error names the option and the origin", async (t) => {
    const { endpoint, origin } = await apiFor(t);
    const other = await apiFor(t);
    const { tokens, counts } = countedFor(t, endpoint);

    for (const input of [
      `${other.origin}/x?secret=1`,
      new URL(other.endpoint),
      new Request(other.endpoint),
    ]) {
      const error = await failure(tokens.fetch(input));

      assert.equal(error.code, "invalid_options");
      assert.ok(error.message.includes("`origins`"));
      assert.ok(error.message.includes(origin) && error.message.includes(other.origin));
      assert.ok(!error.message.includes("secret"));
    }
    assert.deepEqual([other.received.length, counts.grants], [0, 0]);
  });

  test("that is listed receives the token, at any path", async (t) => {
    const { endpoint, origin, received } = await apiFor(t);
    const other = await apiFor(t);
    const { tokens } = countedFor(t, endpoint, { origins: [other.endpoint] });

    await tokens.fetch(`${other.origin}/files/1`);
    await tokens.fetch(`${origin}/other`);

    assert.deepEqual(
      [...other.received, ...received].map(({ url, token }) => [url, token]),
      [
        ["/files/1", "token-1"],
        ["/other", "token-1"],
      ],
    );
  });

  test("that resembles the endpoint's receives no token", async (t) => {
    const { tokens } = countedFor(t, "https://api.acme.test/graphql");

    for (const url of [
      "https://api.acme.test.evil.test/graphql",
      "https://api.acme.test@evil.test/",
      "http://api.acme.test/graphql",
      "https://api.acme.test:8443/",
      "data:text/plain,x",
      "blob:https://api.acme.test/3f6e1e5e",
      "wss://api.acme.test/graphql",
    ]) {
      assert.equal((await failure(tokens.fetch(url))).code, "invalid_options", url);
    }
  });

  test("in a URL with a user name or a password receives no token, and no message repeats these", async (t) => {
    const { endpoint, origin, received } = await apiFor(t);
    const { tokens, counts } = countedFor(t, endpoint);
    const address = (/** @type {string} */ user) => endpoint.replace("://", `://${user}@`);

    for (const url of [address("name:planted"), new URL(address("planted")), address(":planted")]) {
      const error = await failure(tokens.fetch(url));

      assert.equal(error.code, "invalid_options");
      assert.ok(!inspect(error).includes("planted"), inspect(error));
    }
    assert.deepEqual([received.length, counts.grants], [0, 0]);
    // An `@` elsewhere is part of the path.
    assert.equal((await tokens.fetch(`${origin}/@scope/name?to=a@b`)).status, 200);
  });

  test("is not inferred from a relative URL", async (t) => {
    const { endpoint } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);

    assert.equal((await failure(tokens.fetch("/graphql"))).code, "invalid_options");
  });
});

describe("the response", () => {
  test("is the one that `fetch` returned, with its body unread", async (t) => {
    const { endpoint } = await apiFor(t);
    /** @type {Response | undefined} */
    let given;
    const { tokens } = countedFor(t, endpoint, {
      fetch: async (/** @type {any} */ input, /** @type {any} */ init) => (given = await fetch(input, init)),
    });

    const response = await tokens.fetch(endpoint, POST);

    assert.equal(response, given);
    assert.ok(response instanceof Response);
    assert.deepEqual([response.url, response.type, response.redirected], [endpoint, "basic", false]);
    assert.equal(response.bodyUsed, false);
    const copy = response.clone();
    assert.deepEqual([copy.url, copy.type], [endpoint, "basic"]);
    assert.deepEqual(await copy.json(), await response.json());
  });
});
