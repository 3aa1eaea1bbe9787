// Canonical text of session selectors.
//
// Two selectors have the same text if and only if they select the same session. The core validates selectors. A
// selector that has no text is replaced by a value that the core always rejects.

/**
 * Returns a selector as JSON: its current members, by the paths of the variables that they replace, sorted, without those
 * that equal the manager's own. For anything else than a plain object of plain values, returns a value that the core
 * rejects with a message.
 *
 * @param {any} selector
 * @param {() => Find} own returns what finds the manager's own variables
 * @returns {unknown}
 */
export function serializeSelector(selector, own) {
  if (typeof selector === "string") return JSON.stringify(selector);
  if (typeof selector !== "object" || selector === null) return selector;
  try {
    if (Array.isArray(selector)) return "[0]";
    const members = membersOf(selector);
    return members === undefined ? REJECTED : written(members, own());
  } catch {
    // A getter that throws, or a proxy.
    return REJECTED;
  }
}

/** The replacement of an unreadable selector. A symbol is immutable and never a valid selector. */
const REJECTED = Symbol("not a plain object");

/**
 * Returns the members of a plain object, each read once; `undefined` for any other object. An instance of a class or a
 * `Map` has no such members, and would select the manager's own session.
 *
 * @param {object} object
 * @returns {[string, unknown][] | undefined}
 */
export function membersOf(object) {
  if (!isPlainObject(object)) return undefined;
  /** @type {[string, unknown][]} */
  const members = [];
  for (const key of Reflect.ownKeys(object)) {
    if (typeof key === "symbol" || !Object.prototype.propertyIsEnumerable.call(object, key)) return undefined;
    members.push([key, /** @type {any} */ (object)[key]]);
  }
  return members;
}

/**
 * Returns whether the prototype of an object is `null` or the `Object.prototype` of any realm.
 *
 * @param {object} object
 */
function isPlainObject(object) {
  const prototype = Object.getPrototypeOf(object);
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

/** @typedef {ReturnType<typeof import("./own-variables.js").ownVariables>} Find */

/**
 * @param {[string, unknown][]} members
 * @param {Find} find
 */
function written(members, find) {
  const own = members.map(([name]) => find(name));
  /** @type {[string, unknown][]} */
  const entries = [];
  let isText = true;
  members.forEach(([name, given], index) => {
    const variable = own[index];
    // The core rejects a secret, and two members for one variable. Nothing else receives the secret.
    const value = variable?.isSecret ? null : ordered(given);
    const isRepeated = variable !== undefined && own.indexOf(variable) !== own.lastIndexOf(variable);
    // `undefined` is often a mistake, such as the id of a user before the sign-in; the core rejects it.
    if (value === undefined && name === "scopes") return;
    isText &&= isPlain(value);
    const isOwn = variable !== undefined && !isRepeated && isSame(value, variable.value);
    if (!isOwn) entries.push([isRepeated ? name : (variable?.path ?? name), value]);
  });
  if (entries.length > 1) entries.sort(([one], [other]) => (one < other ? -1 : 1));
  const selected = Object.fromEntries(entries);
  return isText ? JSON.stringify(selected) : Object.freeze(selected);
}

/**
 * Returns whether an ordered value is plain and equals a manager's own.
 *
 * @param {unknown} value
 * @param {unknown} own
 */
function isSame(value, own) {
  if (!Array.isArray(value) || !Array.isArray(own)) return value === own && isPlain(value);
  return isTexts(value) && JSON.stringify(value) === JSON.stringify(ordered(own));
}

/**
 * Parses a serialized selector, as listeners and `grant` functions receive it.
 *
 * @param {any} serialized
 */
export function parseSelector(serialized) {
  const selector = typeof serialized === "string" ? JSON.parse(serialized) : { ...serialized };
  Object.values(selector).forEach(Object.freeze);
  return Object.freeze(selector);
}

/**
 * Returns an independent copy of a value. A list of strings is sorted and deduplicated, other lists keep their order,
 * and any other object, which a selector must not contain, becomes an empty one.
 *
 * @param {unknown} value
 * @returns {unknown}
 */
function ordered(value) {
  if (typeof value !== "object" || value === null) return value;
  if (!Array.isArray(value)) return {};
  const items = Array.from(value, (item) => (typeof item === "object" && item !== null ? {} : item));
  return items.length > 1 && isTexts(items) ? [...new Set(items)].sort() : items;
}

/** @param {unknown} value */
function isPlain(value) {
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    Number.isFinite(value) ||
    isTexts(value)
  );
}

/**
 * @param {unknown} value
 * @returns {value is string[]}
 */
function isTexts(value) {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
