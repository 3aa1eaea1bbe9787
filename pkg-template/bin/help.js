/**
 * The text of `--help`, generated from the tables that also define the parsing of the command line.
 *
 * @module
 */

import { variableOf, variablesByProvider } from "./variables.js";

/** @import { Command } from "./main.js" */
/** @import { Flags } from "./args.js" */

const ENDINGS = `Ends with 0 when done, 1 after a failure that stays, 2 where the command line is wrong, 75 after a failure that may
pass (no network, a server's outage, too many requests).`;

/** Variables that show the rule for their names. */
const SHOWN = [
  ["fluz", "apiKey"],
  ["toggle", "password"],
  ["fluz", "endpoint"],
]
  .map(([provider = "", option = ""]) => variableOf(provider, option))
  .join(", ");

/** @param {Readonly<Record<string, Command>>} commands */
export function overview(commands) {
  return `Gets, shares and renews short-lived access tokens for GraphQL APIs.

Usage: graphql-token-manager COMMAND [flags]

${table(Object.entries(commands).map(([name, { about }]) => [name, about]))}

graphql-token-manager COMMAND --help tells more; --version prints the version.

Secrets are never written on the command line: --api-key-env NAME takes one from an environment variable,
--api-key-file PATH from a file, or from standard input with -. Without a flag, credentials, ids and the endpoint come
from variables of the provider's and the option's name, as ${SHOWN}.

${ENDINGS}`;
}

/**
 * @param {string} name
 * @param {Command} command
 * @param {Flags} common
 */
export function helpOf(name, { text, flags, operand, rest, examples }, common) {
  const parts = [operand, "[flags]", rest && `[-- ${rest}]`].filter(Boolean).join(" ");
  const rows = Object.entries({ ...flags, ...common }).map(([flag, { value, short, about }]) => {
    return [`${short ? `-${short}, ` : ""}--${flag}${value === undefined ? "" : ` ${value}`}`, about];
  });
  return `Usage: graphql-token-manager ${name} ${parts}

${text}

Flags:
${table(rows)}
${Object.hasOwn(flags, "endpoint") ? variables() : ""}
Examples:
  ${examples.join("\n  ")}

${ENDINGS}`;
}

function variables() {
  const rows = variablesByProvider().map(({ provider, variables }) => [provider, variables.join(" ")]);
  return `
Environment variables, where no flag gives the same (the provider's name, _, the option's):
${table(rows)}
`;
}

/** @param {readonly (readonly string[])[]} rows */
function table(rows) {
  const width = Math.max(...rows.map(([first = ""]) => first.length));
  return rows.map(([first = "", second]) => `  ${first.padEnd(width)}  ${second}`).join("\n");
}
