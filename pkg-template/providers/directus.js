// Directus: log-in at `/graphql/system`, data at `/graphql`.
//
// Sources (December 2026): directus.io/docs/api/authentication and /guides/connect/errors; `auth_login`, `auth_refresh` and
// `auth_logout` in api/src/services/graphql/resolvers/system-global.ts of directus/directus. The pages show `expires` as 900
// and as 900000; it is milliseconds, in a scalar that is serialized as text. Run with 12.4.0.
// Not described: two-factor authentication, and the modes `cookie` and `session`.

import { checkOptions, secretOf, urlOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { DirectusOptions } from "./index.js" */

const TOKENS = "{ access_token expires refresh_token }";

/**
 * @param {DirectusOptions} options
 * @returns {Profile}
 */
export function directus(options) {
  checkOptions("directus", options, "url email password*");
  const endpoint = urlOf(options.url, "/graphql/system");
  return {
    name: "directus",
    endpoint: urlOf(options.url, "/graphql"),
    authenticate: {
      endpoint,
      document: `mutation ($email: String!, $password: String!) { auth_login(email: $email, password: $password, mode: json) ${TOKENS} }`,
      variables: { email: options.email, password: secretOf(options.password) },
    },
    renew: {
      endpoint,
      document: `mutation ($refreshToken: String!) { auth_refresh(refresh_token: $refreshToken, mode: json) ${TOKENS} }`,
      variables: { refreshToken: "$refreshToken" },
    },
    revoke: {
      endpoint,
      document: "mutation ($refreshToken: String) { auth_logout(refresh_token: $refreshToken, mode: json) }",
      variables: { refreshToken: "$refreshToken" },
    },
    token: { data: ["auth_login.access_token", "auth_refresh.access_token"] },
    refreshToken: { data: ["auth_login.refresh_token", "auth_refresh.refresh_token"] },
    expiry: { expiresIn: ["auth_login.expires", "auth_refresh.expires"], unit: "milliseconds" },
    // Status 403 has INVALID_TOKEN, but also FORBIDDEN, which is a missing permission.
    refused: { codes: ["TOKEN_EXPIRED", "INVALID_TOKEN"] },
    throttled: { codes: "REQUESTS_EXCEEDED" },
  };
}
