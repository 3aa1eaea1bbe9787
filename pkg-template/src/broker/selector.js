// Which session a page gets: what `authorize` gave, or less, never anything else.

import { Refusal } from "./refusal.js";

/** @import { BrokerSelector } from "../../broker.js" */
/** @import { Asked } from "./form.js" */

/**
 * The selector that `authorize` gave, narrowed to the scopes that were asked for.
 *
 * @param {Asked} asked
 * @param {BrokerSelector | null | undefined} given
 * @returns {BrokerSelector}
 */
export function givenTo(asked, given) {
  if (given === null || given === undefined) {
    // RFC 9110 section 15.5.2 wants a scheme; this one opens no dialog.
    const challenge = { "www-authenticate": "Bearer" };
    throw new Refusal(401, "invalid_client", "who asks is not known here; sign in first", challenge);
  }
  checkSelector(given);
  for (const [field, value] of Object.entries(asked.fields)) {
    // All that a form has are texts.
    const own = Object.hasOwn(given, field) ? given[field] : undefined;
    if (own === undefined || own === null || typeof own === "object" || `${own}` !== value) {
      throw new Refusal(403, "unauthorized_client", "a token for this identity is not given to who asks");
    }
  }
  if (asked.scopes === undefined || given.scopes === undefined) return given;
  if (!isWithin(asked.scopes, given.scopes)) {
    throw new Refusal(400, "invalid_scope", "these scopes are more than may be given");
  }
  return { ...given, scopes: asked.scopes };
}

/**
 * A name for a selector, the same for equal ones.
 *
 * @param {BrokerSelector} selector
 */
export function nameOf(selector) {
  const told = Object.entries(selector).filter(([, value]) => value !== undefined);
  const sorted = told.map(([field, value]) => [field, Array.isArray(value) ? [...value].sort() : value]);
  return JSON.stringify(sorted.sort(([one], [other]) => (`${one}` < `${other}` ? -1 : 1)));
}

/** The name of the manager's own session. */
export const OWN = "[]";

/**
 * @param {readonly string[]} scopes
 * @param {readonly string[]} others
 */
export const isWithin = (scopes, others) => scopes.every((scope) => others.includes(scope));

/** @param {unknown} given */
function checkSelector(given) {
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  const { scopes } = Object(given);
  if (isObject && (scopes === undefined || Array.isArray(scopes))) return;
  throw new TypeError(
    "`authorize` must give a selector, such as { userId } or {} for the manager's own session, or null for nobody",
  );
}
