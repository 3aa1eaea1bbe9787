// Linear: client credentials, which act as the application.
//
// Sources, read in December 2026: linear.app/developers/oauth-2-0-authentication (scopes with commas between them). That
// the tokens live for 30 days, and that other scopes revoke the earlier ones, is stated by tools that use the grant, not by
// the part of the page that was read. Unknown: the code of an expired token; status 401 is assumed beside
// AUTHENTICATION_ERROR.

import { checkOptions } from "./options.js";

/** @import { OAuthProfile } from "graphql-token-manager" */
/** @import { LinearOptions } from "./index.js" */

/**
 * @param {LinearOptions} options
 * @returns {OAuthProfile}
 */
export function linear(options) {
  checkOptions("linear", options, "clientId clientSecret* scope?");
  const { clientId, clientSecret, scope = "read" } = options;
  return {
    name: "linear",
    endpoint: "https://api.linear.app/graphql",
    oauth: {
      tokenEndpoint: "https://api.linear.app/oauth/token",
      clientId,
      clientSecret,
      clientAuthentication: "client_secret_post",
      parameters: { scope },
    },
    refused: { codes: "AUTHENTICATION_ERROR" },
    throttled: { codes: "RATELIMITED" },
  };
}
