/**
 * Apollo Client 4: its HTTP link sends through `tokens.fetch`. Batching and persisted-query links accept it in the same
 * way.
 *
 *     npm install graphql-token-manager @apollo/client rxjs graphql
 *     FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=… node apollo.js
 */

import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { endpoint, tokens } from "./tokens.js";

export const client = new ApolloClient({
  link: new HttpLink({ uri: endpoint, fetch: tokens.fetch }),
  cache: new InMemoryCache(),
});

/** @type {import("@apollo/client").TypedDocumentNode<{ getOffers: { merchant: string }[] }, { limit: number }>} */
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
  const { data } = await client.query({ query: OFFERS, variables: { limit } });
  return data?.getOffers ?? [];
}

for (const { merchant } of await offers(3)) console.log(`Offer by ${merchant}`);
