// Keeps tokens and answers out of the caches that runtimes and frameworks put behind `fetch`, such as Next's data cache.

/** @type {{ cache?: "no-store" } | undefined} */
let mode;

/**
 * The member of `RequestInit` that goes around caches; none where the runtime refuses it: workerd before compatibility
 * date 2024-11-11, and runtimes without `Request`.
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
