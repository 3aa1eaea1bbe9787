/**
 * Values that JavaScript allows and nobody expects.
 *
 * @module
 */

/** Throws at whatever is done with it. */
export function hostile() {
  const trap = () => {
    throw new Error("planted-in-a-trap");
  };
  const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, trap]));
  return new Proxy(function () {}, traps);
}

/** A proxy of an object that throws at whatever is done with it. */
export function hostileObject() {
  const trap = () => {
    throw new Error("planted-in-a-trap");
  };
  const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, trap]));
  return new Proxy({}, traps);
}

/** A proxy that was taken back: even `Array.isArray` throws at it. */
export function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Answers every question with a truth. */
export function yes() {
  return new Proxy({}, { get: (_target, key) => (key === "then" ? undefined : true) });
}

/** A promise in whose class something throws. */
export function brokenPromise() {
  return Object.defineProperty(Promise.resolve("x"), "constructor", {
    get() {
      throw new Error("planted-in-a-getter");
    },
  });
}

/** A promise that throws when it is waited for. */
export function throwingPromise() {
  return Object.assign(Promise.resolve("x"), {
    then() {
      throw new Error("planted-in-then");
    },
  });
}

/** A promise that cannot be waited for. */
export function promiseWithoutThen() {
  return Object.assign(Promise.resolve("x"), { then: 7 });
}

/** Settles twice, and throws afterwards. */
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

/** What might be thrown or given, with its name. @type {[title: string, make: () => unknown][]} */
export const STRANGE = [
  ["a proxy that throws at everything", hostile],
  ["a proxy of an object that throws at everything", hostileObject],
  ["a proxy that was revoked", revoked],
  ["a proxy that says yes to everything", yes],
  ["a function", () => () => "planted-in-a-function"],
  ["a symbol", () => Symbol("planted-in-a-symbol")],
  ["a bigint", () => 7n],
  ["undefined", () => undefined],
  ["null", () => null],
  ["an object without a prototype", () => Object.create(null)],
  ["an object whose text throws", () => ({ toString: hostile(), valueOf: hostile(), toJSON: hostile() })],
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

/** What might be given in place of a promise, besides. @type {[title: string, make: () => unknown][]} */
export const STRANGE_PROMISES = [
  ["a promise whose class throws", brokenPromise],
  ["a promise that throws when it is waited for", throwingPromise],
  ["a promise that cannot be waited for", promiseWithoutThen],
  ["a thenable that settles twice and throws", restlessThenable],
  ["a promise of a proxy that throws at everything", async () => ({ value: hostileObject() })],
];
