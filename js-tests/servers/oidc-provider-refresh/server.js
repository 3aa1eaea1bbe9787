// oidc-provider with the grant `refresh_token`, for an application that a user has authorized, and an API of GraphQL Yoga.

import { COMMON, SECRET, optionsFor } from "../oidc-provider/description.js";

/** @import { Description } from "../scenarios.js" */

/** @type {Description} */
export default {
  ...COMMON,
  title: "oidc-provider and GraphQL Yoga, refresh tokens",
  installedBy: "oidc-provider",
  first: "renewal",
  isPermitted: (data) => data?.me === "app",
  notes: {
    "ended session":
      "The access token and the refresh token are removed from the store of the authorization server. The program's function then returns another first refresh token.",
    "wrong password": "A client secret.",
    restart: "A refresh token that reached no server is kept, and presented when the server is back.",
  },

  options: (url, clientSecret = SECRET) => ({
    ...optionsFor(url, {
      clientId: "app",
      clientSecret,
      grant: "refresh_token",
      refreshToken: async () => (await fetch(`${url}/tests/authorized`)).text(),
    }),
  }),
};
