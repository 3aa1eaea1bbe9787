/**
 * axios 1.12 or newer: its fetch adapter sends through `tokens.fetch`. The default adapters for Node and browsers do
 * not use `fetch`.
 *
 *     npm install graphql-token-manager axios
 *     FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=… node axios.js
 */

import axios from "axios";
import { endpoint, tokens } from "./tokens.js";

export const client = axios.create({ adapter: "fetch", env: { fetch: tokens.fetch } });

export const OFFERS = "query Offers($limit: Int) { getOffers(limit: $limit) { offerId merchant } }";

/**
 * @param {number} limit
 * @returns {Promise<{ merchant: string }[]>}
 */
export async function offers(limit) {
  const { data: answer } = await client.post(endpoint, { query: OFFERS, variables: { limit } });
  if (answer.errors) throw new Error(answer.errors[0].message);
  return answer.data.getOffers;
}

for (const { merchant } of await offers(3)) console.log(`Offer by ${merchant}`);
