// The selector of a page's session: the one that `authorize` returned, or that with fewer scopes.

import { membersOf } from "../selector.js";
import { TokenError } from "../token-error.js";
import { OAuthError } from "./oauth-error.js";

/** @import { BrokerSelector } from "../../broker.js" */
/** @import { TokenRequest } from "./token-request.js" */

/**
 * Validates and copies the result of `authorize`. Each member is read once. Anything that is not clearly a selector
 * is an error, because most mistakes would otherwise select the manager's own session.
 *
 * @param {unknown} given
 * @returns {BrokerSelector}
 */
export function selectorFrom(given) {
  if (given === null || given === undefined || given === false) {
    // RFC 9110 section 15.5.2 requires a challenge. Browsers do not open a dialog for this scheme.
    const challenge = { "www-authenticate": "Bearer" };
    throw new OAuthError(401, "invalid_client", "the caller is unknown; sign in first", challenge);
  }
  const members = typeof given === "object" ? membersOf(given) : undefined;
  if (members === undefined) throw notASelector("something that is not a plain object");
  const missing = members.find(([, value]) => value === undefined);
  if (missing !== undefined) {
    throw notASelector(`a selector whose member \`${shown(missing[0])}\` is undefined`);
  }
  const selector = /** @type {BrokerSelector} */ (Object.fromEntries(members));
  if (!members.some(([name]) => name === "scopes")) return selector;
  const scopes = /** @type {unknown} */ (selector.scopes);
  const copy = Array.isArray(scopes) ? Array.from(scopes) : [];
  if (copy.length === 0 || !copy.every((scope) => typeof scope === "string")) {
    throw notASelector("a selector whose `scopes` is not an array of strings, at least one");
  }
  return { ...selector, scopes: copy };
}

/**
 * Narrows a selector to the requested scopes. Throws if the request names another identity or more scopes.
 *
 * @param {TokenRequest} tokenRequest
 * @param {BrokerSelector} given
 * @returns {BrokerSelector}
 */
export function narrowed(tokenRequest, given) {
  for (const [field, value] of Object.entries(tokenRequest.fields)) {
    // The values of a form are strings, so they are compared as strings.
    const own = Object.hasOwn(given, field) ? given[field] : undefined;
    if (own === undefined || own === null || typeof own === "object" || `${own}` !== value) {
      throw new OAuthError(403, "unauthorized_client", "the caller gets no token for this identity");
    }
  }
  if (tokenRequest.scopes === undefined || given.scopes === undefined) return given;
  if (!isWithin(tokenRequest.scopes, given.scopes)) {
    throw new OAuthError(400, "invalid_scope", "these scopes exceed the permitted ones");
  }
  return { ...given, scopes: tokenRequest.scopes };
}

/**
 * Returns a text for the identity of a selector, without its scopes.
 *
 * @param {BrokerSelector} selector
 */
export function identityOf({ scopes, ...identity }) {
  const members = Object.entries(identity);
  return JSON.stringify(members.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * Returns whether a list of scopes is a subset of another.
 *
 * @param {readonly string[]} scopes
 * @param {readonly string[]} others
 */
export const isWithin = (scopes, others) => scopes.every((scope) => others.includes(scope));

/** @param {string} what */
function notASelector(what) {
  return new TokenError(
    "invalid_options",
    "`authorize` must give a selector: a plain object such as { userId }, each of whose members is defined, or {} for " +
      `the manager's own session; or null for nobody. It gave ${what}`,
  );
}

/**
 * Returns a member's name for a message, if it is short and visible ASCII.
 *
 * @param {string} name
 */
const shown = (name) => (/^[\x21-\x7e]{1,40}$/.test(name) ? name : "…");
