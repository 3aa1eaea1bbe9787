// Type inference from a typed document; checked by the compiler, never run.

import type { OFFERS } from "../../examples/clients/typed-documents/offers.ts";
import { TokenManager } from "graphql-token-manager";

declare const tokens: TokenManager;
declare const offers: typeof OFFERS;

const { getOffers } = await tokens.request(offers, { limit: 3 });
const merchants: string[] | undefined = getOffers?.map(({ merchant }) => merchant);
await tokens.request(offers);

// @ts-expect-error The variable is a number.
await tokens.request(offers, { limit: "three" });
// @ts-expect-error There is no such variable.
await tokens.request(offers, { first: 3 });
// @ts-expect-error The document does not ask for it.
getOffers?.map(({ rewardValue }) => rewardValue);

export { merchants };
