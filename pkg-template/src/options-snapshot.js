// Copies of options, taken when they are given: the core reads them later, and again should it be started anew.
//
// Decides nothing about options. What cannot be copied is marked, and the core refuses it by the name of its key.

/** How deep options may be nested; see `DEEPEST` in src/host/value.rs. Objects that contain themselves end here. */
const MAX_DEPTH = 12;
/** How many values are copied: the same object in many places is copied in each. */
const MAX_VALUES = 100_000;
/** Stands for what could not be read or is nested without end. The core accepts no symbol anywhere. */
const UNREADABLE = Symbol("unreadable");

const STORE_METHODS = ["get", "set", "delete", "acquire", "watch"];

/**
 * A deep copy of a manager's options. Never throws.
 *
 * Plain objects and arrays are copied, each member is read once. Functions and instances of classes stay the same objects;
 * a store is replaced by its methods.
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
 * A deep copy of the options of a call. Never throws.
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
   * Options may be of any class; what is in them may not.
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
    // Unlike an assignment, this makes a member also of `__proto__`.
    return Object.fromEntries(members);
  }
}

/**
 * A store's methods, bound to it: it may be of any class, and the core calls functions alone.
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
 * A getter or a proxy may throw.
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
 * Whether an object is of no class, in this realm or another; as the core sees it.
 *
 * @param {object} object
 */
function isPlain(object) {
  const prototype = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
