// Keystone: `authenticate…WithPassword`, with the names of a list and of two of its fields.
//
// Sources (December 2026): createAuth in @keystone-6/auth 10.0.5 and session.ts in @keystone-6/core 8.1.0, and a run of
// them. The response states no expiry: `maxAge` of `statelessSessions` and `storedSessions` is eight hours by default.
// Not described: the end of a session. The server does not reject its token: the request is anonymous, and fails only
// for missing permissions (KS_ACCESS_DENIED), which users have as well. `endSession` of `statelessSessions` does not
// end a token.

import { checkOptions, secretOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { KeystoneOptions } from "./index.js" */

/** `maxAge` of sessions, by default. */
const EIGHT_HOURS_MS = 28_800_000;

/**
 * @param {KeystoneOptions} options
 * @returns {Profile}
 */
export function keystone(options) {
  checkOptions("keystone", options, "endpoint list? identityField? identity secretField? password*");
  const { list = "User", identityField = "email", secretField = "password" } = options;
  // They become parts of a document.
  for (const [key, name] of Object.entries({ list, identityField, secretField })) {
    if (!/^\w+$/.test(name)) throw new TypeError(`option \`${key}\` of keystone() must be a name of GraphQL`);
  }
  const field = `authenticate${list}WithPassword`;
  return {
    name: "keystone",
    endpoint: options.endpoint,
    authenticate: {
      document: `mutation ($identity: String!, $secret: String!) { ${field}(${identityField}: $identity, ${secretField}: $secret) { __typename ... on ${list}AuthenticationWithPasswordSuccess { sessionToken } } }`,
      variables: { identity: options.identity, secret: secretOf(options.password) },
    },
    revoke: { document: "mutation { endSession }", authorization: { bearer: "$accessToken" } },
    token: { data: `${field}.sessionToken` },
    expiry: { lifetimeMs: EIGHT_HOURS_MS },
    denied: { data: { path: `${field}.__typename`, is: `${list}AuthenticationWithPasswordFailure` } },
  };
}
