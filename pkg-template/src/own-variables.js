// The variables of a manager that a selector may replace, by their paths and names.
//
// The core validates selectors by the same rules; see src/options/selectable.rs. Here they determine the text of a
// selector: each spelling of the same choice has the same text, and no text has a secret.

import { SECRET_NAME } from "./tables.js";

/**
 * A constant of the log-in, or a function that returns a secret.
 *
 * @typedef {object} OwnVariable
 * @property {string} path the names and list positions that lead to it, separated by dots
 * @property {string | undefined} name the last name of the path; `undefined` for an item of a list
 * @property {unknown} [value]
 * @property {boolean} [isSecret]
 */

/**
 * Returns a function that finds the variable that a member of a selector names; `undefined` if there is none, or more than
 * one.
 *
 * @param {any} options of the manager, as copied when it was created
 * @returns {(name: string) => OwnVariable | undefined}
 */
export function ownVariables(options) {
  const { userId, accountId, seatId, scopes, provider } = options ?? {};
  const { grant, authenticate, oauth } = Object(provider);
  const isBuiltin = typeof provider === "string";
  const members = isBuiltin
    ? { userId, accountId, seatId }
    : oauth
      ? fieldsOf(oauth)
      : (authenticate?.json ?? authenticate?.variables);
  /** @type {OwnVariable[]} */
  const all = [];
  collect({ ...members, scopes: undefined }, "", undefined, all);
  all.push({ path: "scopes", name: "scopes", value: scopes });
  const find = (/** @type {string} */ name) => {
    let found = all.filter(({ path }) => path === name);
    if (found.length === 0) found = all.filter((each) => each.name === name);
    const plain = found.filter(({ isSecret }) => !isSecret);
    if (plain.length > 0) return plain.length === 1 ? plain[0] : undefined;
    if (isBuiltin || grant) return undefined;
    // A secret, also of a variable that the log-in does not have.
    const isSecret = found.length > 0 || isSecretName(name.split(".").pop());
    return isSecret ? { path: name, name, isSecret } : undefined;
  };
  // Every call of `session()` asks for the same few names.
  const known = new Map(all.map(({ path }) => [path, find(path)]));
  return (name) => known.get(name) ?? find(name);
}

/**
 * @param {any} value
 * @param {string} path
 * @param {string | undefined} within the name of the value, or of the list that contains it
 * @param {OwnVariable[]} found
 * @param {boolean} [isItem] whether the value is an item of a list
 */
function collect(value, path, within, found, isItem = false) {
  const name = isItem ? undefined : within;
  if (typeof value === "object" && value !== null) {
    const isList = Array.isArray(value);
    for (const [member, inner] of Object.entries(value)) {
      collect(inner, path ? `${path}.${member}` : member, isList ? within : member, found, isList);
    }
  } else if (typeof value === "function") {
    found.push({ path, name, isSecret: true });
  } else if (value !== undefined && value !== null && !/^\$[a-z]/i.test(value)) {
    found.push({ path, name, value, isSecret: isSecretName(within) });
  }
}

/**
 * Returns the fields of a token endpoint that are not those of its client.
 *
 * @param {any} oauth
 */
function fieldsOf({ grant, username, parameters }) {
  const fields = Object.entries({ ...parameters, username: grant === "password" ? username : undefined });
  return Object.fromEntries(
    fields.filter(([name]) => grant !== "refresh_token" && !/^(?:client_|grant_type$|scope$)/.test(name)),
  );
}

/** Returns whether a variable is a secret by its name. @param {string | undefined} name */
const isSecretName = (name = "") => SECRET_NAME.test(name.replace(/[-_]/g, ""));
