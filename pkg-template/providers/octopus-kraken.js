// Kraken of Octopus Energy and of other suppliers: `obtainKrakenToken`.
//
// Sources, read in December 2026: developer.octopus.energy/graphql/guides/basics (60 minutes, refresh token of 7 days, no
// scheme) and /graphql/reference/error-codes; HomeAssistant-OctopusEnergy#1399 and #1731 for the codes in practice.
// Unknown: how often a log-in may fail before the account is locked.

import { checkOptions, secretOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { OctopusKrakenOptions } from "./index.js" */

// Not `refreshExpiresIn`: a refresh token that expired is rejected, and replaced by the API key then.
const DOCUMENT =
  "mutation ($input: ObtainJSONWebTokenInput!) { obtainKrakenToken(input: $input) { token refreshToken } }";

/**
 * @param {OctopusKrakenOptions} options
 * @returns {Profile}
 */
export function octopusKraken(options) {
  checkOptions("octopusKraken", options, "endpoint apiKey*");
  return {
    name: "kraken",
    endpoint: options.endpoint,
    authenticate: { document: DOCUMENT, variables: { input: { APIKey: secretOf(options.apiKey) } } },
    renew: { document: DOCUMENT, variables: { input: { refreshToken: "$refreshToken" } } },
    token: { data: "obtainKrakenToken.token" },
    refreshToken: { data: "obtainKrakenToken.refreshToken" },
    expiry: { jwt: true },
    present: { scheme: "" },
    // No header, expired, invalid. Not KT-CT-1111 and KT-CT-1128, which are missing permissions as well.
    refused: { codes: ["KT-CT-1112", "KT-CT-1124", "KT-CT-1143"] },
    // Refresh token expired or wrong; credentials wrong.
    denied: { codes: ["KT-CT-1134", "KT-CT-1135", "KT-CT-1138", "KT-CT-1139"] },
    throttled: { codes: "KT-CT-1199" },
  };
}
