/**
 * Provider responses: for any response, a grant settles with a valid token or a documented error, and the credentials
 * are neither exposed nor sent elsewhere.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenManager } from "graphql-token-manager";

import { edited, edits, number, object, oddText, text, tree } from "../generators.js";
import { SECRET, assertHidden, assertToken, isScopeToken, settled } from "../oracles.js";

const ENDPOINT = "https://api.test/graphql";
const UUID = "3f6e1e5e-5a77-4d29-9be7-6a3e0d3a7d11";

/** @type {Record<string, any>} */
const PROVIDERS = {
  fluz: { provider: "fluz", apiKey: `id:${SECRET}`, userId: UUID, accountId: UUID, scopes: ["LIST_OFFERS"] },
  toggle: { provider: "toggle", username: "user", password: SECRET },
  braintree: { provider: "braintree", clientId: "id", clientSecret: SECRET, scopes: ["TRANSACTION_FIND"] },
  profile: {
    scopes: ["read"],
    provider: {
      name: "acme",
      endpoint: ENDPOINT,
      authenticate: {
        document:
          "mutation ($secret: String!, $scopes: [String!]) { login(secret: $secret, scopes: $scopes) { jwt } }",
        variables: { secret: SECRET, scopes: "$scopes" },
      },
      renew: {
        document: "mutation ($r: String!) { renew(r: $r) { jwt } }",
        variables: { r: "$refreshToken" },
      },
      token: { data: ["login.jwt", "renew.jwt"] },
      refreshToken: { data: ["login.renewal", "renew.renewal"] },
      expiry: { expiresIn: ["login.ttl", "renew.ttl"], unit: "seconds" },
    },
  },
};

const NAMES =
  "data errors extensions message code errorClass requestId token accessToken refreshToken scopes expiresAt jwt ttl renewal generateUserAccessToken refreshUserAccessToken createOAuthAccessTokenFromClientCredentials loginUser LoginUser login renew getApplicationScopes 0";

/** Valid responses, which are then edited. */
const GOOD = [
  {
    data: {
      generateUserAccessToken: { token: "tok.fluz.1", refreshToken: "renew.fluz.1", scopes: ["LIST_OFFERS"] },
    },
  },
  {
    data: {
      refreshUserAccessToken: { token: "tok.fluz.2", refreshToken: "renew.fluz.2", scopes: ["LIST_OFFERS"] },
    },
  },
  { data: { getApplicationScopes: ["LIST_OFFERS", "LIST_PURCHASES"] } },
  { data: { loginUser: { token: "tok.toggle.1" } } },
  {
    data: {
      createOAuthAccessTokenFromClientCredentials: {
        accessToken: "tok.braintree.1",
        expiresAt: "2026-11-30T23:00:00.000Z",
        scopes: ["TRANSACTION_FIND"],
      },
    },
  },
  { data: { login: { jwt: "tok.acme.1", renewal: "renew.acme.1", ttl: 60 } } },
  { data: { renew: { jwt: "tok.acme.2", renewal: "renew.acme.2", ttl: 60 } } },
  { errors: [{ message: "Unauthorized", extensions: { code: "UNAUTHENTICATED" } }] },
].map((answer) => JSON.stringify(answer));

const body = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom(...GOOD), edits).map(([base, changes]) => edited(base, changes)),
  },
  { weight: 3, arbitrary: tree(NAMES.split(" ")).map((value) => JSON.stringify(value)) },
  {
    // A valid response with one member replaced by any value.
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...GOOD), fc.nat(), fc.oneof(tree(NAMES.split(" ")), number, text))
      .map(([base, which, value]) => replaced(base, which, value)),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 300, unit: "binary" }) },
  {
    // Large or deeply nested responses.
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("[", '{"data":', '"a",', "\\u0000", " "), fc.constantFrom(100, 10_000, 200_000))
      .map(([piece, times]) => piece.repeat(times)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("scopes", "errors"), fc.constantFrom(10, 3_000, 60_000))
      .map(([what, count]) => crowded(what, count)),
  },
);

const header = fc.tuple(
  fc.constantFrom(
    "date",
    "retry-after",
    "x-authorization",
    "authorization",
    "content-type",
    "content-length",
  ),
  fc.oneof(
    fc.constantFrom(
      "Mon, 30 Nov 2026 20:00:00 GMT",
      "Bearer tok.header.1",
      "tok.header.2",
      "0",
      "1e9",
      "application/json",
    ),
    fc.string({ maxLength: 30 }),
    oddText,
  ),
);

const answer = fc.record({
  status: fc.oneof(
    { weight: 5, arbitrary: fc.constant(200) },
    fc.constantFrom(204, 302, 400, 401, 403, 429, 500, 503),
  ),
  headers: fc.array(header, { maxLength: 3 }),
  body,
});

export const cases = fc.record({
  provider: fc.constantFrom(...Object.keys(PROVIDERS)),
  answers: fc.array(answer, { minLength: 1, maxLength: 3 }),
});

/** @param {{ provider: string, answers: { status: number, headers: [string, string][], body: string }[] }} input */
export async function check({ provider, answers }) {
  let asked = 0;
  /** @param {unknown} url */
  const fetch = async (url) => {
    assert.equal(String(url), ENDPOINT, "credentials went to another address");
    const { status, headers, body } = answers[asked++ % answers.length] ?? {
      status: 200,
      headers: [],
      body: "",
    };
    const sendable = new Headers();
    for (const [name, value] of headers) {
      try {
        sendable.append(name, value);
      } catch {
        // `Response` rejects these headers, so a server cannot send them either.
      }
    }
    return new Response(status === 204 ? null : body, { status, headers: sendable });
  };
  const tokens = new TokenManager({
    endpoint: ENDPOINT,
    retry: { attempts: 1 },
    refresh: "on-demand",
    fetch,
    ...PROVIDERS[provider],
  });
  try {
    const first = await settled(() => tokens.getAccessToken());
    if (first.value) assertToken(first.value);
    const second = await settled(() => tokens.refresh());
    if (second.value) assertToken(second.value);
    const scopes = await settled(() => tokens.grantedScopes());
    for (const scope of scopes.value ?? [])
      assert.ok(isScopeToken(scope), `the scope ${JSON.stringify(scope)}`);
    const held = tokens.peek();
    if (held) assertToken(held);
    const status = tokens.status();
    assertHidden(status, held ? [held.value].filter((value) => value.length > 12) : []);
    for (const at of [status.issuedAt, status.expiresAt, status.refreshAt]) {
      if (at !== undefined) new Date(at).toISOString();
    }
    assert.ok(asked <= 40, `${asked} requests for three calls`);
  } finally {
    await tokens.close();
  }
}

/**
 * Returns the text of a response with one value replaced.
 * @param {string} base
 * @param {number} which
 * @param {unknown} value
 */
function replaced(base, which, value) {
  const places = [...base.matchAll(/:("[^"]*"|\d+|\[[^\]]*\])/g)];
  const place = places[which % places.length];
  if (place === undefined) return base;
  return `${base.slice(0, place.index)}:${JSON.stringify(value)}${base.slice(place.index + place[0].length)}`;
}

/**
 * @param {string} what
 * @param {number} count
 */
function crowded(what, count) {
  const many = Array.from({ length: count }, (_, number) => `N${number}`);
  if (what === "errors") return JSON.stringify({ errors: many.map((message) => ({ message })) });
  const grant = object([
    ["token", "tok.many.1"],
    ["accessToken", "tok.many.1"],
    ["scopes", many],
  ]);
  return JSON.stringify({
    data: {
      generateUserAccessToken: grant,
      createOAuthAccessTokenFromClientCredentials: grant,
      getApplicationScopes: many,
    },
  });
}
