// Canonical text of session selectors.
//
// Two selectors have the same text if and only if they select the same session. The core validates selectors. A
// selector that has no text is replaced by a value that the core always rejects.

/**
 * Returns a selector as JSON: its current members, sorted, without those that equal the manager's own. For anything
 * else than a plain object of plain values, returns a value that the core rejects with a message.
 *
 * @param {any} selector
 * @param {any} options of the manager
 * @returns {unknown}
 */
export function serializeSelector(selector, options) {
  if (typeof selector === "string") return JSON.stringify(selector);
  if (typeof selector !== "object" || selector === null) return selector;
  try {
    if (Array.isArray(selector)) return "[0]";
    const members = membersOf(selector);
    return members === undefined ? REJECTED : written(members, ownOf(options));
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

/**
 * @param {[string, unknown][]} members
 * @param {Record<string, unknown>} own
 */
function written(members, own) {
  /** @type {[string, unknown][]} */
  const entries = [];
  let isText = true;
  for (const [name, given] of members.sort(([one], [other]) => (one < other ? -1 : 1))) {
    const value = ordered(given);
    // `undefined` is often a mistake, such as the id of a user before the sign-in; the core rejects it.
    if (value === undefined && name === "scopes") continue;
    isText &&= isPlain(value);
    const isOwn = Object.hasOwn(own, name) && isPlain(value) && sameJson(value, ordered(own[name]));
    if (!isOwn) entries.push([name, value]);
  }
  const selected = Object.fromEntries(entries);
  return isText ? JSON.stringify(selected) : Object.freeze(selected);
}

/** @param {unknown} one @param {unknown} other */
const sameJson = (one, other) => JSON.stringify(one) === JSON.stringify(other);

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
 * Returns the manager's own values of the members that a selector may have.
 *
 * @param {any} options
 * @returns {Record<string, unknown>}
 */
function ownOf(options) {
  const { userId, accountId, seatId, scopes, provider } = options ?? {};
  const isData = typeof provider === "object" && provider !== null;
  return { ...(isData ? provider.authenticate?.variables : { userId, accountId, seatId }), scopes };
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
  return isTexts(items) ? [...new Set(items)].sort() : items;
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
