/**
 * Braintree: obtains an access token with client credentials, and creates a customer with it.
 *
 *     npm install graphql-token-manager
 *     BRAINTREE_CLIENT_ID=… BRAINTREE_CLIENT_SECRET=… node braintree.js
 *
 * BRAINTREE_CLIENT_ID      the OAuth client's id
 * BRAINTREE_CLIENT_SECRET  the OAuth client's secret
 * BRAINTREE_ENDPOINT       the endpoint of the API; default: Braintree's sandbox
 */

import { TokenManager } from "graphql-token-manager";

const endpoint = process.env.BRAINTREE_ENDPOINT ?? "https://payments.sandbox.braintree-api.com/graphql";

const tokens = new TokenManager({
  provider: "braintree",
  environment: "sandbox",
  endpoint,
  clientId: setting("BRAINTREE_CLIENT_ID"),
  clientSecret: setting("BRAINTREE_CLIENT_SECRET"),
  scopes: ["CUSTOMER_CREATE"],
});

const response = await fetch(endpoint, {
  method: "POST",
  headers: {
    "Content-Type": "application/json",
    "Braintree-Version": "2025-01-01",
    Authorization: await tokens.authorization(),
  },
  body: JSON.stringify({
    query:
      "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id email } } }",
    variables: { input: { customer: { email: "ada@example.com" } } },
  }),
});
const { data, errors } = await response.json();
if (!data?.createCustomer)
  throw new Error(`Braintree refused (HTTP ${response.status}): ${errors?.[0]?.message}`);

const { id, email } = data.createCustomer.customer;
console.log(`Customer ${id}: ${email}`);
await tokens.close();

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see the top of this file`);
  return value;
}
