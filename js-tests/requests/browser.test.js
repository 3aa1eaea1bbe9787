// Pages: the browser's `fetch` with a token, and headers that a page may not read.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";

import { listening } from "../support/server.js";
import { APIS } from "../faults/providers.js";
import { pageFor } from "../faults/page.js";
import { sandboxFor } from "../support/setup.js";

/** @import { IncomingMessage, ServerResponse } from "node:http" */

/**
 * Starts an API with CORS for any origin. It rejects only the first token.
 * @param {import("node:test").TestContext} t
 * @param {(request: IncomingMessage, response: ServerResponse) => unknown} [respond]
 */
async function openApi(t, respond) {
  /** @type {{ url: string, authorization: string | undefined, body: string }[]} */
  const asked = [];
  const server = createServer(async (request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    if (request.method === "OPTIONS") {
      response.setHeader("access-control-allow-headers", "authorization, content-type, x-own");
      return response.writeHead(204).end();
    }
    const parts = [];
    for await (const part of request) parts.push(part);
    const { authorization } = request.headers;
    asked.push({ url: request.url ?? "", authorization, body: `${Buffer.concat(parts)}` });
    await respond?.(request, response);
    if (response.writableEnded) return;
    response.setHeader("content-type", "application/json");
    const rejection = { errors: [{ message: "Unauthorized" }] };
    response.end(JSON.stringify(authorization === "Bearer token-1" ? rejection : { data: { ok: true } }));
  });
  return { asked, origin: await listening(t, server) };
}

/** Source for the page: a manager with numbered tokens. */
const MAKE = `
  window.counted = (origin, lifetimeMs = 3600000, sliding) => {
    let grants = 0;
    const grant = () => ({ accessToken: "token-" + ++grants, expiresInMs: lifetimeMs });
    const provider = { name: "acme", endpoint: origin + "/graphql", grant, sliding,
      refused: { statuses: [401], messages: ["Unauthorized"] } };
    return window.make({ provider, refresh: "on-demand" });
  };
`;

describe("in a page", { concurrency: true }, () => {
  test("requests and fetches work across a revocation, for each provider", async (t) => {
    const sandbox = await sandboxFor(t);
    for (const name of /** @type {const} */ (["fluz", "toggle"])) {
      const page = await pageFor(t);
      const given = /** @type {any} */ ({ ...APIS[name].options(sandbox), query: APIS[name].query });
      await page.evaluate(({ query, ...options }) => {
        const tokens = /** @type {any} */ (window).make(options);
        return tokens.request(query);
      }, given);
      sandbox.revoke();

      const got = await page.evaluate(async ({ query, endpoint }) => {
        const { tokens } = /** @type {any} */ (window);
        const init = {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ query }),
        };
        const response = await tokens.fetch(endpoint, init);
        return {
          type: response.type,
          url: response.url,
          body: await response.json(),
          data: await tokens.request(query),
        };
      }, given);

      assert.deepEqual([got.type, got.url, got.body.errors], ["cors", sandbox[name].endpoint, undefined]);
      assert.deepEqual(got.data, got.body.data);
    }
  });

  test("bodies of every kind are replayed", async (t) => {
    const { asked, origin } = await openApi(t);
    const page = await pageFor(t, MAKE);

    const statuses = await page.evaluate(async (origin) => {
      const bytes = new TextEncoder().encode("12");
      const form = new FormData();
      form.append("a", new Blob(["12"]));
      const bodies = ["12", bytes, bytes.buffer, new Blob([bytes]), new URLSearchParams("a=12"), form];
      const found = [];
      for (const body of bodies) {
        for (const make of [
          () => [`${origin}/graphql`, { method: "POST", body }],
          () => [new Request(`${origin}/graphql`, { method: "POST", body })],
        ]) {
          const tokens = /** @type {any} */ (window).counted(origin);
          const response = await tokens.fetch(...make());
          found.push((await response.json()).data?.ok);
        }
      }
      return found;
    }, origin);

    assert.deepEqual(statuses, Array(12).fill(true));
    assert.equal(asked.length, 24);
    for (let place = 0; place < 24; place += 2) {
      const [first, second] = asked
        .slice(place, place + 2)
        .map(({ body }) => body.replaceAll(/-+WebKit\w+/g, "…"));
      assert.equal(second, first);
      assert.match(`${first}`, /12/);
    }
  });

  test("a redirect to another origin does not carry the token", async (t) => {
    const other = await openApi(t);
    const { origin, asked } = await openApi(t, (_, response) => {
      response.writeHead(307, { location: `${other.origin}/graphql` }).end();
    });
    const page = await pageFor(t, MAKE);

    await page.evaluate(async (origin) => {
      await /** @type {any} */ (window)
        .counted(origin)
        .fetch(`${origin}/graphql`, { method: "POST", body: "x" });
    }, origin);

    assert.deepEqual(
      asked.map(({ authorization }) => authorization),
      ["Bearer token-1"],
    );
    assert.deepEqual(
      other.asked.map(({ authorization }) => authorization),
      [undefined],
    );
  });

  test("a URL without an origin is resolved against the page", async (t) => {
    const { origin } = await openApi(t);
    const page = await pageFor(t, MAKE);

    const message = await page.evaluate(async (origin) => {
      const tokens = /** @type {any} */ (window).counted(origin);
      return tokens.fetch("/index.html").catch((/** @type {any} */ { message }) => message);
    }, origin);

    assert.ok(message.includes(new URL(page.url()).origin), message);
  });

  test("a token header that is not exposed causes one warning, and only if a newer token is due", async (t) => {
    const { origin } = await openApi(t, (_, response) => void response.setHeader("x-new", "newer"));
    const page = await pageFor(t, MAKE);

    const [early, late] = await page.evaluate(async (origin) => {
      /** @type {string[][]} */
      const found = [];
      const clocks = [Date.now.bind(Date), performance.now.bind(performance)];
      for (const ahead of [0, 35_000]) {
        const tokens = /** @type {any} */ (window).counted(origin, 60_000, {
          header: "x-new",
          sameSession: true,
        });
        /** @type {string[]} */
        const messages = [];
        tokens.on("warning", (/** @type {any} */ { code, message }) => messages.push(`${code}: ${message}`));
        await tokens.refresh();
        await tokens.refresh();
        [Date.now, performance.now] = clocks.map((clock) => () => clock() + ahead);
        for (let call = 0; call < 3; call++) await tokens.fetch(`${origin}/graphql`);
        [Date.now, performance.now] = clocks;
        found.push(messages);
      }
      return found;
    }, origin);

    assert.deepEqual(early, []);
    assert.equal(late.length, 1);
    assert.ok(late[0]?.startsWith("header_not_exposed") && late[0].includes("x-new"), late[0]);
  });

  test("a newer token in an exposed header is adopted", async (t) => {
    const { origin } = await openApi(t, (_, response) => {
      response.setHeader("x-new", "newer");
      response.setHeader("access-control-expose-headers", "x-new");
    });
    const page = await pageFor(t, MAKE);

    const token = await page.evaluate(async (origin) => {
      const tokens = /** @type {any} */ (window).counted(origin, 60_000, {
        header: "x-new",
        sameSession: true,
      });
      await tokens.refresh();
      await tokens.refresh();
      await tokens.fetch(`${origin}/graphql`);
      return tokens.getToken();
    }, origin);

    assert.equal(token, "newer");
  });
});
