// Payload: renewal with the access token itself, which is sent with the scheme `JWT`.
//
// Sources (December 2026): payloadcms.com/docs/authentication/operations and /jwt;
// packages/graphql/src/resolvers/auth/refresh.ts and packages/payload/src/auth/extractJWT.ts of payloadcms/payload.
// Run with 3.90.2: errors have `name` and `statusCode` in their extensions.
// Not described: the end of a session. The server does not reject its token: the request is anonymous, and fails only for
// missing permissions, with a code that permissions of the user have as well.

import { checkOptions, secretOf, urlOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { PayloadOptions } from "./index.js" */

/**
 * @param {PayloadOptions} options
 * @returns {Profile}
 */
export function payload(options) {
  checkOptions("payload", options, "url collection? email password*");
  const { collection = "User" } = options;
  // It becomes part of a document.
  if (!/^\w+$/.test(collection)) {
    throw new TypeError(
      "option `collection` of payload() must be the singular name of the collection in GraphQL, such as User",
    );
  }
  const authorization = { bearer: "$accessToken" };
  return {
    name: "payload",
    endpoint: urlOf(options.url, "/api/graphql"),
    authenticate: {
      document: `mutation ($email: String!, $password: String!) { login${collection}(email: $email, password: $password) { token exp } }`,
      variables: { email: options.email, password: secretOf(options.password) },
    },
    renew: { document: `mutation { refreshToken${collection} { refreshedToken exp } }`, authorization },
    revoke: { document: `mutation { logout${collection} }`, authorization },
    token: { data: [`login${collection}.token`, `refreshToken${collection}.refreshedToken`] },
    expiry: { expiresAt: [`login${collection}.exp`, `refreshToken${collection}.exp`] },
    present: { scheme: "JWT" },
    // Errors in HTTP 200 have the status in their extensions.
    refused: { codes: 401 },
  };
}
