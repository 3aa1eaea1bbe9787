// Recorded exchanges of token endpoints.

import { HOUR, PASSWORD, failed, of } from "./support.js";

/** @import { Recorded } from "./support.js" */

/** @param {string} scope @param {number} seconds @returns {(id: string) => Recorded} */
const oauthToken = (scope, seconds) => (id) => [
  200,
  { access_token: `access-${id}`, token_type: "Bearer", scope, expires_in: seconds },
];

const client = { clientId: "id", clientSecret: PASSWORD };
const credentials = { grant_type: "client_credentials", client_id: "id", client_secret: PASSWORD };
const basic = `Basic ${Buffer.from(`id:${PASSWORD}`).toString("base64")}`;

/** @type {[string, Recorded, string][]} */
const OAUTH_FAILURES = [
  ["a wrong secret", [401, { error: "invalid_client" }], "invalid_credentials"],
  ["too many requests", [429, {}], "rate_limited"],
  ["an outage", [503, {}], "server"],
];

const REFRESH_TOKEN = "first-refresh-token";

/** @param {string} id @returns {Recorded} */
const offlineToken = (id) => [
  200,
  {
    access_token: `access-${id}`,
    expires_in: 3600,
    refresh_token: `refresh-${id}`,
    refresh_token_expires_in: 7_776_000,
    scope: "read_products",
  },
];

/** @param {string} refreshToken */
const renewalOf = (refreshToken) => ({
  grant_type: "refresh_token",
  client_id: "id",
  client_secret: PASSWORD,
  refresh_token: refreshToken,
});

export const OAUTH = [
  of({
    name: "shopifyAdmin",
    isOAuth: true,
    options: { shop: "my-store", version: "2026-10", ...client },
    endpoint: "https://my-store.myshopify.com/admin/api/2026-10/graphql.json",
    presented: ["x-shopify-access-token", ""],
    token: (id) => `access-${id}`,
    lifetimeMs: 86_399_000,
    limited: failed(200, "Throttled", { code: "THROTTLED" }),
    login: {
      url: "https://my-store.myshopify.com/admin/oauth/access_token",
      parts: credentials,
      response: oauthToken("read_products,write_products", 86_399),
    },
    failures: OAUTH_FAILURES,
    rejections: [
      [
        "an invalid token",
        [401, { errors: "[API] Invalid API key or access token (unrecognized login or wrong password)" }],
      ],
    ],
  }),
  of({
    name: "shopifyOffline",
    isOAuth: true,
    options: { shop: "my-store", version: "2026-10", ...client, refreshToken: REFRESH_TOKEN },
    endpoint: "https://my-store.myshopify.com/admin/api/2026-10/graphql.json",
    presented: ["x-shopify-access-token", ""],
    token: (id) => `access-${id}`,
    lifetimeMs: HOUR,
    limited: failed(200, "Throttled", { code: "THROTTLED" }),
    login: {
      url: "https://my-store.myshopify.com/admin/oauth/access_token",
      parts: renewalOf(REFRESH_TOKEN),
      response: offlineToken,
    },
    renewal: {
      mark: '"refresh_token":"refresh-',
      url: "https://my-store.myshopify.com/admin/oauth/access_token",
      parts: (id) => renewalOf(`refresh-${id}`),
      rotates: true,
      response: offlineToken,
      refused: [400, { error: "invalid_grant", error_description: "Token has been expired or revoked." }],
    },
    failures: [
      ["an invalid refresh token", [400, { error: "invalid_grant" }], "invalid_credentials"],
      ...OAUTH_FAILURES,
    ],
    rejections: [
      [
        "an invalid token",
        [401, { errors: "[API] Invalid API key or access token (unrecognized login or wrong password)" }],
      ],
      [
        "a token that does not expire",
        [403, { errors: "[API] Non-expiring access tokens are no longer accepted for the Admin API." }],
      ],
    ],
  }),
  of({
    name: "linear",
    isOAuth: true,
    options: { ...client, scope: "read,write" },
    optional: ["scope"],
    endpoint: "https://api.linear.app/graphql",
    presented: ["authorization", "Bearer "],
    token: (id) => `access-${id}`,
    lifetimeMs: 2_591_999_000,
    limited: failed(400, "Rate limit exceeded", { code: "RATELIMITED" }),
    login: {
      url: "https://api.linear.app/oauth/token",
      parts: { ...credentials, scope: "read,write" },
      response: oauthToken("read write", 2_591_999),
    },
    failures: OAUTH_FAILURES,
    rejections: [
      [
        "status 401",
        failed(401, "Authentication required, not authenticated", { code: "AUTHENTICATION_ERROR" }),
      ],
      ["a code in HTTP 200", failed(200, "Authentication required", { code: "AUTHENTICATION_ERROR" })],
    ],
  }),
  of({
    name: "commercetools",
    isOAuth: true,
    options: { region: "europe-west1.gcp", projectKey: "my-project", ...client },
    endpoint: "https://api.europe-west1.gcp.commercetools.com/my-project/graphql",
    presented: ["authorization", "Bearer "],
    token: (id) => `access-${id}`,
    lifetimeMs: 172_800_000,
    login: {
      url: "https://auth.europe-west1.gcp.commercetools.com/oauth/token",
      parts: { grant_type: "client_credentials" },
      headers: { authorization: basic },
      response: oauthToken("view_products:my-project", 172_800),
    },
    failures: OAUTH_FAILURES,
    rejections: [
      ["an invalid token", [401, { statusCode: 401, message: "invalid_token", error: "invalid_token" }]],
    ],
  }),
  of({
    name: "oauth2",
    isOAuth: true,
    options: {
      name: "acme",
      endpoint: "https://api.test/graphql",
      tokenEndpoint: "https://id.test/token",
      ...client,
      parameters: { audience: "api" },
      refused: { codes: "UNAUTHENTICATED" },
    },
    optional: ["name", "parameters", "refused", "clientSecret"],
    endpoint: "https://api.test/graphql",
    presented: ["authorization", "Bearer "],
    token: (id) => `access-${id}`,
    lifetimeMs: HOUR,
    login: {
      url: "https://id.test/token",
      parts: { grant_type: "client_credentials", audience: "api" },
      headers: { authorization: basic },
      response: oauthToken("read", 3600),
    },
    failures: OAUTH_FAILURES,
    rejections: [["a code in HTTP 200", failed(200, "m", { code: "UNAUTHENTICATED" })]],
  }),
];
