// Strapi: log-in and renewal by JSON over HTTP, data by GraphQL.
//
// Sources (December 2026): docs.strapi.io/cms/features/users-permissions and its page graphql-api; the controller `auth` of
// @strapi/plugin-users-permissions; a run of 5.54.0, which rejects an expired or invalid token with status 401 before
// GraphQL. The code of Apollo Server is assumed for other versions. Not described: `httpOnly`, with which the refresh
// token is a cookie.

import { checkOptions, secretOf, urlOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { StrapiOptions } from "./index.js" */

/**
 * @param {StrapiOptions} options
 * @returns {Profile}
 */
export function strapi(options) {
  checkOptions("strapi", options, "url identifier password*");
  return {
    name: "strapi",
    endpoint: urlOf(options.url, "/graphql"),
    authenticate: {
      endpoint: urlOf(options.url, "/api/auth/local"),
      json: { identifier: options.identifier, password: secretOf(options.password) },
    },
    // Only in the mode `refresh` is there a refresh token; without one, the log-in is repeated.
    renew: {
      endpoint: urlOf(options.url, "/api/auth/refresh"),
      json: { refreshToken: "$refreshToken" },
    },
    // Ends the session of the presented token.
    revoke: {
      endpoint: urlOf(options.url, "/api/auth/logout"),
      json: {},
      authorization: { bearer: "$accessToken" },
    },
    token: { data: "jwt" },
    refreshToken: { data: "refreshToken" },
    expiry: { jwt: true },
    refused: { codes: "UNAUTHENTICATED" },
  };
}
