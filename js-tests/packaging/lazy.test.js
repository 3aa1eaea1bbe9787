// The entry `/lazy`, with the core in a file of its own: in Node, and served to pages of Chromium and Firefox.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";

import { listening } from "../broker/support.js";
import { chromiumFor, firefoxFor } from "../stores/browsers.js";
import { sandboxFor } from "../support/setup.js";

/** @import { TestContext } from "node:test" */

const file = { after: /** @type {TestContext["after"]} */ (after) };
const dist = join(
  dirname(createRequire(import.meta.url).resolve("graphql-token-manager/package.json")),
  "dist",
);
const CORE = "/lazy-core-chunk.js";
const PAGE = `<!doctype html><title>A page</title><script type="module">
  import { TokenManager } from "/lazy.js";
  window.TokenManager = TokenManager;
</script>`;

// Globals of the page. The functions that run in it are defined in this file but see these instead of Node's.
const { TokenManager, page } = /** @type {Record<string, any>} */ ({});

/**
 * Serves the package's files and a page that imports the entry. `requested` are the files in their order; of those in
 * `missing` each is answered with 503.
 * @param {TestContext} t
 */
async function siteFor(t) {
  const site = { requested: /** @type {string[]} */ ([]), missing: /** @type {Set<string>} */ (new Set()) };
  const server = createServer(async (request, response) => {
    const path = `${request.url}`;
    if (path === "/") return response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
    site.requested.push(path);
    if (!/^\/lazy[\w-]*\.js$/.test(path) || site.missing.has(path)) return response.writeHead(503).end();
    response.writeHead(200, { "content-type": "text/javascript", "cache-control": "no-store" });
    return response.end(await readFile(join(dist, path)));
  });
  return Object.assign(site, { origin: await listening(t, server) });
}

/** Returns the options for a sandbox's Fluz API. @param {import("graphql-token-manager/testing").Sandbox} sandbox */
function optionsFor({ fluz: { endpoint, apiKey, userId, accountId } }) {
  return {
    provider: "fluz",
    environment: "sandbox",
    endpoint,
    apiKey,
    userId,
    accountId,
    scopes: ["LIST_OFFERS"],
  };
}

/** Creates the page's manager. @param {Record<string, any>} options */
const create = (options) => {
  Object.assign(window, { page: () => window, tokens: new TokenManager(options) });
  return page().tokens.peek() === undefined;
};

const isReady = () => "TokenManager" in window;
const getToken = () => page().tokens.getToken();
const refresh = async () => (await page().tokens.refresh()).value;
const failure = () =>
  page()
    .tokens.getToken()
    .catch((/** @type {any} */ { code }) => code);

test("in Node, the entry is a second copy of the package with the same API", async (t) => {
  const [lazy, main] = [await import("graphql-token-manager/lazy"), await import("graphql-token-manager")];
  const sandbox = await sandboxFor(t);
  const tokens = new lazy.TokenManager(/** @type {any} */ (optionsFor(sandbox)));
  t.after(() => tokens.close());

  const first = await tokens.getToken();
  const second = await tokens.refresh();

  assert.deepEqual(Object.keys(lazy).sort(), Object.keys(main).sort());
  assert.notEqual(second.value, first);
  assert.equal(await tokens.getToken(), second.value);
  assert.equal(sandbox.counts().fluz.grants + sandbox.counts().fluz.refreshes, 2);
});

for (const [name, browserFor, importsAgain] of /** @type {const} */ ([
  ["Chromium", chromiumFor, true],
  // Keeps a failed import until the page is loaded again.
  ["Firefox", firefoxFor, false],
])) {
  describe(name, () => {
    const starting = browserFor(file);

    test("loads the core on first use, once", async (t) => {
      const [site, sandbox, browser] = [await siteFor(t), await sandboxFor(t), await starting];
      const tab = await browser.tab(`${site.origin}/`, isReady);
      t.after(() => tab.close());

      await tab.run(create, optionsFor(sandbox));
      const before = [...site.requested];
      const token = await tab.run(getToken);
      const next = [await tab.run(refresh), await tab.run(refresh)];

      assert.ok(!before.includes(CORE), `${before}`);
      assert.equal(new Set([token, ...next]).size, 3);
      assert.equal(site.requested.filter((path) => path === CORE).length, 1);
    });

    test("rejects with `network` while the core cannot be loaded, at most until the page is reloaded", async (t) => {
      const [site, sandbox, browser] = [await siteFor(t), await sandboxFor(t), await starting];
      site.missing.add(CORE);
      const tab = await browser.tab(`${site.origin}/`, isReady);
      t.after(() => tab.close());

      await tab.run(create, optionsFor(sandbox));
      const code = await tab.run(failure);
      site.missing.delete(CORE);
      const afterwards = await tab.run(failure);
      const again = await browser.tab(`${site.origin}/`, isReady);
      t.after(() => again.close());
      await again.run(create, optionsFor(sandbox));

      assert.equal(code, "network");
      assert.equal(afterwards !== "network", importsAgain);
      assert.notEqual(await again.run(failure), "network");
    });
  });
}
