// The hints of messages fit the place: CORS is for browsers, a system's code for others, and a firewall's page rejects no
// credentials. The full text of messages is in js-tests/messages.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { apiFor, countedFor } from "../requests/support.js";
import { managerFor, unreachable } from "../support/setup.js";
import { failure } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

const ONCE = { retry: { attempts: 1 } };

/** @type {Record<string, (endpoint: string) => Record<string, any>>} */
const GRANTS = {
  toggle: (endpoint) => ({ provider: "toggle", endpoint, username: "me", password: "planted-secret" }),
  broker: (url) => ({ provider: "broker", url, endpoint: "https://api.acme.test/graphql" }),
};

/** Makes this process look like a page's worker until the end of the test. @param {TestContext} t */
function inBrowser(t) {
  Object.defineProperty(globalThis, "location", {
    value: { origin: "https://app.acme.test" },
    configurable: true,
  });
  t.after(() => Reflect.deleteProperty(globalThis, "location"));
}

/** As browsers do for each failure, CORS included. */
const failsLikeABrowser = async () => {
  throw new TypeError("Failed to fetch");
};

describe("where nothing listens, the message has the system's code and no CORS", () => {
  for (const [name, options] of Object.entries(GRANTS)) {
    test(`for a grant of ${name}`, async (t) => {
      const tokens = managerFor(t, { ...options(await unreachable()), ...ONCE });

      const error = await failure(tokens.getToken());

      assert.equal(error.code, "network");
      assert.match(error.message, /ECONNREFUSED/);
      assert.doesNotMatch(error.message, /CORS|allowedOrigins/);
    });
  }

  test("for a request", async (t) => {
    const { tokens } = countedFor(t, await unreachable());

    const error = await failure(tokens.request("{ ok }"));

    assert.equal(error.code, "network");
    assert.match(error.message, /ECONNREFUSED/);
    assert.doesNotMatch(error.message, /CORS/);
  });
});

describe("where a browser tells no reason, the message names CORS", () => {
  test("and for a grant the endpoint", async (t) => {
    inBrowser(t);
    const tokens = managerFor(t, {
      ...GRANTS.toggle?.("https://api.acme.test/graphql"),
      ...ONCE,
      fetch: failsLikeABrowser,
    });

    const { code, message } = await failure(tokens.getToken());

    assert.equal(code, "network");
    for (const word of ["https://app.acme.test", "CORS", "`endpoint`"])
      assert.ok(message.includes(word), message);
  });

  test("and for a broker its `allowedOrigins`", async (t) => {
    inBrowser(t);
    const tokens = managerFor(t, {
      ...GRANTS.broker?.("https://id.acme.test/token"),
      ...ONCE,
      fetch: failsLikeABrowser,
    });

    const { code, message } = await failure(tokens.getToken());

    assert.equal(code, "network");
    for (const word of ["https://app.acme.test", "`allowedOrigins`", "`url`"])
      assert.ok(message.includes(word), message);
  });

  test("and for a request", async (t) => {
    inBrowser(t);
    const { tokens } = countedFor(t, "https://api.acme.test/graphql", { fetch: failsLikeABrowser });

    assert.match((await failure(tokens.request("{ ok }"))).message, /CORS/);
  });
});

test("outside of browsers, a failure without a code names no CORS", async (t) => {
  const { tokens } = countedFor(t, "https://api.acme.test/graphql", { fetch: failsLikeABrowser });

  assert.doesNotMatch((await failure(tokens.request("{ ok }"))).message, /CORS/);
});

describe("a firewall's page rejects no credentials", () => {
  for (const [status, code] of /** @type {const} */ ([
    [403, "protocol"],
    [429, "rate_limited"],
    [503, "server"],
  ])) {
    const answer = async (/** @type {TestContext} */ t) =>
      apiFor(t, (_, response) => {
        response.writeHead(status, { "content-type": "text/html" }).end("<html>Access denied</html>");
      });
    for (const [name, options] of Object.entries(GRANTS)) {
      test(`with status ${status} in place of a grant of ${name}`, async (t) => {
        const { endpoint } = await answer(t);
        const tokens = managerFor(t, { ...options(endpoint), ...ONCE });

        const error = await failure(tokens.getToken());

        assert.equal(error.code, code);
        assert.equal(error.status, status);
        assert.equal(error.retryable, true);
      });
    }

    test(`with status ${status} in place of a response`, async (t) => {
      const { endpoint } = await answer(t);
      const { tokens, counts } = countedFor(t, endpoint);

      const error = await failure(tokens.request("{ ok }"));

      assert.equal(error.code, code);
      assert.equal(counts.grants, 1);
    });
  }
});
