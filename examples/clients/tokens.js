/**
 * The token manager that the examples beside this file share, as the modules of a program do.
 *
 * Fluz's is one of them; for another API, write what `quickstart` has for it.
 *
 * FLUZ_API_KEY     the application's key, as Fluz shows it
 * FLUZ_USER_ID     the user to act for, a UUID
 * FLUZ_ACCOUNT_ID  the account to act for, a UUID
 * FLUZ_ENDPOINT    the API; Fluz's sandbox where it is not set
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
