// Counts the managers of one identity that are alive in a realm, and reports when there are many.

import { sharedState } from "./boot.js";

/** More than this many are reported. */
const MANY = 16;

/** @typedef {{ alive: number, isReported: boolean }} Count */

/**
 * Counts a manager.
 *
 * The registry holds digests and numbers, and so keeps no manager from being collected. When the last manager of an
 * identity is gone, nothing of it is left.
 *
 * @param {string} identity a digest
 * @returns {{ end: () => void, report: (warn: (warning: object) => boolean) => void }} `warn` returns whether a listener
 *   received the warning
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
