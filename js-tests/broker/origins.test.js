/**
 * Allowed origins: forged requests, other sites, proxies, and pages without an origin.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ORIGIN, ask, brokerFor, outcome } from "./support.js";

const OTHER = "https://other.test";

/** @param {Record<string, string | undefined>} headers @param {string} [url] */
const as = (headers, url) => ({ headers, ...(url && { url }) });

test("pages of the same origin are accepted, others are rejected", async (t) => {
  const { broker, sandbox } = await brokerFor(t);

  for (const [how, status] of /** @type {[any, number][]} */ ([
    [as({}), 200],
    [as({ "sec-fetch-site": "same-origin" }), 200],
    [as({ origin: OTHER }), 403],
    [as({ origin: "https://evil.app.test" }), 403],
    [as({ origin: `${ORIGIN}.evil.test` }), 403],
    [as({ origin: "http://app.test" }), 403],
    [as({ origin: `${ORIGIN}:8443` }), 403],
    [as({ origin: OTHER, "sec-fetch-site": "cross-site" }), 403],
    [as({ origin: "https://sub.app.test", "sec-fetch-site": "same-site" }), 403],
    // A form submitted by a page of another site, without an origin, as in old browsers.
    [as({ origin: undefined, "sec-fetch-site": "cross-site" }), 403],
    [as({ origin: undefined, "sec-fetch-site": "none" }), 403],
    // A sandboxed frame or a `data:` page.
    [as({ origin: "null" }), 403],
    [as({ origin: "null", "sec-fetch-site": "same-origin" }), 403],
    [as({ origin: "" }), 403],
    // Not a browser.
    [as({ origin: undefined }), 200],
    // Behind a proxy that terminates TLS and changes the host, in a current browser.
    [as({ origin: ORIGIN, "sec-fetch-site": "same-origin" }, "http://10.0.0.7:3000/token"), 200],
    [as({ origin: ORIGIN }, "http://10.0.0.7:3000/token"), 403],
  ])) {
    const response = await ask(broker, {}, how);

    assert.equal(response.status, status, JSON.stringify(how));
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    assert.equal(response.headers.get("vary"), "Origin");
    if (status === 403) assert.deepEqual(await outcome(response), [403, "unauthorized_client"]);
  }
  assert.equal(sandbox.requests().length, 1);
});

test("if `origin` is set, no other origin is accepted, whatever the Host header contains", async (t) => {
  const { broker } = await brokerFor(t, { origin: ORIGIN });
  const url = "http://evil.test/token";

  for (const [how, status] of /** @type {[any, number][]} */ ([
    [as({ origin: ORIGIN }, "http://10.0.0.7:3000/token"), 200],
    [as({ origin: undefined }, "http://10.0.0.7:3000/token"), 200],
    // An attacker's host name that resolves to this server (DNS rebinding): the browser treats it as the same origin.
    [as({ origin: "http://evil.test", "sec-fetch-site": "same-origin" }, url), 403],
    [as({ origin: "http://evil.test" }, url), 403],
    [as({ origin: undefined, "sec-fetch-site": "same-origin" }, url), 403],
  ])) {
    assert.equal((await ask(broker, {}, how)).status, status, JSON.stringify(how));
  }
});

test("pages of an allowed origin are accepted and can read every response", async (t) => {
  const { broker } = await brokerFor(t, {
    allowedOrigins: [OTHER],
    authorize: (request) => (request.headers.has("cookie") ? {} : null),
  });
  const cross = { origin: OTHER, "sec-fetch-site": "cross-site" };

  for (const [headers, status] of /** @type {[Record<string, string>, number][]} */ ([
    [{ ...cross, cookie: "sid=1" }, 200],
    [cross, 401],
    [{ ...cross, "content-type": "text/plain" }, 415],
  ])) {
    const response = await ask(broker, {}, { headers });

    assert.equal(response.status, status);
    assert.equal(response.headers.get("access-control-allow-origin"), OTHER);
    assert.equal(response.headers.get("access-control-allow-credentials"), "true");
    assert.equal(response.headers.get("access-control-expose-headers"), "Date, Retry-After");
    assert.equal(response.headers.get("vary"), "Origin");
  }
});

test("a preflight is permitted for allowed origins only, without a call of `authorize`", async (t) => {
  let calls = 0;
  const authorize = () => (calls++, {});
  const { broker, sandbox } = await brokerFor(t, { allowedOrigins: [OTHER], authorize });
  const headers = {
    "content-type": undefined,
    "access-control-request-method": "POST",
    "access-control-request-headers": "x-csrf",
  };

  const allowed = await ask(broker, {}, { method: "OPTIONS", headers: { ...headers, origin: OTHER } });
  const foreign = await ask(
    broker,
    {},
    { method: "OPTIONS", headers: { ...headers, origin: "https://c.test" } },
  );
  const own = await ask(broker, {}, { method: "OPTIONS", headers: { "content-type": undefined } });

  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers.get("access-control-allow-origin"), OTHER);
  assert.equal(allowed.headers.get("access-control-allow-methods"), "POST");
  assert.equal(allowed.headers.get("access-control-allow-headers"), "x-csrf");
  assert.equal(allowed.headers.get("cache-control"), "no-store");
  assert.equal(foreign.status, 403);
  assert.deepEqual(
    [...foreign.headers.keys()].filter((name) => name.startsWith("access-control")),
    [],
  );
  assert.deepEqual([own.status, own.headers.get("access-control-allow-origin")], [204, null]);
  assert.deepEqual([calls, sandbox.requests().length], [0, 0]);
});
