// WPGraphQL with the plugin WPGraphQL JWT Authentication: tokens for five minutes, and a refresh token for a year.
//
// Sources (December 2026): README.md and src/ManageTokens.php of wp-graphql/wp-graphql-jwt-authentication.
// Reported in its issues #95, #103, #111 and #121: an expired token is rejected with status 403, or with an "Internal server
// error" that cannot be distinguished from a failure of the server.
// Not described: `X-JWT-Auth` as `sliding`. Responses have it only if the request has the refresh token in a header.

import { checkOptions, secretOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { WpgraphqlJwtOptions } from "./index.js" */

/**
 * @param {WpgraphqlJwtOptions} options
 * @returns {Profile}
 */
export function wpgraphqlJwt(options) {
  checkOptions("wpgraphqlJwt", options, "endpoint username password*");
  return {
    name: "wpgraphql-jwt",
    endpoint: options.endpoint,
    authenticate: {
      // Without the names of input types: the README has another one than the schema.
      document:
        'mutation ($username: String!, $password: String!) { login(input: { clientMutationId: "login", username: $username, password: $password }) { authToken refreshToken } }',
      variables: { username: options.username, password: secretOf(options.password) },
    },
    renew: {
      document:
        'mutation ($refreshToken: String!) { refreshJwtAuthToken(input: { clientMutationId: "renew", jwtRefreshToken: $refreshToken }) { authToken } }',
      variables: { refreshToken: "$refreshToken" },
    },
    token: { data: ["login.authToken", "refreshJwtAuthToken.authToken"] },
    refreshToken: { data: "login.refreshToken" },
    expiry: { jwt: true },
    refused: { statuses: [401, 403] },
  };
}
