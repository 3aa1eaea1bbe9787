// Adobe Commerce and Magento: tokens of customers.
//
// Sources (December 2026): developer.adobe.com/commerce/webapi/graphql, pages usage/authorization-tokens,
// schema/customer/mutations/generate-token and revoke-token; magento/magento2#26112: with an expired token, an operation may
// be that of a guest instead of failing, which no description can recognize.
// Not described: session cookies.

import { checkOptions, secretOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { AdobeCommerceCustomerOptions } from "./index.js" */

/** The lifetime of a customer's token, by default. */
const HOUR_MS = 3_600_000;

/**
 * @param {AdobeCommerceCustomerOptions} options
 * @returns {Profile}
 */
export function adobeCommerceCustomer(options) {
  checkOptions("adobeCommerceCustomer", options, "endpoint email password*");
  return {
    name: "adobe-commerce",
    endpoint: options.endpoint,
    authenticate: {
      document:
        "mutation ($email: String!, $password: String!) { generateCustomerToken(email: $email, password: $password) { token } }",
      variables: { email: options.email, password: secretOf(options.password) },
    },
    revoke: {
      document: "mutation { revokeCustomerToken { result } }",
      authorization: { bearer: "$accessToken" },
    },
    token: { data: "generateCustomerToken.token" },
    // Before 2.4.4, the token is not a JWT.
    expiry: { lifetimeMs: HOUR_MS },
    refused: { messages: "The current customer isn't authorized." },
  };
}
