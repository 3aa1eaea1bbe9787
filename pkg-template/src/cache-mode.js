// Keeps tokens and responses out of caches behind `fetch`, such as the data cache of Next.js.

/** @type {{ cache?: "no-store" } | undefined} */
let mode;

/**
 * Returns the member of `RequestInit` that bypasses caches, or an empty object where the runtime rejects that member:
 * workerd before compatibility date 2024-11-11, and runtimes without `Request`.
 *
 * @returns {{ cache?: "no-store" }}
 */
export function withoutCache() {
  if (mode === undefined) {
    try {
      const { cache } = new Request("https://cache.invalid/", { cache: "no-store" });
      mode = cache === undefined ? {} : { cache: "no-store" };
    } catch {
      mode = {};
    }
  }
  return mode;
}
