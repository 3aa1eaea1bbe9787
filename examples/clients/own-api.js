/**
 * The token manager of an API of one's own, for the examples beside this file whose client does not ask a GraphQL
 * endpoint over HTTP: the tokens come from GraphQL, and are for the REST resources and the WebSocket beside it.
 *
 * API_ENDPOINT  the GraphQL API, which gives tokens
 * API_ID        whom to get a token for
 * API_SECRET    the secret that goes with it
 * API_URL       where the resources are; what API_ENDPOINT begins with where it is not set
 *
 * The document and the paths below are those of an example; write those of your API.
 */

import { TokenManager } from "graphql-token-manager";

const endpoint = setting("API_ENDPOINT");

export const url = process.env.API_URL ?? new URL("/", endpoint).href;

export const tokens = new TokenManager({
  provider: {
    name: "my-api",
    endpoint,
    authenticate: {
      document: "mutation ($id: ID!, $secret: String!) { login(id: $id, secret: $secret) { jwt ttl } }",
      variables: { id: setting("API_ID"), secret: () => setting("API_SECRET") },
    },
    token: { data: "login.jwt" },
    expiry: { expiresIn: "login.ttl", unit: "seconds" },
    refused: { statuses: [401], codes: ["UNAUTHENTICATED"] },
  },
  // Where the token may be sent, besides the endpoint's own origin.
  origins: [url],
});

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see the top of own-api.js`);
  return value;
}
