/**
 * graphql-ws 6: subscriptions over a WebSocket, which is authorised once, when it is opened. A server that refuses the
 * token, then or later, closes it with 4403; the client opens another one, with another token. After 4401, which some
 * servers use, it does not: subscribe again then.
 *
 *     npm install graphql-token-manager graphql-ws ws graphql
 *     API_ENDPOINT=https://api.example.com/graphql API_ID=… API_SECRET=… node graphql-ws.js
 */

import { TokenError } from "graphql-token-manager";
import { CloseCode, createClient } from "graphql-ws";
import WebSocket from "ws";
import { tokens, url } from "./own-api.js";

/** What the connection was opened with. */
let token = "";

/** How servers refuse it. */
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
  // A token that cannot be had for the moment is no reason to give up.
  shouldRetry: (problem) => isClosed(problem) || (TokenError.is(problem) && problem.retryable),
  // Browsers, and Node from version 22 on, have a WebSocket of their own: leave this out.
  webSocketImpl: WebSocket,
});

/** Orders as they come in. */
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
