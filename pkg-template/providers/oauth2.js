// Any GraphQL API whose tokens come from an OAuth 2.0 token endpoint (RFC 6749).

/** @import { OAuthProfile } from "graphql-token-manager" */
/** @import { OAuth2Options } from "./index.js" */

/**
 * The options are those of `provider` and of `provider.oauth` in one object; the manager validates both.
 *
 * @param {OAuth2Options} options
 * @returns {OAuthProfile}
 */
export function oauth2(options) {
  const {
    name = "oauth2",
    endpoint,
    headers,
    present,
    refused,
    denied,
    throttled,
    unavailable,
    revoke,
    ...oauth
  } = options;
  return { name, endpoint, headers, present, refused, denied, throttled, unavailable, revoke, oauth };
}
