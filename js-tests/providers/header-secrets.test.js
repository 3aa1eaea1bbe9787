// Headers with values that functions return: in grants, in revocations and in requests.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { apiFor } from "../requests/support.js";
import { managerFor } from "../support/setup.js";
import { SharedMap } from "../support/shared-map.js";
import { assertHoldsNone } from "../support/secrets.js";
import { failure } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

const KEY = "planted-gateway-key";
const CSRF = "planted-csrf-1";

/**
 * Starts an API and creates its manager. `answer` replaces the response to an operation of the program.
 *
 * @param {TestContext} t
 * @param {any} options
 * @param {{ provider?: any, answer?: (headers: any) => any }} [more]
 */
async function gateway(t, options, { provider, answer } = {}) {
  /** @type {[operation: string, key: unknown, csrf: unknown][]} */
  const seen = [];
  const api = await apiFor(t, (request, response) => {
    const { query } = JSON.parse(request.body.toString());
    const operation = /login|logout|offers/.exec(query)?.[0] ?? "";
    seen.push([operation, request.headers["x-api-key"], request.headers["x-csrf"]]);
    const data = { login: { token: `token-${seen.length}` }, logout: true, offers: [] };
    const body = operation === "offers" && answer ? answer(request.headers) : { data };
    response.setHeader("content-type", "application/json").end(JSON.stringify(body));
  });
  const tokens = managerFor(t, {
    provider: {
      name: "acme",
      endpoint: api.endpoint,
      authenticate: {
        document: "mutation ($user: ID!) { login(user: $user) { token } }",
        variables: { user: "a" },
      },
      revoke: { document: "mutation { logout }", authorization: { bearer: "$accessToken" } },
      token: { data: "login.token" },
      expiry: { lifetimeMs: 3_600_000 },
      ...provider,
    },
    retry: { attempts: 1 },
    ...options,
  });
  return { tokens, seen };
}

describe("a secret header", () => {
  test("of the manager and of the description is sent with grants, requests and revocations", async (t) => {
    let count = 0;
    const { tokens, seen } = await gateway(
      t,
      { headers: { "X-CSRF": async () => `planted-csrf-${++count}` } },
      { provider: { headers: { "x-api-key": () => KEY, "x-csrf": "replaced" } } },
    );

    await tokens.request("{ offers { id } }");
    await tokens.request("{ offers { id } }");
    await tokens.revoke();

    assert.deepEqual(
      seen.map(([operation, key]) => [operation, key]),
      [
        ["login", KEY],
        ["offers", KEY],
        ["offers", KEY],
        ["logout", KEY],
      ],
    );
    // Called for each of them.
    assert.deepEqual(
      seen.map(([, , csrf]) => csrf).sort(),
      [1, 2, 3, 4].map((each) => `planted-csrf-${each}`),
    );
  });

  test("receives the selector of the session in both", async (t) => {
    /** @type {Record<string, string>} */
    const keys = { a: "planted-key-a", b: "planted-key-b" };
    const key = (/** @type {any} */ { session }) => keys[session.user ?? "a"];
    const { tokens, seen } = await gateway(t, { headers: { "x-api-key": key } });

    await tokens.request("{ offers { id } }");
    await tokens.session({ user: "b" }).request("{ offers { id } }");

    assert.deepEqual(
      seen.map(([, sent]) => sent),
      [keys["a"], keys["a"], keys["b"], keys["b"]],
    );
  });

  test("of a built-in provider is called without arguments", async (t) => {
    /** @type {unknown[][]} */
    const calls = [];
    const tokens = managerFor(t, {
      provider: "toggle",
      username: "a",
      password: "planted-password",
      headers: {
        "x-api-key": (/** @type {unknown[]} */ ...args) => {
          calls.push(args);
          return KEY;
        },
      },
      fetch: async (/** @type {unknown} */ _, /** @type {any} */ init) => {
        const headers = new Headers(init.headers);
        assert.equal(headers.get("x-api-key"), KEY);
        return Response.json({ data: { offers: [] } }, { headers: { "x-authorization": "a.b.c" } });
      },
    });

    await tokens.getToken().catch(() => undefined);

    assert.ok(calls.length > 0 && calls.every((args) => args.length === 0));
  });

  for (const [what, value] of /** @type {[string, any][]} */ ([
    ["throws", () => Promise.reject(new Error(KEY))],
    ["returns a line break", () => `${KEY}\r\nHost: evil.test`],
    ["returns other characters than ASCII", () => `${KEY}ä`],
    ["returns an empty string", () => " "],
    ["returns no string", () => ({ key: KEY })],
  ])) {
    test(`is \`credentials_unavailable\` for a grant and for a request if its function ${what}`, async (t) => {
      let isGood = false;
      const { tokens, seen } = await gateway(t, { headers: { "x-api-key": () => (isGood ? KEY : value()) } });

      const ofGrant = await failure(tokens.getToken());
      isGood = true;
      await tokens.refresh();
      isGood = false;
      const ofRequest = await failure(tokens.request("{ offers { id } }"));

      assert.deepEqual(
        [ofGrant.code, ofRequest.code],
        ["credentials_unavailable", "credentials_unavailable"],
      );
      assertHoldsNone([ofGrant, ofRequest], [KEY]);
      assert.equal(seen.length, 1);
    });
  }

  test("ends the wait of a request whose signal is aborted", async (t) => {
    /** @type {() => void} */
    let called = () => {};
    const waits = new Promise((/** @type {(value: void) => void} */ resolve) => (called = resolve));
    let isGood = true;
    const key = () => (isGood ? KEY : (called(), new Promise(() => {})));
    const { tokens } = await gateway(t, { headers: { "x-api-key": key } });
    await tokens.getToken();
    isGood = false;

    const { signal, abort } = abortable();
    const request = tokens.request("{ offers { id } }", undefined, { signal });
    await waits;
    abort(new Error("the caller left"));

    await assert.rejects(request, /the caller left/);
  });

  test("is not quoted by errors of a request", async (t) => {
    const { tokens } = await gateway(
      t,
      { headers: { "x-csrf": () => CSRF, "x-api-key": () => "k7" } },
      {
        answer: (headers) => ({
          errors: [{ message: `${headers["x-csrf"]} is not valid` }, { message: "not with k7 as the key" }],
        }),
      },
    );

    const error = await tokens.request("{ offers { id } }").catch((reason) => reason);

    assertHoldsNone([error.message, error.stack, error.providerErrors], [CSRF, "with k7"]);
  });

  test("is not quoted by errors of a grant", async (t) => {
    const tokens = managerFor(t, {
      provider: "toggle",
      username: "a",
      password: "planted-password",
      headers: { "x-csrf": () => CSRF },
      fetch: async (/** @type {unknown} */ _, /** @type {any} */ init) =>
        Response.json({ errors: [{ message: `bad ${init.headers["x-csrf"]}` }] }, { status: 401 }),
    });

    assertHoldsNone(await failure(tokens.getToken()), [CSRF]);
  });

  test("tells the entries of a store apart", async (t) => {
    const store = new SharedMap();
    /** @type {number[]} */
    const counts = [];
    for (const key of [KEY, KEY, `${KEY}-2`]) {
      const { tokens } = await gateway(t, {
        endpoint: "https://acme.test/graphql",
        store,
        headers: { "x-api-key": () => key },
        fetch: async () => Response.json({ data: { login: { token: "planted-token" } } }),
      });
      await tokens.getToken();
      await tokens.close();
      counts.push(store.entries.size);
    }

    assert.deepEqual(counts, [1, 1, 2]);
    assertHoldsNone([...store.entries.keys()], [KEY]);
  });
});

/** A signal that is aborted by a function. */
function abortable() {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: (/** @type {unknown} */ reason) => controller.abort(reason),
  };
}
