/**
 * graphql-ws 6: subscriptions over a WebSocket, which is authorized once, when it opens. A server that rejects the
 * token, then or later, closes the connection with 4403; the client reconnects with another token. After 4401, which
 * some servers use, it does not reconnect: subscribe again in that case.
 *
 *     npm install graphql-token-manager graphql-ws ws graphql
 *     API_ENDPOINT=https://api.example.com/graphql API_ID=… API_SECRET=… node graphql-ws.js
 */

import { TokenError } from "graphql-token-manager";
import { CloseCode, createClient } from "graphql-ws";
import WebSocket from "ws";
import { tokens, url } from "./own-api.js";

/** The token that the connection was opened with. */
let token = "";

/** Close codes of servers that reject the token. */
const REFUSED = [CloseCode.Forbidden, CloseCode.Unauthorized];

export const client = createClient({
  url: new URL("graphql", url.replace(/^http/, "ws")).href,
  connectionParams: async () => {
    token = await tokens.getToken();
    return { authorization: `Bearer ${token}` };
  },
  on: {
    closed: (event) => {
      if (isClosed(event) && REFUSED.includes(event.code)) tokens.invalidate(token);
    },
  },
  // Reconnect if a token is temporarily unavailable.
  shouldRetry: (problem) => isClosed(problem) || (TokenError.is(problem) && problem.retryable),
  // Omit this in browsers and in Node 22 or newer, which have a built-in WebSocket.
  webSocketImpl: WebSocket,
});

/** Yields orders as they arrive. */
export async function* orders() {
  const query = "subscription { orders { id } }";
  for await (const { data, errors } of client.iterate({ query })) {
    if (errors) throw new Error(errors[0].message);
    yield /** @type {{ orders: { id: string } }} */ (data).orders;
  }
}

for await (const { id } of orders()) {
  console.log(`Order ${id}`);
  break;
}

/**
 * @param {unknown} event
 * @returns {event is CloseEvent}
 */
function isClosed(event) {
  return typeof event === "object" && event !== null && "code" in event && "reason" in event;
}
