/**
 * Unusual values that JavaScript allows.
 *
 * @module
 */

/** Returns a function proxy of which each operation throws. */
export function hostile() {
  const trap = () => {
    throw new Error("planted-in-a-trap");
  };
  const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, trap]));
  return new Proxy(function () {}, traps);
}

/** Returns an object proxy of which each operation throws. */
export function hostileObject() {
  const trap = () => {
    throw new Error("planted-in-a-trap");
  };
  const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, trap]));
  return new Proxy({}, traps);
}

/** Returns a revoked proxy, for which even `Array.isArray` throws. */
export function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Returns a proxy that has the value `true` for all properties except `then`. */
export function yes() {
  return new Proxy({}, { get: (_target, key) => (key === "then" ? undefined : true) });
}

/** Returns a promise with a constructor that throws. */
export function brokenPromise() {
  return Object.defineProperty(Promise.resolve("x"), "constructor", {
    get() {
      throw new Error("planted-in-a-getter");
    },
  });
}

/** Returns a promise with a `then` that throws. */
export function throwingPromise() {
  return Object.assign(Promise.resolve("x"), {
    then() {
      throw new Error("planted-in-then");
    },
  });
}

/** Returns a promise without a callable `then`. */
export function promiseWithoutThen() {
  return Object.assign(Promise.resolve("x"), { then: 7 });
}

/** Returns a thenable that settles twice and then throws. */
export function restlessThenable() {
  return {
    /** @param {(value: unknown) => void} resolve @param {(reason: unknown) => void} reject */
    then(resolve, reject) {
      resolve("");
      reject(new Error("planted-in-then"));
      resolve("again");
      throw new Error("planted-in-then");
    },
  };
}

/** Values that user code may throw or return, with their names. @type {[title: string, make: () => unknown][]} */
export const UNUSUAL_VALUES = [
  ["a proxy that throws in every trap", hostile],
  ["a proxy of an object that throws in every trap", hostileObject],
  ["a revoked proxy", revoked],
  ["a proxy whose properties are all true", yes],
  ["a function", () => () => "planted-in-a-function"],
  ["a symbol", () => Symbol("planted-in-a-symbol")],
  ["a bigint", () => 7n],
  ["undefined", () => undefined],
  ["null", () => null],
  ["an object without a prototype", () => Object.create(null)],
  [
    "an object whose toString() throws",
    () => ({ toString: hostile(), valueOf: hostile(), toJSON: hostile() }),
  ],
  [
    "an object that contains itself",
    () => {
      /** @type {Record<string, unknown>} */
      const object = {};
      object.self = object;
      return object;
    },
  ],
];

/** Additional values that user code may return in place of a promise. @type {[title: string, make: () => unknown][]} */
export const UNUSUAL_PROMISES = [
  ["a promise whose constructor throws", brokenPromise],
  ["a promise whose then() throws", throwingPromise],
  ["a promise without a then() method", promiseWithoutThen],
  ["a thenable that settles twice and throws", restlessThenable],
  ["a promise of a proxy that throws in every trap", async () => ({ value: hostileObject() })],
];
