/**
 * Broker requests: a page receives a token only if `authorize` returned a plain selector, the origin is allowed and the
 * request is a POST; the token was granted for exactly that selector. Each response is a documented one.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenManager } from "graphql-token-manager";
import { createBroker } from "graphql-token-manager/broker";

import { oddText, text } from "../generators.js";
import { SECRET, isPrintable, isScopeToken } from "../oracles.js";

const OWN = "https://app.test";
const ALLOWED = "https://pages.test";

const member = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("alice", "bob", "a".repeat(40)) },
  { weight: 2, arbitrary: oddText },
  { weight: 1, arbitrary: fc.constantFrom(1, 0, true, null) },
);
const scopes = fc.uniqueArray(fc.constantFrom("read", "write", "admin"), { minLength: 1, maxLength: 3 });

/** The result of `authorize`: `kind` selects how it is built from the other members. */
const authorized = fc.record({
  kind: fc.constantFrom(
    ...[
      "plain",
      "plain",
      "plain",
      "null",
      "undefined",
      "false",
      "true",
      "text",
      "number",
      "array",
      "map",
      "error",
    ],
    ...[
      "response",
      "instance",
      "getters",
      "undefined member",
      "bare",
      "proxy",
      "throws",
      "rejects",
      "never JSON",
    ],
  ),
  userId: fc.option(member, { nil: undefined }),
  scopes: fc.option(scopes, { nil: undefined }),
});

const form = fc.array(
  fc.tuple(
    fc.oneof(fc.constantFrom("scope", "userId", "refused", "accountId"), oddText),
    fc.oneof(fc.constantFrom("read", "write", "read write", "admin", "alice", "bob"), text),
  ),
  { maxLength: 4 },
);

export const cases = fc.record({
  authorized,
  method: fc.oneof(
    { weight: 8, arbitrary: fc.constant("POST") },
    fc.constantFrom("GET", "PUT", "OPTIONS", "HEAD"),
  ),
  url: fc.constantFrom(
    `${OWN}/token`,
    `${OWN}/token?scope=admin`,
    `${ALLOWED}/token`,
    "http://127.0.0.1:80/token",
  ),
  origin: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(OWN, ALLOWED) },
    fc.constantFrom(
      undefined,
      "null",
      "https://evil.test",
      `${OWN}.evil.test`,
      `${OWN}:444`,
      "https://app.test/",
    ),
    fc.string({ maxLength: 20 }).map((name) => `https://${name}`),
  ),
  site: fc.constantFrom(undefined, undefined, "same-origin", "same-site", "cross-site", "none", "odd"),
  type: fc.constantFrom(
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded;charset=utf-8",
    "application/json",
    "text/plain",
    undefined,
  ),
  body: fc.oneof({ weight: 5, arbitrary: form.map((fields) => encoded(fields)) }, text),
  // Scopes of a token that a call on the server cached beforehand.
  before: fc.option(scopes, { nil: undefined }),
});

/** @param {readonly (readonly [string, string])[]} fields */
const encoded = (fields) => new URLSearchParams(fields.map(([name, value]) => [name, value])).toString();

const STATUSES = new Set([200, 204, 400, 401, 403, 404, 405, 413, 415, 429, 500, 503]);

/** @param {any} input */
export async function check({ authorized, method, url, origin, site, type, body, before }) {
  /** The identity and scopes of each granted token. @type {Map<string, { userId: unknown, scopes: string[] }>} */
  const granted = new Map();
  /** @param {{ session?: Record<string, unknown>, scopes?: readonly string[] }} asked */
  const grant = ({ session = {}, scopes: wanted = [] }) => {
    const accessToken = `tok.${granted.size}.${"x".repeat(20)}`;
    granted.set(accessToken, { userId: session.userId, scopes: [...wanted].sort() });
    return { accessToken, refreshToken: `renew.${SECRET}`, expiresInMs: 3_600_000 };
  };
  const provider = { name: "acme", endpoint: "https://api.test/graphql", grant };
  const tokens = new TokenManager({
    provider,
    scopes: ["read", "write"],
    refresh: "on-demand",
    retry: { attempts: 1 },
  });
  try {
    // Cached tokens with wider scopes from calls of the server itself, including those for the identities of pages.
    if (before) {
      await tokens.getToken({ scopes: before });
      await tokens.session({ userId: "alice" }).getToken({ scopes: before });
    }
    const broker = createBroker(tokens, {
      authorize: () => made(authorized),
      allowedOrigins: [ALLOWED],
      onError() {},
    });
    const headers = new Headers();
    for (const [name, value] of [
      ["origin", origin],
      ["sec-fetch-site", site],
      ["content-type", type],
    ]) {
      try {
        if (value !== undefined) headers.set(name, value);
      } catch {
        // `Request` rejects it, so a page cannot send it either.
      }
    }
    const hasBody = method !== "GET" && method !== "HEAD";
    const response = await broker(new Request(url, { method, headers, ...(hasBody && { body }) }));
    const answer = await response.text();
    assert.ok(STATUSES.has(response.status), `the status ${response.status}`);
    assert.ok(!answer.includes(SECRET), "a refresh token reached the page");
    assert.ok(isPrintable(answer), "a control character in the answer");
    assert.match(response.headers.get("cache-control") ?? "", /no-store/);
    const allowed = response.headers.get("access-control-allow-origin");
    assert.ok(allowed === null || allowed === headers.get("origin"), `CORS for ${allowed}`);
    assert.notEqual(allowed, "https://evil.test");
    const [token] = [...granted.keys()].filter((value) => answer.includes(value));
    if (response.status !== 200 || method === "OPTIONS")
      return assert.equal(token, undefined, "a token with an error");
    handedOut({ authorized, method, url, headers, body, token, answer: JSON.parse(answer), granted });
  } finally {
    await tokens.close();
  }
}

/** @param {any} input */
function handedOut({ authorized, method, url, headers, body, token, answer, granted }) {
  assert.equal(method, "POST");
  assert.ok(
    token !== undefined && answer.access_token === token,
    "an answer without a token that was granted",
  );
  const origin = headers.get("origin");
  // Pages cannot set `Sec-Fetch-Site`, so `same-origin` proves that the page has the origin of the broker.
  const site = headers.get("sec-fetch-site");
  const isOwn = site === "same-origin" || origin === new URL(url).origin;
  assert.ok(origin === null || isOwn || origin === ALLOWED, `a token for a page of ${origin}`);
  if (origin === null) assert.ok(site !== "cross-site" && site !== "same-site");
  assert.ok(
    ["plain", "bare"].includes(authorized.kind),
    `a token although authorize gave: ${authorized.kind}`,
  );
  const { userId, scopes } = granted.get(token);
  assert.equal(userId, authorized.userId, "a token of another identity");
  // A page may request a subset of the scopes from `authorize`; without any, it receives the scopes of the manager.
  const given = authorized.scopes ?? ["read", "write"];
  const asked = (new URLSearchParams(body).get("scope") ?? "").split(" ").filter((scope) => scope !== "");
  const isPart = authorized.scopes !== undefined && asked.length > 0;
  const exact = isPart ? given.filter((/** @type {string} */ scope) => asked.includes(scope)) : given;
  assert.deepEqual(scopes, [...exact].sort(), "a token of other scopes than were given");
  for (const scope of `${answer.scope ?? ""}`.split(" ").filter(Boolean)) assert.ok(isScopeToken(scope));
  assert.ok(answer.expires_in > 0 && answer.expires_in <= 3_600);
  assert.ok(!("refresh_token" in answer));
}

/** Builds the result of `authorize`, or throws. @param {any} plan @returns {any} */
function made({ kind, userId, scopes }) {
  const plain = { ...(userId !== undefined && { userId }), ...(scopes && { scopes }) };
  switch (kind) {
    case "null":
      return null;
    case "undefined":
      return undefined;
    case "false":
      return false;
    case "true":
      return true;
    case "text":
      return "alice";
    case "number":
      return 7;
    case "array":
      return [plain];
    case "map":
      return new Map(Object.entries(plain));
    case "error":
      return new Error("no such user");
    case "response":
      return new Response(null, { status: 401 });
    case "instance":
      return Object.assign(new (class User {})(), plain);
    case "getters":
      return new (class User {
        get userId() {
          return userId;
        }
      })();
    case "undefined member":
      return { ...plain, userId: undefined };
    case "bare":
      return Object.assign(Object.create(null), plain);
    case "proxy":
      return new Proxy(new Date(), {});
    case "throws":
      throw new Error(SECRET);
    case "rejects":
      return Promise.reject(new Error(SECRET));
    case "never JSON":
      return { ...plain, userId: 10n };
    default:
      return plain;
  }
}
