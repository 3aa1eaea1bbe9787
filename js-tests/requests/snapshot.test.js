// A request is read once, when `tokens.fetch` is called, so that the request sent is the one that was checked.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Gate, failure } from "../support/waiting.js";
import { POST, apiFor, countedFor } from "./support.js";

/** @import { TestContext } from "node:test" */

/** Starts an API, another server that must never receive the token, and a manager. @param {TestContext} t */
async function placesFor(t) {
  const api = await apiFor(t);
  const other = await apiFor(t);
  return { api, other, ...countedFor(t, api.endpoint) };
}

describe("a URL that changes after the call has no effect", () => {
  /** @type {[when: string, prepare: (places: Awaited<ReturnType<typeof placesFor>>) => unknown][]} */
  const moments = [
    ["while the core starts and the first token is granted", () => undefined],
    ["while a token is cached", ({ tokens }) => tokens.getToken()],
    ["before the replay", ({ api }) => api.rejectedTokens.add("token-1")],
  ];
  for (const [when, prepare] of moments) {
    test(`for a URL object, ${when}`, async (t) => {
      const places = await placesFor(t);
      const { api, other, tokens } = places;
      await prepare(places);
      const url = new URL(api.endpoint);

      const answer = tokens.fetch(url, POST);
      url.href = other.endpoint;

      assert.equal((await answer).status, 200);
      assert.equal(other.received.length, 0);
      assert.deepEqual([...new Set(api.received.map(({ url }) => url))], ["/graphql"]);
    });
  }

  /** @type {[name: string, make: (good: string, bad: string) => any][]} */
  const changing = [
    [
      "an object whose toString() result changes",
      (good, bad) => {
        let count = 0;
        return { toString: () => (count++ === 0 ? good : bad) };
      },
    ],
    [
      "a subclass of URL",
      (good, bad) =>
        new (class extends URL {
          #count = 0;
          toString() {
            return this.#count++ === 0 ? super.toString() : bad;
          }
          get href() {
            return bad;
          }
        })(good),
    ],
    [
      "an object that looks like a Request",
      (good, bad) => {
        const own = { url: good, method: "GET", headers: {}, toString: () => bad };
        return { ...own, clone: () => ({ ...own, url: bad }) };
      },
    ],
    [
      "a proxy that looks like a Request",
      (good, bad) => {
        let count = 0;
        const get = (/** @type {any} */ _, /** @type {unknown} */ name) => {
          if (name === "url") return count++ === 0 ? good : bad;
          return name === "method" ? "GET" : undefined;
        };
        return new Proxy({}, { get });
      },
    ],
  ];
  for (const [name, make] of changing) {
    test(`for ${name}`, async (t) => {
      const { api, other, tokens } = await placesFor(t);
      api.rejectedTokens.add("token-1");

      await tokens.fetch(make(api.endpoint, other.endpoint));

      assert.deepEqual([api.received.length, other.received.length], [2, 0]);
    });
  }
});

describe("a Request is read as `fetch` reads it", () => {
  /** @type {[name: string, make: (shown: string, real: string) => Request][]} */
  const disguised = [
    [
      "an own `url`",
      (shown, real) => Object.defineProperty(new Request(real, POST), "url", { value: shown }),
    ],
    [
      "a subclass with another `url`",
      (shown, real) =>
        new (class extends Request {
          get url() {
            return shown;
          }
          get headers() {
            return new Headers({ authorization: "own" });
          }
          clone() {
            return new Request(shown);
          }
        })(real, POST),
    ],
  ];
  for (const [name, make] of disguised) {
    test(`${name} does not redirect the token`, async (t) => {
      const { api, other, tokens } = await placesFor(t);

      assert.equal((await failure(tokens.fetch(make(api.endpoint, other.endpoint)))).code, "invalid_options");
      assert.equal((await tokens.fetch(make(other.endpoint, api.endpoint))).status, 200);

      assert.deepEqual([api.received.length, other.received.length], [1, 0]);
      assert.deepEqual([api.received[0]?.method, `${api.received[0]?.body}`], ["POST", POST.body]);
    });
  }

  test("and its headers are those at the time of the call", async (t) => {
    const { api, tokens } = await placesFor(t);
    api.rejectedTokens.add("token-1");
    const request = new Request(api.endpoint, { ...POST, headers: { "x-own": "1" } });

    const answer = tokens.fetch(request);
    request.headers.set("x-own", "2");
    request.headers.set("authorization", "later");
    await answer;

    assert.deepEqual(
      api.received.map(({ token, headers }) => [token, headers["x-own"]]),
      [
        ["token-1", "1"],
        ["token-2", "1"],
      ],
    );
  });

  test("and is not modified", async (t) => {
    const { api, tokens } = await placesFor(t);
    const request = new Request(api.endpoint);

    await tokens.fetch(request);

    assert.equal(request.headers.has("authorization"), false);
  });

  test("and is rejected if its body was used, as by `fetch`", async (t) => {
    const { api, tokens } = await placesFor(t);
    const request = new Request(api.endpoint, POST);
    await request.text();

    await assert.rejects(tokens.fetch(request), TypeError);
    assert.equal(api.received.length, 0);
  });
});

describe("the members of init are read once:", () => {
  test("each member, including inherited ones", async (t) => {
    const { api, tokens } = await placesFor(t);
    api.rejectedTokens.add("token-1");
    /** @type {string[]} */
    const read = [];
    class Init {
      get method() {
        read.push("method");
        return read.length > 3 ? "DELETE" : "POST";
      }
      get headers() {
        read.push("headers");
        return { "x-own": "1" };
      }
      get body() {
        read.push("body");
        return "1";
      }
    }

    await tokens.fetch(api.endpoint, new Init());

    assert.deepEqual(read.sort(), ["body", "headers", "method"]);
    const sent = api.received.map(({ method, headers, body }) => [method, headers["x-own"], `${body}`]);
    assert.deepEqual(sent, [
      ["POST", "1", "1"],
      ["POST", "1", "1"],
    ]);
  });

  test("a header with a custom toString(), and a body with one", async (t) => {
    const { api, tokens } = await placesFor(t);
    api.rejectedTokens.add("token-1");
    let count = 0;
    const counting = /** @type {any} */ ({ toString: () => `${++count}` });

    await tokens.fetch(api.endpoint, { method: "POST", headers: { "x-own": counting }, body: counting });

    const sent = api.received.map(({ headers, body }) => [headers["x-own"], `${body}`]);
    assert.deepEqual(sent, [
      ["1", "2"],
      ["1", "2"],
    ]);
  });

  test("a body in memory shared with another thread", async (t) => {
    const { api, tokens } = await placesFor(t);
    const bytes = new Uint8Array(new SharedArrayBuffer(2)).fill(49);

    const answer = tokens.fetch(api.endpoint, { method: "POST", body: /** @type {any} */ (bytes) });
    bytes.fill(50);
    await answer;

    assert.equal(`${api.received[0]?.body}`, "11");
  });

  test("a request with an Authorization of the caller", async (t) => {
    const { api, other, tokens } = await placesFor(t);
    const url = new URL(api.endpoint);
    const headers = { authorization: "Basic b3du" };

    const answer = tokens.fetch(url, { headers });
    url.href = other.endpoint;
    headers.authorization = "changed";
    await answer;

    assert.deepEqual(
      [...api.received, ...other.received].map(({ headers }) => headers.authorization),
      ["Basic b3du"],
    );
  });
});

test("a relative URL is resolved against the base at the time of the call", async (t) => {
  const { api, other, tokens } = await placesFor(t);
  /** @type {Gate} */
  const granted = new Gate();
  const slow = countedFor(
    t,
    api.endpoint,
    {},
    { grant: () => granted.opened.then(() => ({ accessToken: "t" })) },
  );
  const page = { baseURI: `${api.origin}/app/` };
  Object.defineProperty(globalThis, "document", { value: page, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "document"));

  await tokens.fetch("first");
  const answer = slow.tokens.fetch("second");
  page.baseURI = `${other.origin}/app/`;
  granted.open();
  await answer;

  assert.deepEqual(
    api.received.map(({ url }) => url),
    ["/app/first", "/app/second"],
  );
  assert.equal((await failure(tokens.fetch("third"))).code, "invalid_options");
  assert.equal(other.received.length, 0);
});
