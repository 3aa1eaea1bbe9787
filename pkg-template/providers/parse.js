// Parse Server: `logIn`, and numbers as codes.
//
// Sources (December 2026): src/GraphQL/loaders/usersMutations.js, src/GraphQL/parseGraphQLUtils.js, src/Auth.js and
// src/Options/Definitions.js of parse-community/parse-server, and a run of 9.10.0. The response states no expiry:
// `sessionLength` is a year by default. Not described: the headers of requests that `tokens.fetch` sends.

import { checkOptions, secretOf, urlOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { ParseOptions } from "./index.js" */

/** `sessionLength` of the server, by default. */
const YEAR_MS = 31_536_000_000;

/**
 * @param {ParseOptions} options
 * @returns {Profile}
 */
export function parse(options) {
  checkOptions("parse", options, "url applicationId username password*");
  return {
    name: "parse",
    endpoint: urlOf(options.url, "/graphql"),
    headers: { "X-Parse-Application-Id": options.applicationId },
    authenticate: {
      document:
        "mutation ($username: String!, $password: String!) { logIn(input: { username: $username, password: $password }) { viewer { sessionToken } } }",
      variables: { username: options.username, password: secretOf(options.password) },
    },
    revoke: {
      // The one field of the payload that all versions have.
      document: "mutation { logOut(input: {}) { clientMutationId } }",
      authorization: { bearer: "$accessToken" },
    },
    token: { data: "logIn.viewer.sessionToken" },
    expiry: { lifetimeMs: YEAR_MS },
    present: { header: "X-Parse-Session-Token" },
    // INVALID_SESSION_TOKEN. Before GraphQL, a session is rejected with `{ code, error }` and status 400.
    refused: { codes: 209 },
  };
}
