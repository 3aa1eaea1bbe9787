// oidc-provider with the grant `client_credentials`, and an API of GraphQL Yoga.

import { COMMON, SECRET, optionsFor } from "./description.js";

/** @import { Description } from "../scenarios.js" */

/** @type {Description} */
export default {
  ...COMMON,
  title: "oidc-provider and GraphQL Yoga",
  renewal: "login",
  isPermitted: (data) => data?.me === "reports",
  notes: {
    "ended session": "The access token is removed from the store of the authorization server.",
    "wrong password": "A client secret.",
  },

  options: (url, clientSecret = SECRET) => ({
    ...optionsFor(url, { clientId: "reports", clientSecret }),
    scopes: ["orders.read"],
  }),
};
