/** The command `scopes`, which prints the scopes that a document needs. @module */

import { CommandError, UsageError } from "../errors.js";
import { ONE_OF_THE_PROVIDERS, PROVIDER_NAMES } from "../provider-flags.js";
import { LONGEST_TEXT, fromInput, readText } from "../secrets.js";

/** @import { Command } from "../main.js" */

/** @type {Command} */
export const scopes = {
  about: "tell which scopes a document needs",
  operand: "FILE",
  flags: {
    provider: { value: "NAME", about: ONE_OF_THE_PROVIDERS, choices: PROVIDER_NAMES },
    operation: { value: "NAME", about: "the operation to look at (default: all of the document)" },
  },
  text: `Prints the scopes that the GraphQL document in FILE (- for standard input) needs, one a line, from what the provider
publishes, without a request. With --json: {"scopes": […]}. A field of which nothing is published is an error.`,
  examples: [
    "graphql-token-manager scopes charge.graphql --provider braintree",
    `graphql-token-manager token --provider braintree … \\
      --scopes "$(graphql-token-manager scopes charge.graphql --provider braintree)"`,
  ],
  async run({ args, print, json }) {
    const provider = args.one("provider");
    if (provider === undefined) throw new UsageError(`scopes needs --provider ${ONE_OF_THE_PROVIDERS}`);
    const path = args.operands[0] ?? "";
    const text = path === "-" ? await fromInput("scopes", LONGEST_TEXT) : await readText(path, path);
    const needed = await scopesOf(text, path, provider, args.one("operation"));
    if (json) print(JSON.stringify({ scopes: needed }));
    else if (needed.length > 0) print(needed.join("\n"));
  },
};

/**
 * @param {string} text
 * @param {string} path
 * @param {string} provider
 * @param {string | undefined} operationName
 */
async function scopesOf(text, path, provider, operationName) {
  const { requiredScopes } = await import("graphql-token-manager/scopes");
  try {
    return requiredScopes(text, /** @type {any} */ (provider), { operationName });
  } catch (error) {
    const { code, message } = /** @type {import("graphql-token-manager").TokenError} */ (error);
    // Line and column are put first, where editors and terminals recognise a source location.
    const [, line, column] = / \(line (\d+), column (\d+)\)/.exec(message) ?? [];
    const place = line === undefined ? path : `${path}:${line}:${column}`;
    const what = message.replace(/ \(line \d+, column \d+\)/, "").replace("`document`", "it");
    throw new CommandError(code === "unsupported" ? code : "invalid_document", `${place}: ${what}`);
  }
}
