// Shopify's expiring offline tokens: the refresh token after a lost response, and statuses with two meanings.

import assert from "node:assert/strict";
import { test } from "node:test";

import { shopifyOffline } from "graphql-token-manager/providers";

import { managerFor, QUICK } from "../support/setup.js";
import { failure } from "../support/waiting.js";

const OPTIONS = { shop: "my-store", version: "2026-10", clientId: "id", clientSecret: "s" };

/** @param {number} count */
const granted = (count) =>
  Response.json({
    access_token: `access-${count}`,
    expires_in: 3600,
    refresh_token: `refresh-${count}`,
    refresh_token_expires_in: 7_776_000,
  });

/**
 * Returns a manager whose grants and requests of data are answered by `respond`, and the refresh tokens that were presented.
 *
 * @param {import("node:test").TestContext} t
 * @param {(kind: "grant" | "data", count: number) => Response} respond
 * @param {object} [options]
 */
function managerOf(t, respond, options) {
  /** @type {string[]} */
  const presented = [];
  let requests = 0;
  const provider = shopifyOffline({ ...OPTIONS, refreshToken: "first", ...options });
  const fetch = async (/** @type {string} */ url, /** @type {RequestInit} */ { body }) => {
    if (!url.endsWith("/oauth/access_token")) return respond("data", ++requests);
    presented.push(`${new URLSearchParams(`${body}`).get("refresh_token")}`);
    return respond("grant", presented.length);
  };
  return { tokens: managerFor(t, { provider, fetch, retry: QUICK }), presented };
}

test("after a lost response, the same refresh token is presented again", async (t) => {
  const { tokens, presented } = managerOf(t, (_kind, count) => {
    // The status that stores have answered with while a token was rotated.
    return count === 2 ? new Response("", { status: 520 }) : granted(count);
  });

  await tokens.getToken();
  await tokens.refresh();

  assert.deepEqual(presented, ["first", "refresh-1", "refresh-1"]);
  assert.equal(await tokens.getToken(), "access-3");
});

test("after a rejected refresh token, the newest that the program knows is presented", async (t) => {
  let newest = "first";
  const rejected = Response.json({ error: "invalid_grant" }, { status: 400 });
  const respond = (/** @type {string} */ _kind, /** @type {number} */ count) =>
    count === 2 ? rejected : granted(count);
  const { tokens, presented } = managerOf(t, respond, { refreshToken: () => newest });

  await tokens.getToken();
  newest = "authorized-again";
  await tokens.refresh();

  assert.deepEqual(presented, ["first", "refresh-1", "authorized-again"]);
});

test("a missing permission with status 403 does not reject the token", async (t) => {
  const { tokens, presented } = managerOf(t, (kind, count) =>
    kind === "grant"
      ? granted(count)
      : Response.json({ errors: "[API] This action requires merchant approval." }, { status: 403 }),
  );

  const error = await failure(tokens.request("{ shop { name } }"));

  assert.equal(error.code, "protocol");
  assert.equal(presented.length, 1);
});
