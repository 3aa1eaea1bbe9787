/**
 * The environment variables that give credentials, ids and the endpoint of a built-in provider where no flag does.
 *
 * One rule makes their names: the provider's, an underscore, and the option's, in capitals. `sandbox` prints the same.
 *
 * @module
 */

import { PROVIDERS } from "./provider-options.js";

/**
 * Returns the name of the variable of an option: `FLUZ_API_KEY` for `apiKey` of `fluz`.
 *
 * @param {string} provider
 * @param {string} option
 */
export function variableOf(provider, option) {
  return `${provider}_${option.replace(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase();
}

/**
 * Returns whether an option may come from a variable: credentials, ids and the endpoint. What a call asks for, such as
 * `scopes`, is a part of the command line.
 *
 * @param {string} provider
 * @param {string} option
 */
export function hasVariable(provider, option) {
  if (!Object.hasOwn(PROVIDERS, provider)) return false;
  const kind = PROVIDERS[provider]?.options[option]?.kind;
  return option === "endpoint" || kind === "secret" || kind === "text";
}

/**
 * Returns the value of an option's variable. A variable that is empty counts as not set.
 *
 * @param {string} provider
 * @param {string} option
 */
export function fromOwnVariable(provider, option) {
  return (hasVariable(provider, option) && process.env[variableOf(provider, option)]) || undefined;
}

/** Returns the names of all variables, by provider. */
export function variablesByProvider() {
  return Object.entries(PROVIDERS).map(([provider, { options }]) => {
    const names = ["endpoint", ...Object.keys(options)].filter((option) => hasVariable(provider, option));
    return { provider, variables: names.map((option) => variableOf(provider, option)) };
  });
}
