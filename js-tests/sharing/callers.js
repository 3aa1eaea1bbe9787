/**
 * Callers of one manager, which continuously request a token and, once in fifty calls, data from the API. Runs in
 * processes and in tabs.
 *
 * @module
 */

/** @typedef {{ getToken(): Promise<string>, request(document: string): Promise<unknown> }} Manager */
/**
 * Results of the callers. Waits are those for a token; failures are reported as they occur.
 *
 * @typedef {{ calls: number, longestWaitMs: number, failures: string[] }} Met
 */

/** Mean pause of a caller between two calls. */
const PAUSE_MS = 500;
const DOCUMENT = "{ getOffers(limit: 1) { offerId } }";

/**
 * @param {Manager} tokens
 * @param {number} count
 * @param {(failure: string) => void} [failed]
 */
export function startCallers(tokens, count, failed = () => {}) {
  /** @type {Met} */
  const met = { calls: 0, longestWaitMs: 0, failures: [] };
  let isOver = false;
  const caller = async () => {
    // Not all callers start at the same time.
    await pause();
    while (!isOver) {
      met.calls += 1;
      const began = performance.now();
      try {
        await tokens.getToken();
        met.longestWaitMs = Math.max(met.longestWaitMs, performance.now() - began);
        if (Math.random() < 0.02) await tokens.request(DOCUMENT);
      } catch (error) {
        const { name, code, message } = /** @type {any} */ (Object(error));
        const failure = `${name} ${code}: ${message}`;
        met.failures.push(failure);
        failed(failure);
      }
      await pause();
    }
  };
  const callers = Array.from({ length: count }, caller);
  return {
    met,
    /** Resolves when the last call has settled. */
    stop: async () => {
      isOver = true;
      await Promise.all(callers);
      return met;
    },
  };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * PAUSE_MS));
