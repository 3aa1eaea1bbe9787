// Strapi: log-in and renewal by JSON over HTTP, data by GraphQL.
//
// Sources (December 2026): docs.strapi.io/cms/features/users-permissions and its page graphql-api.
// Not documented: how the GraphQL plugin rejects an expired token. Status 401 and the code of Apollo Server are assumed.
// Not described: `httpOnly`, with which the refresh token is a cookie; `/api/auth/logout`, because a revocation is a GraphQL
// operation or RFC 7009.

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
    token: { data: "jwt" },
    refreshToken: { data: "refreshToken" },
    expiry: { jwt: true },
    refused: { codes: "UNAUTHENTICATED" },
  };
}
