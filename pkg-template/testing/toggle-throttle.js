/**
 * Toggle's cost figures: a bucket that every request takes from and time refills.
 *
 * Source: developers.usetoggle.com, "Pagination / Throttling": at most 8,000, 5,000 more every ten minutes.
 *
 * @module
 */

const MAXIMUM = 8_000;
const REPLENISHED_PER_MS = 5_000 / 600_000;

/**
 * @param {() => number} now
 * @returns {(fieldCount: number) => { actualQueryCost: number, throttleStatus: { maximumAvailable: number, currentlyAvailable: number } }}
 */
export function throttle(now) {
  let available = MAXIMUM;
  let updatedAt = now();
  return (fieldCount) => {
    const replenished = Math.max(0, now() - updatedAt) * REPLENISHED_PER_MS;
    // One per field is a choice: the page gives an example's sum, and no way to arrive at it.
    const actualQueryCost = Math.max(1, fieldCount);
    updatedAt = now();
    available = Math.max(0, Math.min(MAXIMUM, available + replenished) - actualQueryCost);
    return {
      actualQueryCost,
      throttleStatus: { maximumAvailable: MAXIMUM, currentlyAvailable: Math.floor(available) },
    };
  };
}
