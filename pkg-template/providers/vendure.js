// Vendure: `login`, with the token in a header of the response.
//
// Sources (December 2026): docs.vendure.io/current/core/storefront/connect-api (`tokenMethod` must include `bearer`).
// Run with 3.7.3, which extends a session that is used. `sessionDuration` is a year by default (default-config.ts).
// Reported: after the end of a session, ordinary responses have the token of a new anonymous session in the header of the
// log-in, with status 200. `me`, `activeAdministrator` and `activeCustomer` are null then.

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
    sliding: {
      header: "vendure-auth-token",
      sameSession: { data: ["me.id", "activeAdministrator.id", "activeCustomer.id"] },
    },
    expiry: { lifetimeMs: YEAR_MS },
    // An ended session and a missing permission have the same code.
    refused: { codes: "FORBIDDEN" },
  };
}
