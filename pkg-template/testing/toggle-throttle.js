/**
 * Toggle's query cost: a token bucket that every request draws from.
 *
 * Source: developers.usetoggle.com, "Pagination / Throttling": at most 8,000, replenished by 5,000 every ten minutes.
 *
 * @module
 */

const MAXIMUM = 8_000;
const REPLENISHED_PER_MS = 5_000 / 600_000;

/**
 * @param {() => number} now
 * @returns {(fieldCount: number) => { actualQueryCost: number, throttleStatus: { maximumAvailable: number,
 * currentlyAvailable: number } }}
 */
export function throttle(now) {
  let available = MAXIMUM;
  let updatedAt = now();
  return (fieldCount) => {
    const replenished = Math.max(0, now() - updatedAt) * REPLENISHED_PER_MS;
    // One per field is chosen for the sandbox: the documentation has the sum of an example, but no formula.
    const actualQueryCost = Math.max(1, fieldCount);
    updatedAt = now();
    available = Math.max(0, Math.min(MAXIMUM, available + replenished) - actualQueryCost);
    return {
      actualQueryCost,
      throttleStatus: { maximumAvailable: MAXIMUM, currentlyAvailable: Math.floor(available) },
    };
  };
}
