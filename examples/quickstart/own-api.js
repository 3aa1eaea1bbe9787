/**
 * An API of your own, described as data: gets an access token, and asks who it is for.
 *
 *     npm install graphql-token-manager
 *     API_ENDPOINT=https://api.example.com/graphql API_ID=… API_SECRET=… node own-api.js
 *
 * API_ENDPOINT  the API
 * API_ID        whom to get a token for
 * API_SECRET    the secret that goes with it
 *
 * The two documents and the paths below are those of an example; write those of your API.
 */

import { TokenManager } from "graphql-token-manager";

const endpoint = setting("API_ENDPOINT");
const secret = setting("API_SECRET");

const tokens = new TokenManager({
  provider: {
    name: "my-api",
    endpoint,
    // How to get a token with the long-lived secret, which is a function so that it can come from a vault.
    authenticate: {
      document:
        "mutation ($id: ID!, $secret: String!) { login(id: $id, secret: $secret) { jwt renewal ttl } }",
      variables: { id: setting("API_ID"), secret: () => secret },
    },
    // How to get the next one; without this, in the same way as the first.
    renew: {
      document: "mutation ($refresh: String!) { renew(refresh: $refresh) { jwt renewal ttl } }",
      variables: { refresh: "$refreshToken" },
    },
    // Where things are in the answers to the two.
    token: { data: ["login.jwt", "renew.jwt"] },
    refreshToken: { data: ["login.renewal", "renew.renewal"] },
    expiry: { expiresIn: ["login.ttl", "renew.ttl"], unit: "seconds" },
    // How the API refuses a token.
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
