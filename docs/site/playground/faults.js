/**
 * Faults of the provider, for its answers to requests for a token.
 *
 * @module
 */

/** @import { FaultSpec } from "../../../pkg-template/testing/index.js" */

/** @typedef {"drop" | "error" | "limit" | "html" | "outage" | "revoke"} FaultName */

/**
 * `times`: the number of requests for a token to which it applies. `forMs`: how long it lasts instead.
 *
 * @type {Readonly<Record<FaultName, { label: string, spec?: FaultSpec, times?: number, forMs?: number }>>}
 */
export const FAULTS = Object.freeze({
  drop: { label: "Drop the next 2 requests for a token", spec: { kind: "drop" }, times: 2 },
  error: { label: "500 for the next 2", spec: { kind: "status", status: 500 }, times: 2 },
  limit: {
    label: "429, Retry-After: 1, for 1 s",
    spec: { kind: "status", status: 429, retryAfter: 1 },
    forMs: 1_000,
  },
  html: { label: "An HTML page for the next one", spec: { kind: "html" }, times: 1 },
  outage: { label: "Outage of 2 s (503)", spec: { kind: "status", status: 503 }, forMs: 2_000 },
  revoke: { label: "Revoke all tokens" },
});

/** The faults that are active on one side. */
export class ActiveFaults {
  /** Oldest first. @type {{ spec: FaultSpec, left: number }[]} */
  #active = [];

  /**
   * Starts a fault. Revoking is not one of them: it happens at once.
   *
   * @param {FaultName} name
   */
  start(name) {
    const { spec, times = Infinity, forMs } = FAULTS[name];
    if (spec === undefined) return;
    const fault = { spec, left: times };
    this.#active.push(fault);
    if (forMs !== undefined) setTimeout(() => (fault.left = 0), forMs);
  }

  /** Returns the fault of the next request for a token, and counts it. @returns {FaultSpec | undefined} */
  next() {
    this.#active = this.#active.filter(({ left }) => left > 0);
    const [oldest] = this.#active;
    if (oldest === undefined) return undefined;
    oldest.left -= 1;
    return { ...oldest.spec, times: 1 };
  }
}
