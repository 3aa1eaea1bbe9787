/**
 * graphql-request 7: the client sends through `tokens.fetch`.
 *
 *     npm install graphql-token-manager graphql-request graphql
 *     FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=… node graphql-request.js
 */

import { GraphQLClient, gql } from "graphql-request";
import { endpoint, tokens } from "./tokens.js";

export const client = new GraphQLClient(endpoint, { fetch: tokens.fetch });

export const OFFERS = gql`
  query Offers($limit: Int) {
    getOffers(limit: $limit) {
      offerId
      merchant
    }
  }
`;

/**
 * @param {number} limit
 * @returns {Promise<{ merchant: string }[]>}
 */
export async function offers(limit) {
  const { getOffers } = await client.request(OFFERS, { limit });
  return getOffers;
}

for (const { merchant } of await offers(3)) console.log(`Offer by ${merchant}`);
