// Copies options when they are passed. The core reads them later, and again if it is restarted.
//
// The core validates options. A value that cannot be copied is replaced by a mark, which the core rejects with its
// name.

/** The deepest nesting of options; `DEEPEST` in src/host/from_js.rs. It ends the copying of cyclic objects. */
const MAX_DEPTH = 12;
/** The most values that are copied. An object in several places is copied for each. */
const MAX_VALUES = 100_000;
/** Replaces a value that cannot be read or is nested too deep. The core rejects symbols everywhere. */
const UNREADABLE = Symbol("unreadable");

const STORE_METHODS = ["get", "set", "delete", "acquire", "watch"];

/**
 * Returns a deep copy of a manager's options. Never throws.
 *
 * Plain objects and arrays are copied, and each member is read once. Functions and instances of classes stay the same
 * objects. A store is replaced by its methods.
 *
 * @param {unknown} options
 * @returns {any}
 */
export function optionsSnapshot(options) {
  const copier = new Copier();
  return copier.root(options, (name, value) =>
    name === "store" ? methodsOf(value) : copier.copy(value, MAX_DEPTH),
  );
}

/**
 * Returns a deep copy of the options of a call. Never throws.
 *
 * @param {unknown} options
 * @returns {any}
 */
export function callSnapshot(options) {
  const copier = new Copier();
  return copier.root(options, (_name, value) => copier.copy(value, MAX_DEPTH));
}

class Copier {
  #left = MAX_VALUES;

  /**
   * Copies the options object, which may be an instance of a class. Instances inside it are not copied.
   *
   * @param {unknown} options
   * @param {(name: string, value: unknown) => unknown} copy of a member
   */
  root(options, copy) {
    if (typeof options !== "object" || options === null) return options;
    return attempt(() => (Array.isArray(options) ? options : this.#members(options, copy)));
  }

  /**
   * @param {unknown} value
   * @param {number} depth
   * @returns {unknown}
   */
  copy(value, depth) {
    this.#left -= 1;
    if (typeof value !== "object" || value === null) return value;
    if (depth === 0 || this.#left < 0) return UNREADABLE;
    const copied = (/** @type {unknown} */ member) => this.copy(member, depth - 1);
    return attempt(() => {
      if (Array.isArray(value)) return this.#items(value, copied);
      if (value instanceof Date) return Date.prototype.getTime.call(value);
      return isPlain(value) ? this.#members(value, (_name, member) => copied(member)) : value;
    });
  }

  /**
   * @param {readonly unknown[]} list
   * @param {(item: unknown) => unknown} copy
   */
  #items(list, copy) {
    const { length } = list;
    if (length > this.#left) return UNREADABLE;
    const items = [];
    for (let place = 0; place < length; place += 1) items.push(copy(attempt(() => list[place])));
    return items;
  }

  /**
   * @param {object} object
   * @param {(name: string, value: unknown) => unknown} copy
   */
  #members(object, copy) {
    const members = Object.keys(object).map((name) => [
      name,
      copy(
        name,
        attempt(() => /** @type {any} */ (object)[name]),
      ),
    ]);
    // Unlike an assignment, this creates a member named `__proto__` too.
    return Object.fromEntries(members);
  }
}

/**
 * Returns the methods of a store, bound to it. A store may be an instance of any class, and the core calls plain
 * functions.
 *
 * @param {any} store
 */
function methodsOf(store) {
  if (typeof store !== "object" || store === null) return store;
  const bound = STORE_METHODS.map((name) => [
    name,
    attempt(() => {
      const method = store[name];
      return typeof method === "function" ? Function.prototype.bind.call(method, store) : method;
    }),
  ]);
  return Object.fromEntries(bound);
}

/**
 * Calls `read`. Returns `UNREADABLE` if a getter or a proxy throws.
 *
 * @param {() => unknown} read
 */
function attempt(read) {
  try {
    return read();
  } catch {
    return UNREADABLE;
  }
}

/**
 * Returns whether an object is a plain object of this or another realm, by the same rule as the core's.
 *
 * @param {object} object
 */
export function isPlain(object) {
  const prototype = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
