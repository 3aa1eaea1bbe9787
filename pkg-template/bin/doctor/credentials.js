/**
 * The checks of the options and the credentials: those without a request, and one grant.
 *
 * @module
 */

import { lineOf } from "../exit-status.js";
import { UsageError } from "../errors.js";
import { distance } from "../args.js";
import { PROVIDER_NAMES, flagsFor, inFlags, readProvider } from "../provider-flags.js";
import { PROVIDERS } from "../provider-options.js";
import { variableOf } from "../variables.js";
import { failure, ok, skipped, warning } from "./checks.js";

/** @import { FetchLike, TokenError } from "graphql-token-manager" */
/** @import { Arguments } from "../args.js" */
/** @import { Check } from "./checks.js" */

/** @typedef {Record<string, any>} Options Options of a manager. */

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * Reads and checks the options.
 *
 * @param {Arguments} args
 * @returns {Promise<{ checks: Check[], options?: Options, url?: string }>} `url`: where grants are sent.
 */
export async function checkOptions(args) {
  /** @type {Check[]} */
  const checks = [];
  const warn = (/** @type {string} */ text) => {
    checks.push(warning("options", text));
  };
  try {
    const options = await readProvider(args, warn);
    const url = await urlOf(options);
    checks.push(...wrongIds(options), ...(await unknownScopes(options)));
    if (checks.length === 0) checks.push(ok("options", `complete for ${nameOf(options)}`));
    return { checks, options, url };
  } catch (error) {
    const { code, message } = /** @type {TokenError} */ (error);
    if (!(error instanceof UsageError) && code !== "invalid_options") throw error;
    const text = inFlags(message.replace("invalid_options: ", ""), args.one("provider"));
    checks.push(failure("options", text, "see graphql-token-manager token --help", { code }));
    return { checks };
  }
}

/** @param {Options} options */
const nameOf = ({ provider }) => (typeof provider === "string" ? provider : provider.name);

/**
 * Returns the address to which a manager sends its grants. Throws if an option is invalid. Sends nothing.
 *
 * @param {Options} options
 */
async function urlOf(options) {
  let url = "";
  await withManager({ ...options, debug: false }, (target) => {
    url = `${target}`;
    return Promise.reject(new TypeError("no request is sent"));
  });
  return options.endpoint ?? options.provider.endpoint ?? url;
}

/**
 * Acquires a token with one attempt. Returns the failure instead of throwing it; throws for invalid options.
 *
 * @param {Options} options
 * @param {FetchLike} fetch
 */
async function withManager(options, fetch) {
  const { TokenManager } = await import("graphql-token-manager");
  const once = { retry: { attempts: 1 }, refresh: "on-demand", fetch };
  const tokens = new TokenManager(/** @type {any} */ ({ ...options, ...once }));
  // The checks report what warnings do. One without a listener would be printed.
  tokens.on("warning", () => {});
  try {
    await tokens.ready();
    return { token: await tokens.getAccessToken() };
  } catch (error) {
    if (/** @type {TokenError} */ (error).code === "invalid_options") throw error;
    return { error: /** @type {TokenError} */ (error) };
  } finally {
    await tokens.close();
  }
}

/**
 * @param {Options} options
 * @returns {Check[]}
 */
function wrongIds({ provider, ...options }) {
  const known = Object.entries(PROVIDERS[provider]?.options ?? {});
  return known
    .filter(([option, { about }]) => {
      // The table states the format of an option in its description.
      return /\bUUID\b/.test(about) && options[option] !== undefined && !UUID.test(options[option]);
    })
    .map(([option]) => {
      const names = [
        ...[...flagsFor(option, provider)].map((flag) => `--${flag}`),
        variableOf(provider, option),
      ];
      return failure(
        "options",
        `${names.join(" or ")} is not a UUID`,
        `copy the id from ${provider}: 8-4-4-4-12 hexadecimal digits`,
        { code: "usage" },
      );
    });
}

/**
 * Compares scopes with those that the provider publishes, which may be older than what it accepts.
 *
 * @param {Options} options
 */
async function unknownScopes({ provider, scopes: requested = [] }) {
  const { scopes } = await import("graphql-token-manager/scopes");
  /** @type {Readonly<Record<string, readonly { name: string }[]>>} */
  const tables = scopes;
  const known = (Object.hasOwn(tables, provider) ? tables[provider] : undefined)?.map(({ name }) => name);
  if (known === undefined) return [];
  return requested
    .filter((/** @type {string} */ scope) => !known.includes(scope))
    .map((/** @type {string} */ scope) => {
      const near = known.find((name) => distance(name, scope.toUpperCase()) <= 2);
      const hint = near === undefined ? "" : `; did you mean ${near}?`;
      return warning(
        "options",
        `${shortened(scope)} is not a scope that ${provider} documents${hint}`,
        `correct --scopes; ${known.length} scopes are documented`,
      );
    });
}

/** A scope may be a secret in the wrong place, which is longer. @param {string} scope */
const shortened = (scope) => (/^\w{1,60}$/.test(scope) ? scope : "one of --scopes");

/**
 * Requests one token.
 *
 * @param {Options} options
 * @param {string} url Where it is requested.
 * @returns {Promise<Check>}
 */
export async function checkCredentials(options, url) {
  const { token, error } = await withManager(options, fetch);
  const name = nameOf(options);
  if (token) {
    const missing = (options.scopes ?? []).filter(
      (/** @type {string} */ scope) => !token.scopes.includes(scope),
    );
    if (token.scopes.length > 0 && missing.length > 0) {
      return warning(
        "credentials",
        `${name} granted a token without ${missing.join(" ")}`,
        `have the scopes admitted for this application at ${name}, or leave them out`,
      );
    }
    const scopes = token.scopes.length > 0 ? `, with ${token.scopes.join(" ")}` : "";
    return ok(
      "credentials",
      `${name} granted a token for ${Math.round((token.expiresAt - token.issuedAt) / 1000)} s${scopes}`,
    );
  }
  const { code, retryable } = error;
  const line = lineOf(error, false, PROVIDER_NAMES.includes(name) ? name : undefined);
  return failure("credentials", line, remedyOf(code, options, new URL(url).host), {
    code,
    retryable,
  });
}

/** @type {Readonly<Record<string, string>>} */
const REMEDIES = {
  rate_limited: "wait, and keep tokens with --store instead of requesting one for each call",
  insufficient_scope: "have the scopes admitted for this application, or leave them out",
  network: "see `endpoint`",
  timeout: "see `endpoint`, or give a longer --timeout",
  server: "try again later",
};

/**
 * @param {string} code
 * @param {Options} options
 * @param {string} host
 */
function remedyOf(code, options, host) {
  if (code === "invalid_credentials") {
    return `check that the credentials are those of ${host}, complete, and not revoked; keys of sandbox and production differ`;
  }
  if (code === "protocol") return "correct what the provider names: a scope, an id, or a version";
  return (
    REMEDIES[code] ??
    "see https://github.com/graphql-token-manager/graphql-token-manager/blob/main/docs/troubleshooting.md"
  );
}

/** @param {string} reason */
export const notChecked = (reason) => skipped("credentials", `not sent, because ${reason}`);
