/**
 * The token manager of a custom API, for the examples in this folder that do not use GraphQL over HTTP: the tokens are
 * obtained over GraphQL and authorize REST requests and a WebSocket.
 *
 * API_ENDPOINT  the GraphQL endpoint that issues tokens
 * API_ID        the client id
 * API_SECRET    its secret
 * API_URL       the base URL of the resources; default: the origin of API_ENDPOINT
 *
 * The document and the paths below are examples; replace them with those of your API.
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
  // Origins to which the token may be sent, in addition to that of the endpoint.
  origins: [url],
});

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see the top of own-api.js`);
  return value;
}
