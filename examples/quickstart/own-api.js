/**
 * A custom API, described as data: obtains an access token, and requests the user that it belongs to.
 *
 *     npm install graphql-token-manager
 *     API_ENDPOINT=https://api.example.com/graphql API_ID=… API_SECRET=… node own-api.js
 *
 * API_ENDPOINT  the endpoint of the API
 * API_ID        the client id
 * API_SECRET    its secret
 *
 * The two documents and the paths below are examples; replace them with those of your API.
 */

import { TokenManager } from "graphql-token-manager";

const endpoint = setting("API_ENDPOINT");
const secret = setting("API_SECRET");

const tokens = new TokenManager({
  provider: {
    name: "my-api",
    endpoint,
    // The grant with the long-lived secret. The secret is a function, so that it can be read from a vault.
    authenticate: {
      document:
        "mutation ($id: ID!, $secret: String!) { login(id: $id, secret: $secret) { jwt renewal ttl } }",
      variables: { id: setting("API_ID"), secret: () => secret },
    },
    // The grant that renews a token. Without it, `authenticate` is used again.
    renew: {
      document: "mutation ($refresh: String!) { renew(refresh: $refresh) { jwt renewal ttl } }",
      variables: { refresh: "$refreshToken" },
    },
    // Paths of the token in the responses of both.
    token: { data: ["login.jwt", "renew.jwt"] },
    refreshToken: { data: ["login.renewal", "renew.renewal"] },
    expiry: { expiresIn: ["login.ttl", "renew.ttl"], unit: "seconds" },
    // Responses with which the API rejects a token.
    refused: { statuses: [401], codes: ["UNAUTHENTICATED"] },
  },
});

const response = await fetch(endpoint, {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: await tokens.authorization() },
  body: JSON.stringify({ query: "{ me { id } }" }),
});
const { data, errors } = await response.json();
if (!data?.me) throw new Error(`The API refused (HTTP ${response.status}): ${errors?.[0]?.message}`);

console.log(`The token is for ${data.me.id}`);
await tokens.close();

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see the top of this file`);
  return value;
}
