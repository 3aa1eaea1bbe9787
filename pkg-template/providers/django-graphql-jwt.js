// django-graphql-jwt: `tokenAuth`, with either of its two ways of renewal.
//
// Run with django-graphql-jwt 0.4.0, graphene-django 3.2.3 and Django 5.2. Errors have messages and no codes, and Django
// translates the messages. An error of the database during a log-in has the form of a wrong password, but for its message.
// Not described: tokens in cookies, and users without `username`.

import { DATABASE_OUTAGES } from "./databases.js";
import { checkOptions, secretOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { DjangoGraphqlJwtOptions } from "./index.js" */

/** The renewals, by the value of the option. */
const RENEWALS = {
  token: {
    fields: "token",
    renew: {
      document: "mutation ($token: String!) { refreshToken(token: $token) { token } }",
      variables: { token: "$accessToken" },
    },
  },
  refreshToken: {
    fields: "token refreshToken",
    renew: {
      document:
        "mutation ($refreshToken: String!) { refreshToken(refreshToken: $refreshToken) { token refreshToken } }",
      variables: { refreshToken: "$refreshToken" },
    },
    refreshToken: { data: ["tokenAuth.refreshToken", "refreshToken.refreshToken"] },
    revoke: {
      document: "mutation ($refreshToken: String!) { revokeToken(refreshToken: $refreshToken) { revoked } }",
      variables: { refreshToken: "$refreshToken" },
    },
  },
};

/**
 * @param {DjangoGraphqlJwtOptions} options
 * @returns {Profile}
 */
export function djangoGraphqlJwt(options) {
  checkOptions("djangoGraphqlJwt", options, "endpoint username password* renewal?");
  const { renewal = "token" } = options;
  if (!Object.hasOwn(RENEWALS, renewal)) {
    throw new TypeError('option `renewal` of djangoGraphqlJwt() must be "token" or "refreshToken"');
  }
  const { fields, ...described } = RENEWALS[renewal];
  return {
    name: "django-graphql-jwt",
    endpoint: options.endpoint,
    authenticate: {
      document: `mutation ($username: String!, $password: String!) { tokenAuth(username: $username, password: $password) { ${fields} } }`,
      variables: { username: options.username, password: secretOf(options.password) },
    },
    ...described,
    token: { data: ["tokenAuth.token", "refreshToken.token"] },
    expiry: { jwt: true },
    present: { scheme: "JWT" },
    refused: { messages: ["Signature has expired", "Error decoding signature", "Invalid token"] },
    unavailable: { contains: DATABASE_OUTAGES },
  };
}
