// django-graphql-jwt on SQLite, with refresh tokens.

import { describeServer } from "../django-graphql-jwt/description.js";

/** @import { Description } from "../scenarios.js" */

/** @type {Description} */
export default {
  ...describeServer("refreshToken"),
  title: "django-graphql-jwt, refresh tokens",
  installedBy: "django-graphql-jwt",
  revoked: "until expiry",
  notes: {
    "ended session":
      "The refresh token is revoked, and the key that signs access tokens is replaced. With the first alone, an access token is accepted until it expires.",
    "revoke()":
      "`revokeToken` ends the refresh token; the access token is accepted until it expires. A renewal does not end the refresh token before it, unless the server does so at the signal `refresh_token_rotated`, so earlier ones remain valid until they expire.",
  },
};
