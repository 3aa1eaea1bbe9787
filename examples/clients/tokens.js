/**
 * The token manager that the examples in this folder share, as the modules of a program would.
 *
 * It is for Fluz; for another API, use the options from `quickstart`.
 *
 * FLUZ_API_KEY     the application's API key from Fluz
 * FLUZ_USER_ID     the user to act for, a UUID
 * FLUZ_ACCOUNT_ID  the account to act for, a UUID
 * FLUZ_ENDPOINT    the endpoint of the API; default: Fluz's sandbox
 */

import { TokenManager } from "graphql-token-manager";

export const endpoint =
  process.env.FLUZ_ENDPOINT ?? "https://transactional-graph.staging.fluzapp.com/api/v1/graphql";

export const tokens = new TokenManager({
  provider: "fluz",
  environment: "sandbox",
  endpoint,
  apiKey: setting("FLUZ_API_KEY"),
  userId: setting("FLUZ_USER_ID"),
  accountId: setting("FLUZ_ACCOUNT_ID"),
  scopes: ["LIST_OFFERS"],
});

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see the top of tokens.js`);
  return value;
}
