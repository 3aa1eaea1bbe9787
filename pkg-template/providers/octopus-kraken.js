// Kraken of Octopus Energy and of other suppliers: `obtainKrakenToken`.
//
// Sources (December 2026): developer.octopus.energy/graphql/guides/basics (60 minutes, refresh token of 7 days, header
// without scheme) and /graphql/reference/error-codes; `refreshExpiresIn`, a time since 1970, in the schema; the codes
// that BottlecapDave/HomeAssistant-OctopusEnergy treats as failed authentication. Unknown: after how many failed
// log-ins the account is locked.

import { checkOptions, secretOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { OctopusKrakenOptions } from "./index.js" */

const DOCUMENT =
  "mutation ($input: ObtainJSONWebTokenInput!) { obtainKrakenToken(input: $input) { token refreshToken refreshExpiresIn } }";

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
    refreshToken: {
      data: "obtainKrakenToken.refreshToken",
      expiry: { expiresAt: "obtainKrakenToken.refreshExpiresIn" },
    },
    expiry: { jwt: true },
    present: { scheme: "" },
    // No header, expired, invalid. Not KT-CT-1111 and KT-CT-1128, which are missing permissions as well.
    refused: { codes: ["KT-CT-1112", "KT-CT-1124", "KT-CT-1143"] },
    // Refresh token expired or wrong; credentials wrong.
    denied: { codes: ["KT-CT-1134", "KT-CT-1135", "KT-CT-1138", "KT-CT-1139"] },
  };
}
