/**
 * TanStack Query 5: query functions call `tokens.request`, which accepts the query's signal. Its errors state whether
 * to retry. React, Vue, Solid and Svelte use the same `QueryClient`.
 *
 *     npm install graphql-token-manager @tanstack/query-core
 *     FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=… node tanstack-query.js
 */

import { QueryClient } from "@tanstack/query-core";
import { TokenError } from "graphql-token-manager";
import { tokens } from "./tokens.js";

export const client = new QueryClient({
  defaultOptions: {
    queries: { retry: (count, error) => count < 3 && TokenError.is(error) && error.retryable },
  },
});

export const OFFERS = "query Offers($limit: Int) { getOffers(limit: $limit) { offerId merchant } }";

/** @param {number} limit */
export const offersQuery = (limit) => ({
  queryKey: ["offers", limit],
  /**
   * @param {{ signal: AbortSignal }} context
   * @returns {Promise<{ getOffers: { merchant: string }[] }>}
   */
  queryFn: ({ signal }) => tokens.request(OFFERS, { limit }, { signal }),
});

/** @param {number} limit */
export async function offers(limit) {
  const { getOffers } = await client.fetchQuery(offersQuery(limit));
  return getOffers;
}

for (const { merchant } of await offers(3)) console.log(`Offer by ${merchant}`);
