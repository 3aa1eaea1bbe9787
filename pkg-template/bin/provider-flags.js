/**
 * Flags that select the API and the credentials: those of each provider, converted to options of a manager.
 *
 * @module
 */

import { UsageError } from "./errors.js";
import { fromFile, fromVariable, readText } from "./secrets.js";
import { span, whole } from "./args.js";

/** @import { Flags, Words } from "./args.js" */

/** The flags for secrets: their values come from variables, files or standard input, never from the command line. */
const SECRETS = {
  "api-key": "Fluz: the application's API key",
  "app-secret": "Fluz: the application's secret, with --app-id",
  password: "Toggle: the API user's password",
  "client-secret": "Braintree: the OAuth client's secret",
};

/** @type {Flags} */
export const PROVIDER_FLAGS = {
  provider: { value: "NAME", about: "fluz, toggle or braintree", choices: ["fluz", "toggle", "braintree"] },
  profile: { value: "FILE", about: 'another API: a Profile as JSON, with {"$env": "NAME"} for secrets' },
  environment: { value: "NAME", about: "sandbox or production", choices: ["sandbox", "production"] },
  endpoint: { value: "URL", about: "where to ask, instead of the provider's own address" },
  scopes: {
    value: "LIST",
    about: "the scopes to ask for, with commas or spaces; may be repeated",
    many: true,
  },
  "user-id": { value: "UUID", about: "Fluz: the user (no secret, as all ids)" },
  "account-id": { value: "UUID", about: "Fluz: the account" },
  "seat-id": { value: "UUID", about: "Fluz: the seat, where it is not the account's own" },
  "app-id": { value: "ID", about: "Fluz: the application, with its secret instead of an API key" },
  renewal: { value: "WAY", about: "Fluz: refresh (default) or generate", choices: ["refresh", "generate"] },
  username: { value: "NAME", about: "Toggle: the API user's name" },
  email: { value: "ADDRESS", about: "Toggle: the API user's address, instead of the name" },
  "client-id": { value: "ID", about: "Braintree: the OAuth client" },
  "braintree-version": { value: "DATE", about: "Braintree: its header Braintree-Version" },
  ...Object.fromEntries(
    Object.entries(SECRETS).flatMap(([name, about]) => [
      [`${name}-env`, { value: "NAME", about: `${about}: the variable that holds it` }],
      [`${name}-file`, { value: "PATH", about: "the same: the file that holds it, - for standard input" }],
    ]),
  ),
  store: { value: "FOLDER", about: "keep the token here, for the next call and for other processes" },
  identity: { value: "NAME", about: "whose credentials they are, for --store where a profile does not tell" },
  timeout: { value: "SPAN", about: "for one request (default 10s)" },
  attempts: { value: "N", about: "requests in all, while failures may pass (default 3)" },
  lifetime: { value: "SPAN", about: "of a token, where the provider does not tell" },
  "allow-insecure": { about: "accept an http: address that is not this machine" },
};

/** Flags of each provider in addition to the common ones. */
const OWN = {
  fluz: ["user-id", "account-id", "seat-id", "app-id", "renewal", "api-key", "app-secret"],
  toggle: ["username", "email", "password"],
  braintree: ["client-id", "braintree-version", "client-secret"],
  profile: [],
};

/** Required flags of each provider: one of each group, with the flags that belong to it. */
const NEEDED = {
  fluz: [["user-id"], ["account-id"], ["api-key", "app-id"], ["scopes"], ["environment", "endpoint"]],
  toggle: [["username", "email"], ["password"]],
  braintree: [["client-id"], ["client-secret"], ["scopes"], ["environment", "endpoint"]],
  profile: [],
};

/** @param {string} flag */
const isSecret = (flag) => Object.hasOwn(SECRETS, flag);

/** @param {string} flag */
const spellings = (flag) => (isSecret(flag) ? [`${flag}-env`, `${flag}-file`] : [flag]);

/** Returns the manager's option for a flag. */
const optionOf = (/** @type {string} */ flag) => flag.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

/**
 * Returns the options of a manager.
 * @param {Words} words
 * @param {(text: string) => void} warn
 * @returns {Promise<Record<string, unknown>>}
 * @throws {UsageError}
 */
export async function readProvider(words, warn) {
  const name = words.one("provider");
  if ((name === undefined) === !words.has("profile")) {
    throw new UsageError(
      "write either --provider fluz, toggle or braintree, or --profile FILE for another API",
    );
  }
  const provider = /** @type {keyof typeof OWN} */ (name ?? "profile");
  refuseForeign(words, provider);
  requireNeeded(words, provider);
  /** @type {Record<string, unknown>} */
  const options = { provider: name ?? (await profileOf(words)) };
  for (const flag of ["environment", "endpoint", "identity", ...OWN[provider]]) {
    const value = isSecret(flag) ? await secretOf(words, flag, warn) : words.one(flag);
    if (value !== undefined) options[optionOf(flag)] = value;
  }
  const scopes = words
    .all("scopes")
    .flatMap((list) => list.split(/[\s,]+/))
    .filter(Boolean);
  if (words.has("scopes")) options.scopes = scopes;
  const [timeout, lifetime, attempts] = ["timeout", "lifetime", "attempts"].map((flag) => words.one(flag));
  if (timeout) options.timeoutMs = span("timeout", timeout);
  if (lifetime) options.lifetimeMs = span("lifetime", lifetime);
  if (attempts) options.retry = { attempts: whole("attempts", attempts, 1, 100) };
  if (words.has("allow-insecure")) options.allowInsecure = true;
  return options;
}

/**
 * @param {Words} words
 * @param {keyof typeof OWN} provider
 */
function refuseForeign(words, provider) {
  const taken = OWN[provider].flatMap(spellings);
  const foreign = Object.entries(OWN).flatMap(([owner, flags]) =>
    flags.flatMap(spellings).map((flag) => ({ owner, flag })),
  );
  const found = foreign.find(({ flag }) => words.has(flag) && !taken.includes(flag));
  if (found) throw new UsageError(`--${found.flag} is for ${found.owner}, not for ${provider}; leave it out`);
  if (provider === "toggle" && words.has("environment")) {
    throw new UsageError(
      "--environment is not for toggle, which has one address; leave it out, or write --endpoint",
    );
  }
}

/**
 * @param {Words} words
 * @param {keyof typeof OWN} provider
 */
function requireNeeded(words, provider) {
  /** @param {string} flag */
  const given = (flag) => spellings(flag).some((spelling) => words.has(spelling));
  const groups = [...NEEDED[provider], ...(given("app-id") ? [["app-secret"]] : [])];
  for (const group of groups) {
    if (group.some(given)) continue;
    const ways = group.flatMap(spellings).map((flag) => `--${flag} ${PROVIDER_FLAGS[flag]?.value}`);
    throw new UsageError(`${provider} needs ${ways.join(" or ")}`);
  }
}

/**
 * @param {Words} words
 * @param {string} flag
 * @param {(text: string) => void} warn
 */
async function secretOf(words, flag, warn) {
  const [variable, path] = spellings(flag).map((spelling) => words.one(spelling));
  if (variable !== undefined && path !== undefined) {
    throw new UsageError(`write --${flag}-env or --${flag}-file, not both`);
  }
  if (variable !== undefined) return fromVariable(`${flag}-env`, variable);
  return path === undefined ? undefined : fromFile(`${flag}-file`, path, warn);
}

/** @param {Words} words */
async function profileOf(words) {
  const path = words.one("profile") ?? "";
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
 * Replaces the names of options in the message of a `TokenError` by their flags.
 * @param {string} message
 */
export function inFlags(message) {
  const flags = new Map(
    [...Object.keys(PROVIDER_FLAGS), ...Object.keys(SECRETS)].map((flag) => [optionOf(flag), flag]),
  );
  flags.set("timeoutMs", "timeout").set("lifetimeMs", "lifetime");
  return message.replaceAll(/`(\w+)(?:: true)?`/g, (whole, option) => {
    const flag = flags.get(option);
    return flag === undefined
      ? whole
      : spellings(flag)
          .map((spelling) => `--${spelling}`)
          .join(" or ");
  });
}
