/**
 * The error message of a provider that rejected a request, without the secrets of the request.
 *
 * @module
 */

import { PROVIDERS } from "../provider-options.js";

/** The longest text that is shown. */
const LONGEST = 200;

/**
 * Returns the first error message of a response, or an empty string.
 *
 * @param {Response} response
 * @param {Record<string, any>} options Options of the manager that sent the request.
 */
export async function messageOfProvider(response, options) {
  try {
    const { errors, error_description: description } = await response.json();
    const message = errors?.[0]?.message ?? description;
    return typeof message === "string" ? withoutSecrets(message, options).slice(0, LONGEST) : "";
  } catch {
    return "";
  }
}

/**
 * Redacts all possible secrets: those of the options in the encodings in which they were sent, and long words
 * without spaces, such as tokens.
 *
 * @param {string} text
 * @param {Record<string, any>} options
 */
function withoutSecrets(text, options) {
  const forms = secretsOf(options).flatMap((secret) => [
    secret,
    Buffer.from(secret, "utf8").toString("base64"),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ]);
  // Longer ones first, because one may contain another.
  forms.sort((one, other) => other.length - one.length);
  return forms.reduce((found, form) => found.replaceAll(form, "…"), text).replaceAll(/\S{40,}/g, "…");
}

/** The shortest text that is treated as a secret. A shorter one would also replace parts of ordinary words. */
const SHORTEST = 4;

/**
 * Returns the secrets of the options, alone and as the user names and passwords of Basic authentication. A profile does
 * not mark which of its values are secrets, so all of them count.
 *
 * @param {Record<string, any>} options
 * @returns {string[]}
 */
function secretsOf({ provider, ...options }) {
  const rows = Object.entries(PROVIDERS[provider]?.options ?? {});
  const own = (/** @type {string} */ wanted) =>
    rows.filter(([, { kind }]) => kind === wanted).map(([option]) => options[option]);
  const secrets = typeof provider === "string" ? own("secret") : stringsOf(provider);
  const pairs = own("text").flatMap((id) => secrets.map((secret) => `${id}:${secret}`));
  return [...secrets, ...pairs].filter((text) => typeof text === "string" && text.length >= SHORTEST);
}

/** @param {unknown} part @returns {unknown[]} */
const stringsOf = (part) =>
  typeof part === "object" && part !== null ? Object.values(part).flatMap(stringsOf) : [part];
