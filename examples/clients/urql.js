/**
 * urql 6: the client sends through `tokens.fetch`, which replaces its auth exchange.
 *
 *     npm install graphql-token-manager @urql/core
 *     FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=… node urql.js
 */

import { Client, cacheExchange, fetchExchange, gql } from "@urql/core";
import { endpoint, tokens } from "./tokens.js";

export const client = new Client({
  url: endpoint,
  fetch: tokens.fetch,
  // By default, queries are sent with GET, which not every API accepts.
  preferGetMethod: false,
  exchanges: [cacheExchange, fetchExchange],
});

export const OFFERS = gql`
  query Offers($limit: Int) {
    getOffers(limit: $limit) {
      offerId
      merchant
    }
  }
`;

/** @param {number} limit */
export async function offers(limit) {
  const { data, error } = await client.query(OFFERS, { limit });
  if (error) throw error;
  return data.getOffers;
}

for (const { merchant } of await offers(3)) console.log(`Offer by ${merchant}`);
