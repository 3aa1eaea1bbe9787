// Strapi: log-in and renewal by JSON over HTTP, data by GraphQL.
//
// Sources, read in December 2026: docs.strapi.io/cms/features/users-permissions and its page on GraphQL. How the GraphQL
// plugin rejects an expired token is not documented: the codes of Apollo Server are assumed.

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
