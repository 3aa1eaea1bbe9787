/**
 * Fluz: obtains an access token, and lists offers with it.
 *
 *     npm install graphql-token-manager
 *     FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=… node fluz.js
 *
 * FLUZ_API_KEY     the application's API key from Fluz
 * FLUZ_USER_ID     the user to act for, a UUID
 * FLUZ_ACCOUNT_ID  the account to act for, a UUID
 * FLUZ_ENDPOINT    the endpoint of the API; default: Fluz's sandbox
 */

import { TokenManager } from "graphql-token-manager";

const endpoint =
  process.env.FLUZ_ENDPOINT ?? "https://transactional-graph.staging.fluzapp.com/api/v1/graphql";

const tokens = new TokenManager({
  provider: "fluz",
  environment: "sandbox",
  endpoint,
  apiKey: setting("FLUZ_API_KEY"),
  userId: setting("FLUZ_USER_ID"),
  accountId: setting("FLUZ_ACCOUNT_ID"),
  scopes: ["LIST_OFFERS"],
});

const response = await fetch(endpoint, {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: await tokens.authorization() },
  body: JSON.stringify({ query: "{ getOffers(limit: 3) { offerId merchant } }" }),
});
const { data, errors } = await response.json();
if (!data?.getOffers) throw new Error(`Fluz refused (HTTP ${response.status}): ${errors?.[0]?.message}`);

for (const { merchant } of data.getOffers) console.log(`Offer by ${merchant}`);
await tokens.close();

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see the top of this file`);
  return value;
}
