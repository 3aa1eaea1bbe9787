/**
 * Command-line options of the demo.
 *
 * @module
 */

import { parseArgs } from "node:util";

/** @import { Plan } from "./run.js" */

export const HELP = `Shows how tokens are got, shared and refreshed, against a sandbox on this machine.

Usage: node examples/demo/demo.js [options]

  --seconds N    how long calls are made: a whole number from 10 to 3600 (default 22)
  --grant-ms N   how long the sandbox takes for a request for a token: 100 to 10000 (default 200);
                 with 5000, tokens end before new ones come, and the demo fails
  --revoke       withdraw all tokens halfway: calls are refused, and the demo fails
  --help         this text

Ends with 0 if all that is claimed held, with 1 if not, with 130 after Ctrl-C.`;

/**
 * @param {string[]} words
 * @returns {Plan | "help"}
 * @throws {Error} that names the invalid option
 */
export function parse(words) {
  const { values } = parseArgs({
    args: words,
    options: {
      seconds: { type: "string", default: "22" },
      "grant-ms": { type: "string", default: "200" },
      revoke: { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  });
  if (values.help) return "help";
  return {
    // At least ten seconds, for two refreshes of each token.
    seconds: whole("--seconds", values.seconds, 10, 3_600),
    // At least 100 ms, so that two calls start during a grant.
    grantMs: whole("--grant-ms", values["grant-ms"], 100, 10_000),
    revoke: values.revoke,
  };
}

/**
 * @param {string} option
 * @param {string} text
 * @param {number} least
 * @param {number} most
 */
function whole(option, text, least, most) {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new Error(`${option} takes a whole number from ${least} to ${most}, not \`${text}\``);
}
