// FinalizationRegistry and WeakRef with fallbacks for older engines and Workers, which lack them.

const NO_REGISTRY = { register() {}, unregister() {} };

/**
 * Returns a FinalizationRegistry, or a fallback that never calls `collected`.
 *
 * @param {(held: any) => void} collected
 * @returns {{ register(target: object, held: unknown, token?: object): void, unregister(token: object): unknown }}
 */
export function finalizationRegistry(collected) {
  try {
    const registry = new FinalizationRegistry(collected);
    if (typeof registry.register === "function" && typeof registry.unregister === "function") return registry;
  } catch {
    // Without a registry, managers live until `close` or the end of the program.
  }
  return NO_REGISTRY;
}

/**
 * Returns whether a registry is not the fallback.
 *
 * @param {ReturnType<typeof finalizationRegistry>} registry
 */
export const isReal = (registry) => registry !== NO_REGISTRY;

/**
 * Returns a WeakRef, or a strong reference with `strong: true` where the engine has none.
 *
 * @template {object} T
 * @param {T} target
 * @returns {{ deref(): T | undefined, strong?: true }}
 */
export function weakRef(target) {
  try {
    const reference = new WeakRef(target);
    if (reference.deref() === target) return reference;
  } catch {
    // The fallback is returned below.
  }
  return { deref: () => target, strong: true };
}
