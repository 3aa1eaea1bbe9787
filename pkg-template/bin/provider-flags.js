/**
 * Flags that select the API and the credentials: those of each provider, converted to options of a manager.
 *
 * @module
 */

import { UsageError } from "./errors.js";
import { PROVIDERS } from "./provider-options.js";
import { fromFile, fromVariable, readText } from "./secrets.js";
import { span, whole } from "./args.js";
import { printable } from "./printable.js";
import { fromOwnVariable, hasVariable, variableOf } from "./variables.js";

/** @import { Flags, Arguments } from "./args.js" */

/**
 * The options of a provider, as `provider-options.js` lists them.
 * @typedef {object} ProviderOptions
 * @property {Readonly<Record<string, ProviderOption>>} options
 * @property {readonly (readonly string[])[]} alternatives Groups of options of which exactly one must be given.
 */

/**
 * @typedef {object} ProviderOption
 * @property {"text" | "secret" | "date" | "scopes" | "keyword"} kind
 * @property {string} about
 * @property {readonly string[]} [choices] The accepted keywords.
 * @property {boolean} [required]
 * @property {string} [requiredWithout] The option without which this one is required.
 */

/** The names of the built-in providers. */
export const PROVIDER_NAMES = Object.keys(PROVIDERS);

/** Returns the flag of an option. @param {string} option */
const flagOf = (option) => option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * The flags of an option. The value of a secret comes from a variable, a file or standard input, never from the command
 * line.
 *
 * @param {string} option
 * @param {ProviderOption["kind"]} [kind] of a provider's own option
 */
const flagsOf = (option, kind) =>
  kind === "secret" ? [`${flagOf(option)}-env`, `${flagOf(option)}-file`] : [flagOf(option)];

/** The options of all providers. Several may have one of the same name, with another kind and meaning. */
const ROWS = Object.entries(PROVIDERS).flatMap(([provider, { options }]) =>
  Object.entries(options).map(([option, spec]) => ({ provider, option, spec })),
);

/** The options that have a flag of their own name. */
const OPTIONS = new Set([
  "provider",
  "profile",
  "endpoint",
  "store",
  "identity",
  "allowInsecure",
  ...ROWS.map(({ option }) => option),
]);

/**
 * Returns the flags of an option: those of the provider that the command line names, else those of all providers.
 *
 * @param {string} option
 * @param {string} provider
 */
export function flagsFor(option, provider) {
  const rows = ROWS.filter((row) => row.option === option);
  const own = rows.filter((row) => row.provider === provider);
  const kinds = (own.length > 0 ? own : rows).map(({ spec }) => spec.kind);
  return kinds.length === 0 ? flagsOf(option) : new Set(kinds.flatMap((kind) => flagsOf(option, kind)));
}

/** What help calls the values of flags. Others are a `VALUE`. @type {Readonly<Record<string, string>>} */
const PLACEHOLDERS = { keyword: "NAME", date: "DATE", scopes: "LIST" };

/** The help of the second flag of a secret. */
const SAME_FROM_FILE = "the same: the file that holds it, - for standard input";

/**
 * Returns the flags of a provider's option with their help.
 *
 * @param {string} option
 * @param {ProviderOption} spec
 * @returns {Flags}
 */
function helpOf(option, { kind, about, choices }) {
  const [flag = "", file] = flagsOf(option, kind);
  if (file === undefined) {
    const value = PLACEHOLDERS[kind] ?? (option.endsWith("Id") ? "ID" : "VALUE");
    const help = { value, about: inFlags(about) };
    return { [flag]: { ...help, ...(choices && { choices }), ...(kind === "scopes" && { many: true }) } };
  }
  return {
    [flag]: { value: "NAME", about: `${about}: the variable that holds it` },
    [file]: { value: "PATH", about: SAME_FROM_FILE },
  };
}

/**
 * Returns the flags of providers' options with their help: one text for all, or the text of each provider.
 *
 * @param {typeof ROWS} rows
 * @returns {Flags}
 */
export function helpOfOptions(rows) {
  /** @type {Record<string, { provider: string, help: Flags[string] }[]>} */
  const byFlag = {};
  for (const { provider, option, spec } of rows) {
    for (const [flag, help] of Object.entries(helpOf(option, spec)))
      (byFlag[flag] ??= []).push({ provider, help });
  }
  const merged = Object.entries(byFlag).map(([flag, ways]) => {
    const abouts = new Set(ways.map(({ help }) => help.about));
    const isForAll = abouts.size === 1 && (ways.length > 1 || abouts.has(SAME_FROM_FILE));
    const about = isForAll
      ? [...abouts].join("")
      : ways.map(({ provider, help }) => `${provider}: ${help.about}`).join("; ");
    const choices = [...new Set(ways.flatMap(({ help }) => help.choices ?? []))];
    return [flag, { ...ways[0]?.help, about, ...(choices.length > 0 && { choices }) }];
  });
  return Object.fromEntries(merged);
}

/** The names of the built-in providers as a phrase. */
export const ONE_OF_THE_PROVIDERS = PROVIDER_NAMES.join(", ").replace(/, (?=\w+$)/, " or ");

/** @type {Flags} */
export const PROVIDER_FLAGS = {
  provider: { value: "NAME", about: ONE_OF_THE_PROVIDERS, choices: PROVIDER_NAMES },
  profile: { value: "FILE", about: 'another API: a Profile as JSON, with {"$env": "NAME"} for secrets' },
  endpoint: { value: "URL", about: "where to ask, instead of the provider's own address" },
  ...helpOfOptions(ROWS),
  store: { value: "FOLDER", about: "keep the token here, for the next call and for other processes" },
  identity: { value: "NAME", about: "whose credentials they are, for --store where a profile does not tell" },
  timeout: { value: "SPAN", about: "for one request (default 10s)" },
  attempts: { value: "N", about: "requests in all, while failures may pass (default 3)" },
  lifetime: { value: "SPAN", about: "of a token, where the provider does not tell" },
  verbose: { about: "each step of the manager on standard error, without secrets", short: "v" },
  "allow-insecure": { about: "accept an http: address that is not this machine" },
};

/** A profile has scopes besides what it describes. @type {ProviderOptions} */
const PROFILE = { options: { scopes: { kind: "scopes", about: "" } }, alternatives: [] };

/**
 * Returns the options of a manager.
 * @param {Arguments} args
 * @param {(text: string) => void} warn
 * @returns {Promise<Record<string, unknown>>}
 * @throws {UsageError}
 */
export async function readProvider(args, warn) {
  const name = args.one("provider");
  if ((name === undefined) === !args.has("profile")) {
    throw new UsageError(
      `write either --provider ${ONE_OF_THE_PROVIDERS}, or --profile FILE for another API`,
    );
  }
  const provider = PROVIDERS[name ?? ""] ?? PROFILE;
  refuseForeign(args, name ?? "profile", provider);
  const sources = new Sources(args, name ?? "profile", provider);
  requireNeeded(sources);
  /** @type {Record<string, unknown>} */
  const options = { provider: name ?? (await profileOf(args)) };
  for (const option of ["endpoint", "identity", ...Object.keys(provider.options)]) {
    const value =
      (await valueOf(args, option, provider.options[option]?.kind, warn)) ?? sources.variable(option);
    if (value !== undefined) options[option] = value;
  }
  warnOfEndpoint(args, sources, warn);
  const [timeout, lifetime, attempts] = ["timeout", "lifetime", "attempts"].map((flag) => args.one(flag));
  if (timeout) options.timeoutMs = span("timeout", timeout);
  if (lifetime) options.lifetimeMs = span("lifetime", lifetime);
  if (attempts) options.retry = { attempts: whole("attempts", attempts, 1, 100) };
  if (args.has("allow-insecure")) options.allowInsecure = true;
  if (args.has("verbose")) options.debug = (/** @type {string} */ line) => console.error(printable(line));
  return options;
}

/**
 * @param {Arguments} args
 * @param {string} option
 * @param {ProviderOption["kind"] | undefined} kind
 * @param {(text: string) => void} warn
 */
async function valueOf(args, option, kind, warn) {
  if (kind === "secret") return secretOf(args, flagOf(option), warn);
  if (option !== "scopes") return args.one(flagOf(option));
  const scopes = args.all("scopes").flatMap((list) => list.split(/[\s,]+/));
  return args.has("scopes") ? scopes.filter(Boolean) : undefined;
}

/**
 * @param {Arguments} args
 * @param {string} name
 * @param {ProviderOptions} provider
 */
function refuseForeign(args, name, provider) {
  const own = Object.entries(provider.options).flatMap(([option, { kind }]) => flagsOf(option, kind));
  const foreign = ROWS.flatMap(({ option, spec }) => flagsOf(option, spec.kind)).find(
    (flag) => args.has(flag) && !own.includes(flag),
  );
  if (foreign === undefined) return;
  const owners = ROWS.filter(({ option, spec }) => flagsOf(option, spec.kind).includes(foreign));
  const names = [...new Set(owners.map(({ provider }) => provider))];
  throw new UsageError(`--${foreign} is for ${names.join(" and ")}, not for ${name}; leave it out`);
}

/** Where the options of a provider come from: a flag, else the variable of the provider and the option. */
class Sources {
  /** Options of the alternatives that are not used; their variables are not read. @type {readonly string[]} */
  unused = [];
  /** Set if flags or variables selected one of the alternatives. */
  isSelected;

  /**
   * @param {Arguments} args
   * @param {string} name
   * @param {ProviderOptions} provider
   */
  constructor(args, name, { options, alternatives }) {
    this.args = args;
    this.name = name;
    this.options = options;
    this.alternatives = alternatives;
    const selected = this.#selected();
    this.isSelected = selected !== undefined;
    const used = selected ?? alternatives[0] ?? [];
    this.unused = alternatives.flat().filter((option) => !used.includes(option));
  }

  /** @param {string} option */
  hasFlag(option) {
    return flagsOf(option, this.options[option]?.kind).some((flag) => this.args.has(flag));
  }

  /** @param {string} option */
  variable(option) {
    const isUnused = this.hasFlag(option) || this.unused.includes(option);
    return isUnused ? undefined : fromOwnVariable(this.name, option);
  }

  /** @param {string} option */
  has(option) {
    return this.hasFlag(option) || this.variable(option) !== undefined;
  }

  /** Returns the alternative that a flag belongs to, else the first one whose variables are set. */
  #selected() {
    const { alternatives } = this;
    const flagged = alternatives.find((group) => group.some((option) => this.hasFlag(option)));
    if (flagged) return flagged;
    /** @param {string} option */
    const isSet = (option) => fromOwnVariable(this.name, option) !== undefined;
    // A file of variables may hold several complete alternatives: that of the sandbox has a name and an email.
    return (
      alternatives.find((group) => group.every(isSet)) ?? alternatives.find((group) => group.some(isSet))
    );
  }
}

/** @param {Sources} sources */
function requireNeeded(sources) {
  const { name, options, alternatives, unused, isSelected } = sources;
  for (const [option, { required, requiredWithout }] of Object.entries(options)) {
    if (sources.has(option) || unused.includes(option)) continue;
    if (!required && (requiredWithout === undefined || sources.has(requiredWithout))) continue;
    const first = isSelected ? [] : alternatives.map(([one = ""]) => one);
    const ways = first.includes(option) ? first : [option, ...(requiredWithout ? [requiredWithout] : [])];
    const flags = ways
      .flatMap((way) => flagsOf(way, options[way]?.kind))
      .map((flag) => `--${flag} ${PROVIDER_FLAGS[flag]?.value}`);
    const variables = ways.filter((way) => hasVariable(name, way)).map((way) => variableOf(name, way));
    const set = variables.length === 0 ? "" : `, or the environment variable ${variables.join(" or ")}`;
    throw new UsageError(`${name} needs ${flags.join(" or ")}${set}`);
  }
}

/**
 * Warns if a variable, which may be left over from a sandbox, sets another endpoint than a flag seems to.
 *
 * @param {Arguments} args
 * @param {Sources} sources
 * @param {(text: string) => void} warn
 */
function warnOfEndpoint(args, sources, warn) {
  if (!args.has("environment") || sources.variable("endpoint") === undefined) return;
  const variable = variableOf(sources.name, "endpoint");
  warn(`${variable} sets the endpoint, whatever --environment says; unset it, or leave --environment out`);
}

/**
 * @param {Arguments} args
 * @param {string} flag
 * @param {(text: string) => void} warn
 */
async function secretOf(args, flag, warn) {
  const [variable, path] = [`${flag}-env`, `${flag}-file`].map((source) => args.one(source));
  if (variable !== undefined && path !== undefined) {
    throw new UsageError(`write --${flag}-env or --${flag}-file, not both`);
  }
  if (variable !== undefined) return fromVariable(`${flag}-env`, variable);
  return path === undefined ? undefined : fromFile(`${flag}-file`, path, warn);
}

/** @param {Arguments} args */
async function profileOf(args) {
  const path = args.one("profile") ?? "";
  const text = await readText(path, "the file that --profile names");
  let profile;
  try {
    profile = JSON.parse(text);
  } catch {
    // Without the parser's message, which quotes a part of the file.
    throw new UsageError("the file that --profile names is not JSON");
  }
  return filledIn(profile);
}

/** Maximum nesting of a profile; none has as many levels. */
const MAX_DEPTH = 64;

/**
 * Resolves the secrets of a profile: `{"$env": "NAME"}` is replaced by the value of the variable.
 * @param {any} part
 * @param {number} [depth]
 * @returns {unknown}
 */
function filledIn(part, depth = 0) {
  if (typeof part !== "object" || part === null) return part;
  if (depth === MAX_DEPTH) {
    throw new UsageError(`the file that --profile names has more than ${MAX_DEPTH} levels`);
  }
  if (Array.isArray(part)) return part.map((item) => filledIn(item, depth + 1));
  const entries = Object.entries(part);
  // A name in GraphQL never starts with a dollar sign, so this object cannot be anything else.
  if (entries.length === 1 && entries[0]?.[0] === "$env") return fromVariable("profile", `${part.$env}`);
  return Object.fromEntries(entries.map(([key, value]) => [key, filledIn(value, depth + 1)]));
}

/**
 * Replaces the names of options in the message of a `TokenError` by their flags and variables.
 * @param {string} message
 * @param {string} [provider] The provider that the command line names.
 */
export function inFlags(message, provider = "") {
  /** @type {Record<string, readonly string[]>} */
  const renamed = { timeoutMs: ["timeout"], lifetimeMs: ["lifetime"] };
  return message.replaceAll(/`(\w+)(?:: true)?`/g, (whole, option) => {
    const flags = renamed[option] ?? (OPTIONS.has(option) ? flagsFor(option, provider) : undefined);
    if (flags === undefined) return whole;
    const variables = hasVariable(provider, option) ? [variableOf(provider, option)] : [];
    return [...[...flags].map((flag) => `--${flag}`), ...variables].join(" or ");
  });
}
