// Managers that all evaluations of a module share. Modules are evaluated several times by bundlers that do so for each
// route, by copies of the package and by hot reload.

import { isPlain } from "./options-snapshot.js";
import { invalidOptions } from "./token-error.js";

/**
 * A manager, its options, and a function that returns whether it is closed, which other copies of the class cannot
 * read.
 *
 * @template Manager
 * @typedef {{ manager: Manager, options: any, isClosed: () => boolean }} Entry
 */

/**
 * Returns the manager of a key. Creates one if there is none, if it is closed, or if it was created with other options.
 * A replaced manager is closed.
 *
 * Each evaluation of a module creates its functions and stores again, and they cannot be compared. Therefore `identity`
 * is compared in their place: without it, two tenants with the same key could receive the same manager.
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
    throw invalidOptions("TokenManager.shared() requires a non-empty string as its key");
  if (typeof options?.identity !== "string" && !isData(options)) {
    throw invalidOptions(
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
 * Returns whether a value is plain data at every depth, without functions and instances of classes.
 *
 * @param {any} value
 * @returns {boolean}
 */
function isData(value) {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  return isTree(value) && Object.values(value).every(isData);
}

/** @param {object} value */
function isTree(value) {
  return Array.isArray(value) || isPlain(value);
}

/**
 * Returns whether two snapshots of options contain the same data. Functions and instances of classes count as equal.
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
  if (!isTree(one) || !isTree(other)) return isTree(one) === isTree(other);
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]))
  );
}
