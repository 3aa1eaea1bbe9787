// Counts the living managers of each identity in a realm, and emits a warning if there are many.

import { sharedState } from "./shared-state.js";

/** The largest number without a warning. */
const MANY = 16;

/** @typedef {{ alive: number, isReported: boolean }} Count */

/**
 * Counts a manager.
 *
 * The registry contains digests and numbers only, so that it does not keep managers from being collected. The entry of
 * an identity is removed with its last manager.
 *
 * @param {string} identity a digest
 * @returns {{ end: () => void, report: (warn: (warning: object) => boolean) => void }} `warn` returns whether a
 *   listener received the warning
 */
export function countManager(identity) {
  const counts = (sharedState().counts ??= new Map());
  /** @type {Count} */
  const count = counts.get(identity) ?? { alive: 0, isReported: false };
  counts.set(identity, count);
  count.alive++;
  return {
    end() {
      count.alive--;
      if (count.alive === 0) counts.delete(identity);
    },
    report(warn) {
      if (count.alive <= MANY || count.isReported) return;
      count.isReported = true;
      const message =
        `${count.alive} managers of one identity are alive, each with a token of its own; make one at module level, by ` +
        "TokenManager.shared() where modules are evaluated several times, or close those that are no longer used";
      count.isReported = warn({ type: "warning", code: "many_managers", message });
    },
  };
}
