/**
 * The cost of obtaining a cached token.
 *
 * @module
 */

/** @typedef {{ name: string, run: (times: number) => Promise<void> }} Runner */

/**
 * Returns the median time per call in nanoseconds. The runners run in turn in many rounds, so that other load on the
 * machine affects all of them equally.
 *
 * @param {Runner[]} runners
 * @param {{ rounds: number, batchMs: number }} plan
 * @returns {Promise<Map<string, number>>}
 */
export async function timesOf(runners, { rounds, batchMs }) {
  const batches = new Map();
  for (const { name, run } of runners) batches.set(name, await batchOf(run, batchMs));
  /** @type {Map<string, number[]>} */
  const taken = new Map(runners.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of runners) {
      const batch = batches.get(name);
      const began = process.hrtime.bigint();
      await run(batch);
      taken.get(name)?.push(Number(process.hrtime.bigint() - began) / batch);
    }
  }
  return new Map([...taken].map(([name, times]) => [name, median(times)]));
}

/**
 * Returns the number of calls that take `batchMs`, and warms up meanwhile.
 *
 * @param {Runner["run"]} run @param {number} batchMs
 */
async function batchOf(run, batchMs) {
  for (let batch = 16; ; batch *= 2) {
    const began = performance.now();
    await run(batch);
    if (performance.now() - began > batchMs) return batch;
  }
}

/** @param {() => Promise<unknown>} get @returns {Runner["run"]} */
export const awaiting = (get) => async (times) => {
  for (let time = 0; time < times; time++) await get();
};

/** @param {() => unknown} get @returns {Runner["run"]} */
export const calling = (get) => async (times) => {
  for (let time = 0; time < times; time++) if (get() === undefined) throw new Error("nothing is held");
};

/** @param {number[]} numbers */
export const median = (numbers) =>
  numbers.sort((one, other) => one - other)[numbers.length >> 1] ?? Number.NaN;
