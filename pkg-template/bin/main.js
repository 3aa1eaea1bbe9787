/**
 * Runs a command, and handles help, errors and the exit status.
 *
 * Standard output contains only the result; messages go to standard error.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { demo } from "./commands/demo.js";
import { doctor } from "./commands/doctor.js";
import { header } from "./commands/header.js";
import { sandbox } from "./commands/sandbox.js";
import { scopes } from "./commands/scopes.js";
import { status } from "./commands/status.js";
import { token } from "./commands/token.js";
import { watch } from "./commands/watch.js";
import { lineOf, statusOf } from "./exit-status.js";
import { EXIT_OK, EXIT_USAGE, UsageError } from "./errors.js";
import { helpOf, overview } from "./help.js";
import { printable } from "./printable.js";
import { distance, parseArguments } from "./args.js";

/** @import { Flags, Arguments } from "./args.js" */

/**
 * @typedef {object} Command
 * @property {string} about Summary of one line.
 * @property {string} text Text of its help.
 * @property {Flags} flags Its own flags, in addition to the common ones.
 * @property {string} [operand] The operand that it requires.
 * @property {string} [rest] The arguments that it accepts after `--`.
 * @property {readonly string[]} examples Complete command lines.
 * @property {(call: Call) => Promise<number | void>} run Returns the exit status; nothing for success.
 */

/**
 * The arguments of a command.
 * @typedef {object} Call
 * @property {Arguments} args
 * @property {boolean} json
 * @property {(text: string) => void} print Prints to standard output, with a line break.
 * @property {(text: string) => void} warn Prints to standard error.
 */

/** @type {Readonly<Record<string, Command>>} */
const COMMANDS = { token, header, status, watch, scopes, doctor, sandbox, demo };

/** @type {Flags} */
const COMMON = {
  json: { about: "print JSON, and errors as JSON" },
  quiet: { about: "no warnings", short: "q" },
  help: { about: "this text", short: "h" },
};

/**
 * @param {readonly string[]} given
 * @returns {Promise<number>} The exit status.
 */
export async function main([name = "--help", ...given]) {
  endWithReader();
  if (name === "--help" || name === "-h" || name === "help") {
    const topic = given.find((arg) => Object.hasOwn(COMMANDS, arg));
    console.log(topic ? helpOf(topic, /** @type {Command} */ (COMMANDS[topic]), COMMON) : overview(COMMANDS));
    return EXIT_OK;
  }
  if (name === "--version" || name === "-V") {
    console.log(await version());
    return EXIT_OK;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    console.error(`graphql-token-manager: usage: ${unknown(name)}`);
    return EXIT_USAGE;
  }
  return runCommand(name, command, given);
}

/**
 * @param {string} name
 * @param {Command} command
 * @param {readonly string[]} given
 */
async function runCommand(name, command, given) {
  let json = given.includes("--json");
  /** @type {string | undefined} */
  let provider;
  try {
    const args = parseArguments(given, { ...command.flags, ...COMMON });
    provider = args.one("provider");
    json = args.has("json");
    if (args.has("help")) {
      console.log(helpOf(name, command, COMMON));
      return EXIT_OK;
    }
    checkOperands(command, args);
    const print = (/** @type {string} */ text) => void process.stdout.write(`${printable(text)}\n`);
    const warn = (/** @type {string} */ text) => {
      if (!args.has("quiet")) console.error(printable(`graphql-token-manager ${name}: warning: ${text}`));
    };
    return (await command.run({ args, json, print, warn })) ?? EXIT_OK;
  } catch (error) {
    const line = printable(lineOf(error, json, provider));
    const help = error instanceof UsageError && !json ? `; see graphql-token-manager ${name} --help` : "";
    console.error(json ? line : `graphql-token-manager ${name}: ${line}${help}`);
    return statusOf(error);
  }
}

/**
 * @param {Command} command
 * @param {Arguments} args
 */
function checkOperands({ operand, rest }, args) {
  // The operands are not repeated in the message: one may be a secret without its flag.
  if (operand && args.operands.length === 0) throw new UsageError(`${operand} is missing`);
  const most = operand ? 1 : 0;
  if (args.operands.length > most) {
    throw new UsageError(`it takes ${operand ? `one ${operand}` : "flags"} and no other words`);
  }
  if (args.rest && !rest) throw new UsageError("it takes nothing after --");
}

/** @param {string} name */
function unknown(name) {
  const near = Object.keys(COMMANDS).find((known) => distance(known, name) <= 2);
  const what = name.startsWith("-") ? "the command comes first" : "there is no such command";
  const known = Object.keys(COMMANDS).join(", ");
  return `${what}; ${near ? `did you mean ${near}? ` : ""}write one of ${known}; see graphql-token-manager --help`;
}

async function version() {
  const manifest = await readFile(new URL("../package.json", import.meta.url), "utf8");
  return JSON.parse(manifest).version;
}

/**
 * Ends the process when its output is closed, for example by `head` after a line. Nothing depends on what is written to
 * standard error, so a failure there ends nothing.
 */
function endWithReader() {
  process.stdout.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  process.stderr.on("error", () => {});
}
