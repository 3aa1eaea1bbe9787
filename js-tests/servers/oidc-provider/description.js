// What both grants have in common.

import { oauth2 } from "graphql-token-manager/providers";
import { LIFETIME_MS } from "../lifetime.js";
import { post } from "../place.js";

/** @import { OAuth2Options } from "graphql-token-manager/providers" */
/** @import { Description } from "../scenarios.js" */

export const SECRET = "correct horse/battery";

/**
 * Returns the options of a manager.
 *
 * @param {string} url
 * @param {Pick<OAuth2Options, "clientId" | "clientSecret"> & Partial<OAuth2Options>} client
 */
export const optionsFor = (url, client) => ({
  provider: oauth2({
    endpoint: `${url}/graphql`,
    tokenEndpoint: `${url}/token`,
    revoke: { url: `${url}/token/revocation` },
    ...client,
  }),
});

/** @satisfies {Partial<Description>} */
export const COMMON = {
  preset: "oauth2",
  package: "oidc-provider",
  lifetimeMs: LIFETIME_MS,
  query: "{ me }",
  endedSession: /** @type {const} */ ("replayed"),
  revoked: /** @type {const} */ ("replayed"),

  /** @param {import("../place.js").Place} place */
  start: async (place) => {
    await place.copyProgram(import.meta.dirname);
    const words = ["node", "main.js", `${place.port}`, `${LIFETIME_MS / 1_000}`];
    await place.serve(words, { ready: "/.well-known/openid-configuration" });
  },

  /** @param {import("../scenarios.js").Ended} ended */
  endSession: ({ url, token }) => post(`${url}/tests/end?${encodeURIComponent(token)}`, {}),
};
