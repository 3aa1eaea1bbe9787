/**
 * GraphQL Code Generator: `tokens.request` accepts the generated documents and infers the types of variables and data
 * from them.
 *
 *     npm install graphql-token-manager
 *     npm install --save-dev graphql @graphql-codegen/cli @graphql-codegen/client-preset
 *     export FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=…
 *     npx graphql-codegen --config codegen.ts
 *     node offers.ts
 *
 * Running TypeScript directly requires Node 22.18 or newer.
 */

import { graphql } from "./gql/index.ts";
import { tokens } from "../tokens.js";

export const OFFERS = graphql(`
  query Offers($limit: Int) {
    getOffers(limit: $limit) {
      offerId
      merchant
    }
  }
`);

export async function offers(limit: number) {
  const { getOffers } = await tokens.request(OFFERS, { limit });
  return getOffers ?? [];
}

for (const { merchant } of await offers(3)) console.log(`Offer by ${merchant}`);
