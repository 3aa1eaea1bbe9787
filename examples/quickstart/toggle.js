/**
 * Toggle: obtains an access token, lists products with it, and adopts the newer token that a response may contain.
 *
 *     npm install graphql-token-manager
 *     TOGGLE_USERNAME=… TOGGLE_PASSWORD=… TOGGLE_ACCOUNT_ID=… node toggle.js
 *
 * TOGGLE_USERNAME    the API user's name; for an email address, write `email` instead of `username` below
 * TOGGLE_PASSWORD    the API user's password
 * TOGGLE_ACCOUNT_ID  the account to list the products of, a number
 * TOGGLE_ENDPOINT    the endpoint of the API; default: Toggle's production API
 */

import { TokenManager } from "graphql-token-manager";

const endpoint = process.env.TOGGLE_ENDPOINT ?? "https://api.mytoggle.io/graphql";

const tokens = new TokenManager({
  provider: "toggle",
  endpoint,
  username: setting("TOGGLE_USERNAME"),
  password: setting("TOGGLE_PASSWORD"),
});

const response = await fetch(endpoint, {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: await tokens.authorization() },
  body: JSON.stringify({
    query: "query ($account: Int!) { Products(account_id: $account) { id name } }",
    variables: { account: Number(setting("TOGGLE_ACCOUNT_ID")) },
  }),
});
tokens.adopt(response);
const { data, errors } = await response.json();
if (!data?.Products) throw new Error(`Toggle refused (HTTP ${response.status}): ${errors?.[0]?.message}`);

for (const { id, name } of data.Products) console.log(`Product ${id}: ${name}`);
await tokens.close();

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see the top of this file`);
  return value;
}
