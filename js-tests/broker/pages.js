/**
 * A site with a broker and with pages that obtain their tokens from it, in a real browser.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { createBroker, toNodeListener } from "graphql-token-manager/broker";
import { fluz, managerFor, operations, sandboxFor } from "../support/setup.js";
import { digestOf, listening } from "./support.js";

/** @import { TestContext } from "node:test" */
/** @import { BrokerOptions } from "graphql-token-manager/broker" */
/** @import { Browser } from "../stores/browsers.js" */

const folder = dirname(createRequire(import.meta.url).resolve("graphql-token-manager/package.json"));

const PAGE = `<!doctype html><title>A page</title><script type="module">
  import { TokenManager } from "/index.js";
  window.warnings = [];
  window.make = (options) => {
    const tokens = new TokenManager({ provider: "broker", url: "/token", ...options });
    tokens.on("warning", ({ code }) => window.warnings.push(code));
    return (window.tokens = tokens);
  };
  window.result = (promise) => promise.then(
    (value) => ({ value }), ({ code, status }) => ({ code, ...(status && { status }) }));
</script>`;

const IS_READY = () => "result" in window;
const OFFERS = "{ getOffers { offerId } }";

/**
 * Starts a site that sets a cookie for each visitor, and opens its page in a tab.
 * @param {TestContext} t
 * @param {Promise<Browser>} starting
 * @param {Partial<BrokerOptions>} [options]
 */
async function siteFor(t, starting, options) {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, fluz(sandbox, { renewal: "generate" }));
  const authorize = (/** @type {Request} */ { headers }) => (headers.get("cookie") === "sid=1" ? {} : null);
  const broker = createBroker(tokens, { authorize, ...options });
  /** @type {{ origin: string | null, body: string, status: number }[]} */
  const asked = [];
  const answer = toNodeListener(async (request) => {
    const body = await request.clone().text();
    const response = await broker(request);
    asked.push({ origin: request.headers.get("origin"), body, status: response.status });
    return response;
  });
  const server = createServer(async (request, response) => {
    const path = `${request.url}`;
    if (path === "/token") return answer(request, response);
    if (path === "/index.js") {
      response.writeHead(200, { "content-type": "text/javascript", "access-control-allow-origin": "*" });
      return void response.end(await readFile(join(folder, "dist/index.js")));
    }
    // Browsers also request the icon.
    if (path === "/favicon.ico") return void response.writeHead(404).end();
    const policy = path === "/sandboxed" ? { "content-security-policy": "sandbox allow-scripts" } : {};
    const cookie = path === "/stranger" ? "sid=; Max-Age=0" : "sid=1; SameSite=Lax; HttpOnly";
    response.writeHead(200, { "content-type": "text/html", "set-cookie": cookie, ...policy }).end(PAGE);
  });
  const origin = await listening(t, server);
  const browser = await starting;
  const tab = async (/** @type {string} */ url) => {
    const opened = await browser.tab(url, IS_READY);
    t.after(() => opened.close());
    return opened;
  };
  return { sandbox, tokens, asked, origin, tab };
}

// Globals of the page. The functions that run in a page are defined in this file but see these instead of Node's.
const { make, result, warnings } = /** @type {Record<string, any>} */ ({});

/** @param {Promise<Browser>} starting */
export function testPages(starting) {
  test("a page's requests succeed across a revocation, and the page has no secret", async (t) => {
    const { sandbox, asked, origin, tab: open } = await siteFor(t, starting);
    const tab = await open(origin);
    const given = { endpoint: sandbox.fluz.endpoint, query: OFFERS };
    const first = await tab.run(async ({ endpoint, query }) => {
      const tokens = make({ endpoint, api: "fluz" });
      const { getOffers } = await tokens.request(query);
      return { token: await tokens.getToken(), offers: getOffers.length, ...tokens.status() };
    }, given);
    sandbox.revoke();

    const second = await tab.run(async ({ endpoint, query }) => {
      const { tokens } = /** @type {any} */ (window);
      const headers = { "content-type": "application/json" };
      const response = await tokens.fetch(endpoint, {
        method: "POST",
        headers,
        body: JSON.stringify({ query }),
      });
      const { data } = await response.json();
      return { token: await tokens.getToken(), offers: data.getOffers.length, warnings };
    }, given);

    assert.ok(first.offers > 0 && second.offers === first.offers);
    assert.notEqual(second.token, first.token);
    assert.ok(first.expiresInMs > 580_000 && first.expiresInMs <= 600_000);
    assert.deepEqual(second.warnings, []);
    assert.deepEqual(asked, [
      { origin, body: "", status: 200 },
      { origin, body: `refused=${digestOf(first.token)}`, status: 200 },
    ]);
    const generated = operations(sandbox).filter((operation) => operation === "generateUserAccessToken");
    assert.equal(generated.length, 2);
  });

  test("a page whose visitor is not authenticated receives 401", async (t) => {
    const { sandbox, origin, tab: open } = await siteFor(t, starting);
    const tab = await open(`${origin}/stranger`);

    const failure = await tab.run((endpoint) => result(make({ endpoint }).getToken()), sandbox.fluz.endpoint);

    assert.deepEqual(failure, { code: "invalid_credentials", status: 401 });
    assert.equal(sandbox.requests().length, 0);
  });

  test("a page of another origin receives a token only if its origin is allowed", async (t) => {
    const other = await siteFor(t, starting);
    const closed = await siteFor(t, starting);
    const opened = await siteFor(t, starting, { allowedOrigins: [other.origin] });
    const tab = await other.tab(other.origin);

    const results = [];
    for (const { origin, sandbox } of [closed, opened]) {
      const options = { url: `${origin}/token`, endpoint: sandbox.fluz.endpoint, credentials: "include" };
      results.push(
        await tab.run(
          (given) =>
            result(make({ ...given, retry: { attempts: 1 }, headers: { "x-csrf": "1" } }).getToken()),
          options,
        ),
      );
    }

    assert.deepEqual(results, [{ code: "network" }, { value: await opened.tokens.getToken() }]);
    // Cookies are not isolated by port, so both sites receive the visitor's cookie; origins are.
    assert.deepEqual(
      closed.asked.map(({ status }) => status),
      [403],
    );
    assert.deepEqual(
      opened.asked.map(({ status }) => status),
      [204, 200],
    );
  });

  test("a form submission from another site, and a page with an opaque origin, are rejected", async (t) => {
    const { origin, asked, sandbox, tab: open } = await siteFor(t, starting);
    const other = await siteFor(t, starting);
    const foreign = await other.tab(other.origin);
    await foreign.run(async (target) => {
      const body = new URLSearchParams({ scope: "LIST_OFFERS" });
      await fetch(target, { method: "POST", mode: "no-cors", credentials: "include", body });
    }, `${origin}/token`);

    const sandboxed = await open(`${origin}/sandboxed`);
    const failure = await sandboxed.run(
      (given) => result(make({ ...given, retry: { attempts: 1 } }).getToken()),
      { url: `${origin}/token`, endpoint: sandbox.fluz.endpoint },
    );

    assert.deepEqual(failure, { code: "network" });
    assert.deepEqual(
      asked.map(({ origin: from, status }) => [from, status]),
      [
        [other.origin, 403],
        ["null", 403],
      ],
    );
    assert.equal(sandbox.requests().length, 0);
  });
}
