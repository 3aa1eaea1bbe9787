// Shopify's GraphQL Admin API, for applications of your own organization: client credentials for 24 hours.
//
// Sources (December 2026): shopify.dev/docs/apps/build/authentication-authorization, pages client-credentials-grant and
// client-secrets (a form with the client's secret, no refresh token); Shopify/shopify-cli#263 for the 401 of a token.
// Not described: public applications, which need token exchange or an authorization code; shopify-offline.js renews their tokens.

import { checkOptions } from "./options.js";

/** @import { OAuthProfile } from "graphql-token-manager" */
/** @import { ShopifyAdminOptions } from "./index.js" */

/**
 * @param {ShopifyAdminOptions} options
 * @returns {OAuthProfile}
 */
export function shopifyAdmin(options) {
  checkOptions("shopifyAdmin", options, "shop version clientId clientSecret*");
  const { shop, version, clientId, clientSecret } = options;
  const admin = adminOf("shopifyAdmin", shop);
  return {
    name: "shopify",
    endpoint: `${admin}/api/${version}/graphql.json`,
    oauth: {
      tokenEndpoint: `${admin}/oauth/access_token`,
      clientId,
      clientSecret,
      clientAuthentication: "client_secret_post",
    },
    present: { header: "X-Shopify-Access-Token" },
    throttled: { codes: "THROTTLED" },
  };
}

/**
 * Returns the URL below which a store has its token endpoint and its API.
 *
 * @param {string} name of the function with the option
 * @param {string} shop
 */
export function adminOf(name, shop) {
  // The secret is sent to this host.
  if (!/^[\w-]+$/.test(shop)) {
    throw new TypeError(
      `option \`shop\` of ${name}() must be the name of the store: what is before \`.myshopify.com\``,
    );
  }
  return `https://${shop}.myshopify.com/admin`;
}
