/** The command `header`, which prints a request header with a token. @module */

import { TOKEN_FLAGS, headerOf, withToken } from "../manager.js";

/** @import { Command } from "../main.js" */

/** @type {Command} */
export const header = {
  about: "print the Authorization header, for curl -H @-",
  flags: TOKEN_FLAGS,
  text: `Prints "Authorization: Bearer …". Through a pipe, the token is in no process list; with curl -H "$(…)" it is.
With --json: {"Authorization": "Bearer …"}. A profile with \`present\` has its own header and scheme.`,
  examples: [
    `graphql-token-manager header --provider toggle --username api-user --password-env TOGGLE_PASSWORD --store ~/.cache/tokens \\
      | curl -H @- --json '{"query": "{ Products(account_id: 1) { id } }"}' https://api.mytoggle.io/graphql`,
  ],
  async run(call) {
    await withToken(call, (token, tokens) => {
      const [name, value] = headerOf(tokens, token);
      call.print(call.json ? JSON.stringify({ [name]: value }) : `${name}: ${value}`);
    });
  },
};
