// Linear: client credentials, which act as the application.
//
// Sources (December 2026): linear.app/developers/oauth-2-0-authentication, which separates scopes by commas.
// Reported by tools that use this grant: tokens live for 30 days, and other scopes revoke the earlier tokens.
// Not confirmed: the codes AUTHENTICATION_ERROR and RATELIMITED.

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
