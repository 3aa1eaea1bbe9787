// strawberry-django-auth: `tokenAuth`, with a refresh token that is replaced at each renewal.
//
// Run with strawberry-django-auth 0.379.1, strawberry-graphql 0.341 and Django 5.2. The token is a JWT without `exp`, so the
// expiry is read from the response. Failures of the log-in are in `data`. The API treats an expired token as none, and the
// permission `IsAuthenticated` answers with its message; on a field that may be null it returns `null` without an error.
// Not described: captchas (`LOGIN_REQUIRE_CAPTCHA` is true by default), other `LOGIN_FIELDS` than `username`, and
// servers without `JWT_LONG_RUNNING_REFRESH_TOKEN`.

import { DATABASE_OUTAGES } from "./databases.js";
import { checkOptions, secretOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { StrawberryDjangoAuthOptions } from "./index.js" */

const FIELDS = "success errors token { token payload { exp } } refreshToken { token }";

/**
 * @param {StrawberryDjangoAuthOptions} options
 * @returns {Profile}
 */
export function strawberryDjangoAuth(options) {
  checkOptions("strawberryDjangoAuth", options, "endpoint username password*");
  return {
    name: "strawberry-django-auth",
    endpoint: options.endpoint,
    authenticate: {
      document: `mutation ($username: String!, $password: String!) { tokenAuth(username: $username, password: $password) { ${FIELDS} } }`,
      variables: { username: options.username, password: secretOf(options.password) },
    },
    renew: {
      document: `mutation ($refreshToken: String!) { refreshToken(refreshToken: $refreshToken, revokeRefreshToken: true) { ${FIELDS} } }`,
      variables: { refreshToken: "$refreshToken" },
    },
    revoke: {
      document:
        "mutation ($refreshToken: String!) { revokeToken(refreshToken: $refreshToken) { success errors } }",
      variables: { refreshToken: "$refreshToken" },
    },
    token: { data: ["tokenAuth.token.token", "refreshToken.token.token"] },
    refreshToken: { data: ["tokenAuth.refreshToken.token", "refreshToken.refreshToken.token"] },
    expiry: { expiresAt: ["tokenAuth.token.payload.exp", "refreshToken.token.payload.exp"] },
    present: { scheme: "JWT" },
    refused: { messages: "User is not authenticated." },
    unavailable: { contains: DATABASE_OUTAGES },
  };
}
