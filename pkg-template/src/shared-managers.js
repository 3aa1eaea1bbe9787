// Managers that are shared by all evaluations of a module: bundlers that evaluate a module once for each route, copies of
// the package, hot reload.

import { TokenError } from "./token-error.js";

/**
 * A manager, the options it was made from, and whether it is closed: other copies of the class cannot read that.
 *
 * @template Manager
 * @typedef {{ manager: Manager, options: any, isClosed: () => boolean }} Entry
 */

/**
 * Returns the manager of a key, or makes one where there is none, it is closed, or it was made from other options. A
 * manager that is replaced is closed.
 *
 * Functions and stores are made anew by each evaluation of a module and cannot be compared, so `identity` stands for
 * them: without it, two tenants with one key could get the same manager.
 *
 * @template {{ close(): Promise<void> }} Manager
 * @param {Map<string, Entry<Manager>>} entries
 * @param {unknown} key
 * @param {any} options a snapshot
 * @param {() => Manager} make
 * @param {(manager: Manager) => boolean} isClosed
 * @returns {Manager}
 */
export function sharedManager(entries, key, options, make, isClosed) {
  if (typeof key !== "string" || key === "")
    throw invalid("TokenManager.shared() requires a non-empty string as its key");
  if (typeof options?.identity !== "string" && !isData(options)) {
    throw invalid(
      "option `identity` is missing: TokenManager.shared() cannot compare functions and stores, so it requires a string " +
        "that names the owner of the credentials, for example the application's or the tenant's id",
    );
  }
  const entry = entries.get(key);
  if (entry !== undefined && !entry.isClosed()) {
    if (isSame(entry.options, options)) return entry.manager;
    void entry.manager.close();
  }
  const manager = make();
  entries.set(key, { manager, options, isClosed: () => isClosed(manager) });
  return manager;
}

/**
 * Whether a value is plain data, at any depth: neither a function nor an instance of a class.
 *
 * @param {any} value
 * @returns {boolean}
 */
function isData(value) {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  return isPlain(value) && Object.values(value).every(isData);
}

/** @param {object} value */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Whether two snapshots of options hold the same data. Functions and instances of classes always count as the same.
 *
 * @param {any} one
 * @param {any} other
 * @returns {boolean}
 */
function isSame(one, other) {
  if (Object.is(one, other)) return true;
  if (typeof one !== typeof other || one === null || other === null) return false;
  if (typeof one === "function") return true;
  if (typeof one !== "object" || Array.isArray(one) !== Array.isArray(other)) return false;
  if (!isPlain(one) || !isPlain(other)) return isPlain(one) === isPlain(other);
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]))
  );
}

/** @param {string} message */
function invalid(message) {
  return new TokenError("invalid_options", message);
}
