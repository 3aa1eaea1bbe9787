/**
 * The request log of the sandbox: one entry per request, and counts.
 *
 * It contains only names, times and status codes. Headers, variables and bodies are never passed to it, so it cannot
 * contain a secret.
 *
 * @module
 */

/** @import { ProviderCounts, ProviderName, SandboxRequest } from "./index.js" */

/**
 * Maximum number of entries; the oldest are removed first. A test sends hundreds; a sandbox that runs for a week must
 * not grow.
 */
const MOST_ENTRIES = 1_000;

export class RequestLog {
  /** @type {SandboxRequest[]} */
  #entries = [];
  /** @type {Record<ProviderName, ProviderCounts>} */
  #counts = { fluz: noCounts(), toggle: noCounts(), braintree: noCounts(), acme: noCounts() };

  /**
   * Records a request at its arrival, so that the log is in the order of arrival. The status is added with the
   * response.
   * @param {Omit<SandboxRequest, "status" | "fault">} arrival
   */
  arrived(arrival) {
    /** @type {SandboxRequest} */
    const entry = { ...arrival, status: 0 };
    this.#entries.push(entry);
    if (this.#entries.length > MOST_ENTRIES) this.#entries.shift();
    return entry;
  }

  /**
   * @param {ProviderName} provider
   * @param {keyof ProviderCounts} what
   */
  count(provider, what) {
    this.#counts[provider][what] += 1;
  }

  requests() {
    return this.#entries.map((entry) => ({ ...entry }));
  }

  counts() {
    return structuredClone(this.#counts);
  }
}

/** @returns {ProviderCounts} */
function noCounts() {
  return { grants: 0, refreshes: 0, calls: 0, refused: 0, reused: 0 };
}
