/**
 * ofetch, which is Nuxt's `$fetch`: the instance sends through `tokens.fetch`.
 *
 *     npm install graphql-token-manager ofetch
 *     FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=… node ofetch.js
 */

import { createFetch } from "ofetch";
import { endpoint, tokens } from "./tokens.js";

export const $fetch = createFetch({ fetch: tokens.fetch });

export const OFFERS = "query Offers($limit: Int) { getOffers(limit: $limit) { offerId merchant } }";

/**
 * @typedef {{ data: { getOffers: { merchant: string }[] }, errors?: { message: string }[] }} Answer
 * @param {number} limit
 */
export async function offers(limit) {
  /** @type {Answer} */
  const { data, errors } = await $fetch(endpoint, {
    method: "POST",
    body: { query: OFFERS, variables: { limit } },
  });
  if (errors) throw new Error(errors[0].message);
  return data.getOffers;
}

for (const { merchant } of await offers(3)) console.log(`Offer by ${merchant}`);
