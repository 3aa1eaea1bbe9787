// Saleor: `tokenCreate` and `tokenRefresh`, whose failures are in `data`.
//
// Sources (December 2026): docs.saleor.io/api-reference/authentication; saleor/account/error_codes.py of saleor/saleor.
// Reported in saleor#12246: ExpiredSignatureError.
// Not confirmed: the codes of other invalid tokens, which are assumed to be the names of PyJWT's exceptions.
// Not described: the refresh token as a cookie with `csrfToken`.

import { checkOptions, secretOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { SaleorOptions } from "./index.js" */

/**
 * @param {SaleorOptions} options
 * @returns {Profile}
 */
export function saleor(options) {
  checkOptions("saleor", options, "endpoint email password*");
  return {
    name: "saleor",
    endpoint: options.endpoint,
    authenticate: {
      document:
        "mutation ($email: String!, $password: String!) { tokenCreate(email: $email, password: $password) { token refreshToken errors { field code message } } }",
      variables: { email: options.email, password: secretOf(options.password) },
    },
    renew: {
      document:
        "mutation ($refreshToken: String!) { tokenRefresh(refreshToken: $refreshToken) { token errors { field code message } } }",
      variables: { refreshToken: "$refreshToken" },
    },
    token: { data: ["tokenCreate.token", "tokenRefresh.token"] },
    // `tokenRefresh` returns none: the first one is valid for 30 days.
    refreshToken: { data: "tokenCreate.refreshToken", expiry: { jwt: true } },
    expiry: { jwt: true },
    refused: {
      codes: ["ExpiredSignatureError", "InvalidSignatureError", "DecodeError", "InvalidTokenError"],
    },
    throttled: { codes: "LOGIN_ATTEMPT_DELAYED" },
  };
}
