/** The command `token`, which prints an access token. @module */

import { TOKEN_FLAGS, withToken } from "../manager.js";

/** @import { Command } from "../main.js" */

/** @type {Command} */
export const token = {
  about: "print an access token",
  flags: TOKEN_FLAGS,
  text: `Prints the access token alone, for $(…). With --json: {"value", "tokenType", "scopes", "issuedAt", "expiresAt"},
points in time in milliseconds since 1970.

Without --store, each call asks the provider for a token. With it, calls share one until it is nearly over: the folder
is made with mode 0700, its files with 0600.`,
  examples: [
    `graphql-token-manager token --provider fluz --environment sandbox --api-key-env FLUZ_API_KEY \\
      --user-id 3f6e1e5e-… --account-id 8d0b6c1a-… --scopes LIST_OFFERS --store ~/.cache/tokens`,
    "graphql-token-manager token --provider toggle --username api-user --password-file /run/secrets/toggle",
    "op read op://vault/toggle/password | graphql-token-manager token --provider toggle --username u --password-file -",
  ],
  async run(call) {
    await withToken(call, (token) => {
      const { value, tokenType, scopes, issuedAt, expiresAt } = token;
      call.print(call.json ? JSON.stringify({ value, tokenType, scopes, issuedAt, expiresAt }) : value);
    });
  },
};
