/**
 * Parses a command line by a table of flags, and reports errors in it.
 *
 * Messages repeat only the names of flags, because a secret may have been written in the wrong place.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { UsageError } from "./errors.js";

/**
 * @typedef {object} Flag
 * @property {string} about One line for the help.
 * @property {string} [value] Name of its value in the help, e.g. `NAME`. Without it, the flag has no value.
 * @property {string} [short] One letter.
 * @property {boolean} [many] Set if it may be given several times.
 * @property {readonly string[]} [choices]
 */

/** @typedef {Readonly<Record<string, Flag>>} Flags */

/**
 * A parsed command line.
 * @typedef {object} Arguments
 * @property {(flag: string) => boolean} has
 * @property {(flag: string) => string | undefined} one
 * @property {(flag: string) => readonly string[]} all
 * @property {readonly string[]} operands Arguments that are not flags.
 * @property {readonly string[] | undefined} rest Arguments after `--`.
 */

/** Flags that users may try, but that would expose a secret in the list of processes. */
const SECRETS = ["api-key", "app-secret", "password", "client-secret"];

/**
 * @param {readonly string[]} args
 * @param {Flags} flags
 * @returns {Arguments}
 * @throws {UsageError}
 */
export function parseArguments(args, flags) {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value, short }]) => {
      return [name, { type: kind(value !== undefined), multiple: true, ...(short ? { short } : {}) }];
    }),
  );
  // Not strict, because the messages of strict mode repeat the input.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  /** @type {Map<string, string[]>} */
  const given = new Map();
  /** @type {string[]} */
  const operands = [];
  /** @type {number | undefined} */
  let end;
  for (const token of tokens) {
    if (token.kind === "option-terminator") end ??= token.index;
    else if (token.kind === "option") take(token, flags, given);
    else if (end === undefined) operands.push(token.value);
  }
  return {
    has: (flag) => given.has(flag),
    one: (flag) => given.get(flag)?.[0],
    all: (flag) => given.get(flag) ?? [],
    operands,
    rest: end === undefined ? undefined : args.slice(end + 1),
  };
}

/** @param {boolean} takesValue */
const kind = (takesValue) => /** @type {"string" | "boolean"} */ (takesValue ? "string" : "boolean");

/**
 * @param {{ name: string, rawName: string, value: string | undefined, inlineValue: boolean | undefined }} token
 * @param {Flags} flags
 * @param {Map<string, string[]>} given
 */
function take({ name, rawName, value, inlineValue }, flags, given) {
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (!flag) throw unknown(name, rawName, Object.keys(flags));
  if (flag.value === undefined && value !== undefined) throw new UsageError(`${rawName} takes no value`);
  // An argument that starts with a dash is a flag rather than a value, unless it is joined by `=`.
  const missing = value === undefined || value === "" || (!inlineValue && /^-./.test(value));
  if (flag.value !== undefined && missing) throw new UsageError(`${rawName} wants a value: ${flag.value}`);
  if (flag.choices && value !== undefined && !flag.choices.includes(value)) {
    throw new UsageError(`${rawName} takes ${flag.choices.join(", ")}`);
  }
  const before = given.get(name) ?? [];
  if (before.length > 0 && !flag.many) throw new UsageError(`${rawName} is given twice`);
  given.set(name, [...before, value ?? ""]);
}

/**
 * @param {string} name
 * @param {string} rawName
 * @param {readonly string[]} known
 */
function unknown(name, rawName, known) {
  if (SECRETS.includes(name)) {
    const ways = known.includes(`${name}-env`)
      ? `; write ${rawName}-env NAME for an environment variable, or ${rawName}-file PATH, - for standard input`
      : "";
    return new UsageError(
      `${rawName} is not accepted: process lists and the shell's history show what is written here${ways}`,
    );
  }
  // Any other argument may be a secret without its flag.
  const shown = /^--?[a-z][a-z-]{0,30}$/.test(rawName) ? `the flag ${rawName}` : "one of the flags";
  const near =
    known.find((other) => distance(other, name) <= 2) ?? known.find((other) => other.startsWith(name));
  return new UsageError(`${shown} is not known here${near ? `; did you mean --${near}?` : ""}`);
}

/**
 * Returns the Levenshtein distance of two strings.
 * @param {string} one
 * @param {string} other
 */
export function distance(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (const [line, letter] of [...one].entries()) {
    const next = [line + 1];
    for (let column = 1; column <= other.length; column += 1) {
      const changed = /** @type {number} */ (row[column - 1]) + (letter === other[column - 1] ? 0 : 1);
      const added = /** @type {number} */ (next[column - 1]) + 1;
      next.push(Math.min(changed, added, /** @type {number} */ (row[column]) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

const UNITS = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/**
 * Parses a duration such as `10s` to milliseconds.
 * @param {string} flag
 * @param {string} text
 */
export function span(flag, text) {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Math.round(Number(number) * (UNITS.get(unit) ?? NaN));
  if (number !== "" && Number.isSafeInteger(ms)) return ms;
  throw new UsageError(`--${flag} takes a number with its unit, ms, s, m or h: 500ms, 10s, 3m, 1h`);
}

/**
 * @param {string} flag
 * @param {string} text
 * @param {number} least
 * @param {number} most
 */
export function whole(flag, text, least, most) {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new UsageError(`--${flag} takes a whole number from ${least} to ${most}`);
}
