/** The command `header`, which prints a request header with a token. @module */

import { TOKEN_FLAGS, withToken } from "../manager.js";

/** @import { Command } from "../main.js" */

/** @type {Command} */
export const header = {
  about: "print the Authorization header, for curl -H @-",
  flags: TOKEN_FLAGS,
  text: `Prints "Authorization: Bearer …". Through a pipe, the token is in no process list; with curl -H "$(…)" it is.
With --json: {"Authorization": "Bearer …"}.`,
  examples: [
    `graphql-token-manager header --provider toggle --username api-user --password-env TOGGLE_PASSWORD --store ~/.cache/tokens \\
      | curl -H @- --json '{"query": "{ Products(account_id: 1) { id } }"}' https://api.mytoggle.io/graphql`,
  ],
  async run(call) {
    await withToken(call, ({ tokenType, value }) => {
      const held = `${tokenType} ${value}`;
      call.print(call.json ? JSON.stringify({ Authorization: held }) : `Authorization: ${held}`);
    });
  },
};
