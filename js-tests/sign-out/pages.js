/**
 * Tests, for any browser, of pages from which one user signs out and another signs in.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { listening } from "../broker/support.js";
import { originFor, untilIn } from "../stores/tabs.js";

/** @import { TestContext } from "node:test" */
/** @import { Browser, Tab } from "../stores/browsers.js" */

// Globals of the tab. The functions that run in a tab are defined in this file but see these instead of Node's.
const { open, page, posted, TokenManager } = /** @type {Record<string, any>} */ ({});

/**
 * Starts a server with a broker, which issues tokens `ann-1`, `ann-2` … to the user that is signed in, and an API that
 * records the tokens of its requests.
 * @param {TestContext} t
 */
async function serverFor(t) {
  const state = { user: "ann", grants: 0, received: /** @type {string[]} */ ([]) };
  const server = createServer(async (request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "*, authorization");
    response.setHeader("content-type", "application/json");
    const send = (/** @type {number} */ status, /** @type {unknown} */ body) =>
      response.writeHead(status).end(JSON.stringify(body));
    if (request.method === "OPTIONS") return send(200, {});
    if (request.url === "/token") {
      if (state.user === "") return send(401, { error: "invalid_client" });
      const parts = [];
      for await (const part of request) parts.push(part);
      const scope = new URLSearchParams(Buffer.concat(parts).toString()).get("scope") ?? "A";
      const token = `${state.user}-${++state.grants}`;
      return send(200, { access_token: token, token_type: "Bearer", expires_in: 3_600, scope });
    }
    state.received.push(`${request.headers.authorization}`.replace("Bearer ", ""));
    return send(200, { data: { ok: true } });
  });
  return Object.assign(state, { origin: await listening(t, server) });
}

/** Starts a manager in a tab, and callers that send requests all the time. */
const start = async (/** @type {{ origin: string, kind: string | undefined }} */ { origin, kind }) => {
  const tokens = new TokenManager({
    provider: "broker",
    url: `${origin}/token`,
    endpoint: `${origin}/graphql`,
    api: { refused: { statuses: [401] } },
    retry: { attempts: 1 },
    ...(kind && { store: open(kind), identity: "page" }),
  });
  Object.assign(window, { page: () => window, tokens, cleared: 0, returned: [] });
  tokens.on("cleared", () => page().cleared++);
  const caller = async () => {
    for (;;) {
      const token = await tokens.getToken().catch((/** @type {any} */ { code }) => code);
      page().returned.push(token);
      await tokens.request("{ ok }").catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  void caller();
  return tokens.getToken();
};

/** Signs out, and returns what is cached at once, and what the next call receives. */
const clear = async () => {
  const { tokens } = page();
  const cleared = tokens.clear();
  const held = tokens.peek()?.value ?? null;
  await cleared;
  return { held, next: await tokens.getToken().catch((/** @type {any} */ { code }) => code) };
};

const HAS_NONE = () => page().tokens.peek() === undefined && page().other?.peek() === undefined;
const HAS_BOBS = () => page().tokens.peek()?.value.startsWith("bob") ?? false;

/** Returns the tokens that callers received from now on. @param {Tab} tab */
const returned = (tab) => tab.run(() => page().returned.splice(0));

/**
 * Registers the tests.
 * @param {Promise<Browser>} starting
 */
export function testSignOut(starting) {
  for (const kind of [undefined, "indexedDb", "localStorage", "sessionStorage"]) {
    const where = kind ?? "without a store";

    test(`${where}: after Ann signs out and Bob signs in on one page, Bob receives no token of Ann's`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);
      const server = await serverFor(t);
      const tab = await openTab(site.secure);
      assert.match(await tab.run(start, { origin: server.origin, kind }), /^ann/);

      server.user = "";
      const signedOut = await tab.run(clear);
      await returned(tab);
      server.received.length = 0;
      server.user = "bob";
      const { next } = await tab.run(clear);
      await untilIn(tab, () => page().returned.length > 20);

      assert.deepEqual(signedOut, { held: null, next: "invalid_credentials" });
      assert.match(next, /^bob/);
      const tokens = [...(await returned(tab)), ...server.received];
      assert.deepEqual(
        tokens.filter((/** @type {string} */ token) => token.startsWith("ann")),
        [],
      );
      assert.ok(tokens.some((/** @type {string} */ token) => token.startsWith("bob")));
    });

    test(`${where}: the other tab signs out as well`, async (t) => {
      const { site, tab: openTab } = await originFor(t, starting);
      const server = await serverFor(t);
      const tabs = [await openTab(site.secure), await openTab(site.secure)];
      const [first, second] = /** @type {[Tab, Tab]} */ (tabs);
      for (const tab of tabs) assert.match(await tab.run(start, { origin: server.origin, kind }), /^ann/);
      // The first tab has no token with these scopes, and knows no entry of one.
      const startOther = async () => {
        Object.assign(window, { other: page().tokens.session({ scopes: ["B"] }) });
        return page().other.getToken();
      };
      assert.match(await second.run(startOther), /^ann/);

      server.user = "";
      await first.run(clear);
      await untilIn(second, HAS_NONE);
      for (const tab of tabs) await returned(tab);
      server.received.length = 0;
      server.user = "bob";
      await first.run(clear);
      for (const tab of tabs) await untilIn(tab, HAS_BOBS);
      assert.match(await second.run(() => page().other.getToken()), /^bob/);
      for (const tab of tabs) await untilIn(tab, () => page().returned.length > 20);

      for (const tab of tabs) {
        const tokens = [...(await returned(tab)), ...server.received];
        assert.deepEqual(
          tokens.filter((/** @type {string} */ token) => token.startsWith("ann")),
          [],
        );
      }
      assert.ok((await second.run(() => page().cleared)) > 0);
      const messages = [...(await first.run(() => posted)), ...(await second.run(() => posted))];
      // Messages of the store contain a key.
      for (const message of messages) assert.match(message, kind ? /^("gtm1-[\w-]{43}"|null)$/ : /^null$/);
    });
  }

  test("without a store: a page restored from the back/forward cache discards its token", async (t) => {
    const { site, tab: openTab } = await originFor(t, starting);
    const server = await serverFor(t);
    const [first, second] = [await openTab(site.secure), await openTab(site.secure)];
    for (const tab of [first, second]) await tab.run(start, { origin: server.origin, kind: undefined });
    // Browsers that are driven by a test do not use the cache, so its events are dispatched here.
    const transition = (/** @type {string} */ type) => {
      dispatchEvent(new PageTransitionEvent(type, { persisted: true }));
      return page().cleared;
    };
    await second.run(transition, "pagehide");

    server.user = "bob";
    await first.run(clear);
    const before = await second.run(() => page().cleared);
    await second.run(transition, "pageshow");

    assert.equal(before, 0);
    await untilIn(second, HAS_BOBS);
    // The channel is open again.
    await first.run(clear);
    await untilIn(second, () => page().cleared > 1);
  });
}
