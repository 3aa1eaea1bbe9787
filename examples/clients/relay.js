/**
 * Relay 21: its network layer sends through `tokens.fetch`.
 *
 *     npm install graphql-token-manager relay-runtime
 *     FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=… node relay.js
 *
 * The query was compiled by `relay-compiler`, with `eagerEsModules`, from
 *
 *     query relayOffersQuery($limit: Int) { getOffers(limit: $limit) { offerId merchant } }
 */

import { Environment, Network, RecordSource, Store, fetchQuery } from "relay-runtime";
import { endpoint, tokens } from "./tokens.js";
import offersQuery from "./__generated__/relayOffersQuery.graphql.js";

export const environment = new Environment({
  network: Network.create(async ({ text, name }, variables) => {
    const response = await tokens.fetch(endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ query: text, operationName: name, variables }),
    });
    return response.json();
  }),
  store: new Store(new RecordSource()),
});

/** @param {number} limit */
export async function offers(limit) {
  const data = await fetchQuery(environment, offersQuery, { limit }).toPromise();
  const { getOffers } = /** @type {{ getOffers: { merchant: string }[] }} */ (data);
  return getOffers;
}

for (const { merchant } of await offers(3)) console.log(`Offer by ${merchant}`);
