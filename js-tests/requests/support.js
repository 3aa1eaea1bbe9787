/**
 * An API with responses defined by the test, and a manager with numbered tokens.
 *
 * @module
 */

import { createServer } from "node:http";

import { listening } from "../support/server.js";
import { managerFor } from "../support/setup.js";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";

/** @import { IncomingMessage, ServerResponse } from "node:http" */
/** @import { TestContext } from "node:test" */

/**
 * @typedef {object} ReceivedRequest
 * @property {string} method
 * @property {string} url
 * @property {import("node:http").IncomingHttpHeaders} headers
 * @property {Buffer} body
 * @property {string | undefined} token The token of `Authorization: Bearer`.
 */

/**
 * Responds to a request, or returns undefined for the default response.
 *
 * @typedef {(received: ReceivedRequest, response: ServerResponse, request: IncomingMessage) => unknown} Respond
 */

/**
 * Starts a server that responds with `{"data":{"ok":true}}` to accepted tokens and with 401 to others, unless `respond`
 * does.
 * @param {TestContext} t
 * @param {Respond} [respond]
 */
export async function apiFor(t, respond) {
  /** @type {ReceivedRequest[]} */
  const received = [];
  /** @type {Set<string>} */
  const rejectedTokens = new Set();
  const server = createServer({ keepAliveTimeout: TEST_TIMEOUT_MS }, async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { method = "", url = "", headers } = request;
    const token = /^Bearer (.*)$/.exec(headers.authorization ?? "")?.[1];
    const one = { method, url, headers, body: Buffer.concat(parts), token };
    received.push(one);
    await respond?.(one, response, request);
    if (response.headersSent || response.writableEnded || response.destroyed) return;
    if (token === undefined || rejectedTokens.has(token)) json(response, 401, { error: "no" });
    else json(response, 200, { data: { ok: true } });
  });
  const origin = await listening(t, server);
  return { received, rejectedTokens, origin, endpoint: `${origin}/graphql` };
}

/**
 * Creates a manager for an API, with the tokens `token-1`, `token-2` …
 * @param {TestContext} t
 * @param {string} endpoint
 * @param {Record<string, any>} [options]
 * @param {Record<string, any>} [profile]
 */
export function countedFor(t, endpoint, options, profile) {
  const counts = { grants: 0 };
  const grant = () => ({ accessToken: `token-${++counts.grants}`, expiresInMs: 3_600_000 });
  const refused = { statuses: [401], codes: ["UNAUTHENTICATED"], messages: ["Unauthorized"] };
  const provider = { name: "acme", endpoint, grant, refused, ...profile };
  const tokens = managerFor(t, { provider, retry: { baseMs: 1, maxMs: 5 }, ...options });
  return { tokens, counts };
}

/**
 * @param {ServerResponse} response
 * @param {number} status
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 */
export function json(response, status, body, headers) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
}

/** The response of a server that rejects a token inside HTTP 200. */
export const REJECTION = { errors: [{ message: "no", extensions: { code: "UNAUTHENTICATED" } }] };

/** A GraphQL request as clients send it. */
export const POST = Object.freeze({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"query":"{ ok }"}',
});
