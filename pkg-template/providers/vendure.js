// Vendure: `login`, whose response has the token in a header.
//
// Sources (December 2026): docs.vendure.io/current/core/storefront/connect-api (`tokenMethod` must include `bearer`).
// Run with 3.7.3, which extends a session that is used. `sessionDuration` is a year by default (default-config.ts).
// Not described: `vendure-auth-token` as `sliding`. After the end of a session, that header is empty, or has the token of a new
// anonymous one, which would replace the log-in silently.

import { checkOptions, secretOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { VendureOptions } from "./index.js" */

/** `sessionDuration` of the server, by default. */
const YEAR_MS = 31_536_000_000;

/**
 * @param {VendureOptions} options
 * @returns {Profile}
 */
export function vendure(options) {
  checkOptions("vendure", options, "endpoint username password*");
  return {
    name: "vendure",
    endpoint: options.endpoint,
    authenticate: {
      document:
        "mutation ($username: String!, $password: String!) { login(username: $username, password: $password) { __typename ... on ErrorResult { errorCode message } } }",
      variables: { username: options.username, password: secretOf(options.password) },
    },
    revoke: { document: "mutation { logout { success } }", authorization: { bearer: "$accessToken" } },
    token: { header: "vendure-auth-token" },
    expiry: { lifetimeMs: YEAR_MS },
    // An ended session and a missing permission have the same code.
    refused: { codes: "FORBIDDEN" },
  };
}
