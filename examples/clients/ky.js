/**
 * ky: the instance sends through `tokens.fetch`. Its timeouts and retries continue to work.
 *
 *     npm install graphql-token-manager ky
 *     FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=… node ky.js
 */

import ky from "ky";
import { endpoint, tokens } from "./tokens.js";

export const client = ky.create({ fetch: tokens.fetch });

export const OFFERS = "query Offers($limit: Int) { getOffers(limit: $limit) { offerId merchant } }";

/**
 * @typedef {{ data: { getOffers: { merchant: string }[] }, errors?: { message: string }[] }} Answer
 * @param {number} limit
 */
export async function offers(limit) {
  /** @type {Answer} */
  const { data, errors } = await client
    .post(endpoint, { json: { query: OFFERS, variables: { limit } } })
    .json();
  if (errors) throw new Error(errors[0].message);
  return data.getOffers;
}

for (const { merchant } of await offers(3)) console.log(`Offer by ${merchant}`);
