// Shopify's GraphQL Admin API, for applications of many stores: expiring offline tokens with a refresh token.
//
// Sources (December 2026), in excerpts: shopify.dev, page access-tokens/offline-access-tokens (a token lives for an hour and its
// refresh token for 90 days; a new token of a store revokes the earlier ones; public applications need such tokens from
// 2027-01-01), and the change of 2026-08-28, "more resilient refreshes for expiring offline access tokens": a refresh token
// may be presented again until its replacement is used, for 30 days at most. Shopify/shopify-api-js for the fields of the
// renewal, which it sends as JSON. Reported: 400 `invalid_grant` for an invalid refresh token; 403 with a text in `errors`
// for a token that does not expire (chatwoot/chatwoot#14462); a renewal without `expires_in` (Shopify/shopify-app-js#3400).
// Not confirmed: that the renewal accepts a form, which the page about client credentials shows.
// Not described: how the first refresh token is obtained, by token exchange or an authorization code with `expiring=1`.

import { checkOptions } from "./options.js";
import { adminOf } from "./shopify-admin.js";

/** @import { Answer, OAuthProfile } from "graphql-token-manager" */
/** @import { ShopifyOfflineOptions } from "./index.js" */

/**
 * @param {ShopifyOfflineOptions} options
 * @returns {OAuthProfile}
 */
export function shopifyOffline(options) {
  checkOptions("shopifyOffline", options, "shop version clientId clientSecret* refreshToken*");
  const { shop, version, clientId, clientSecret, refreshToken } = options;
  const admin = adminOf("shopifyOffline", shop);
  return {
    name: "shopify",
    endpoint: `${admin}/api/${version}/graphql.json`,
    oauth: {
      grant: "refresh_token",
      tokenEndpoint: `${admin}/oauth/access_token`,
      clientId,
      clientSecret,
      clientAuthentication: "client_secret_post",
      refreshToken,
      refreshTokenRotation: "retry-previous",
    },
    present: { header: "X-Shopify-Access-Token" },
    refused: { when: isNonExpiring },
    throttled: { codes: "THROTTLED" },
  };
}

/** Returns whether a token is rejected because it does not expire. A missing permission has the same status. @param {Answer} answer */
function isNonExpiring({ status, body }) {
  return status === 403 && typeof body?.errors === "string" && /non-expiring/i.test(body.errors);
}
