// Finalizers and weak references, which older engines and Workers lack.

const NO_REGISTRY = { register() {}, unregister() {} };

/**
 * A FinalizationRegistry; where there is none, one that never calls.
 *
 * @param {(held: any) => void} collected
 * @returns {{ register(target: object, held: unknown, token?: object): void, unregister(token: object): unknown }}
 */
export function finalizationRegistry(collected) {
  try {
    const registry = new FinalizationRegistry(collected);
    if (typeof registry.register === "function" && typeof registry.unregister === "function") return registry;
  } catch {
    // What is not collected ends with the program, or by `close`.
  }
  return NO_REGISTRY;
}

/**
 * Whether a registry ever calls.
 *
 * @param {ReturnType<typeof finalizationRegistry>} registry
 */
export const isReal = (registry) => registry !== NO_REGISTRY;

/**
 * A WeakRef; where there is none, a strong reference that is marked as such.
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
    // As below.
  }
  return { deref: () => target, strong: true };
}
