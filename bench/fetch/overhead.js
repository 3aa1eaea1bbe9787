/**
 * The CPU time that authorization adds to a call.
 *
 * The contestants run in turn in many short rounds, so that other load on the machine affects all of them equally; the
 * result is the median of the differences within a round. The figure is the CPU time of this process, because
 * wall-clock time on a shared machine includes other processes.
 *
 * @module
 */

import { CONTESTANTS } from "./clients.js";
import { BODIES, pathOf } from "./server.js";

/** @typedef {import("./server.js").Size} Size */

/**
 * @typedef {object} Overhead
 * @property {number} added added time per call, in microseconds
 * @property {number} error standard error of `added`
 * @property {number} ratio time per call relative to the baseline
 * @property {number} took time per call, in microseconds
 */

/**
 * @param {string} origin
 * @param {Size} size
 * @param {{ rounds: number, calls: number }} amount
 * @returns {Promise<Map<string, Overhead>>} by contestant name, with the baselines
 */
export async function overheads(origin, size, { rounds, calls }) {
  const endpoint = origin + pathOf(size);
  const started = [];
  for (const { name, over, start } of CONTESTANTS) {
    const grant = async () => ({ accessToken: TOKEN, expiresInMs: 86_400_000 });
    const { call, close } = await start({ endpoint, grant });
    /** @type {number[]} */
    const times = [];
    started.push({ name, over, call, close, times });
  }
  const warmUp = Math.ceil(rounds / 10);
  for (let round = -warmUp; round < rounds; round++) {
    // Each round starts with another contestant, because the order may affect the result.
    for (let place = 0; place < started.length; place++) {
      const { call, times } = started[(place + round + warmUp) % started.length];
      const time = await timed(call, calls, size);
      if (round >= 0) times.push(time);
    }
  }
  for (const { close } of started) await close();

  /** @type {Map<string, Overhead>} */
  const results = new Map();
  for (const { name, over, times } of started) {
    const basis = started.find((other) => other.name === (over ?? name))?.times ?? times;
    const differences = times.map((time, round) => time - basis[round]);
    const ratios = times.map((time, round) => time / basis[round]);
    results.set(name, {
      added: quantile(differences, 0.5),
      error: (ERROR * (quantile(differences, 0.75) - quantile(differences, 0.25))) / Math.sqrt(rounds),
      ratio: quantile(ratios, 0.5),
      took: quantile(times, 0.5),
    });
  }
  return results;
}

/** Standard error of a median, in units of the interquartile range divided by the square root of the sample size. */
const ERROR = 0.93;

/** A token of realistic length. */
const TOKEN = "t".repeat(600);

/**
 * Returns the time per call in microseconds, over `calls` sequential calls.
 *
 * @param {import("./clients.js").Call} call
 * @param {number} calls
 * @param {Size} size
 */
async function timed(call, calls, size) {
  const expected = JSON.parse(BODIES[size]).data.rest;
  let data;
  const start = process.cpuUsage();
  for (let count = 0; count < calls; count++) data = await call();
  const { user, system } = process.cpuUsage(start);
  if (data?.rest !== expected) throw new Error("a client did not get the API's answer");
  return (user + system) / calls;
}

/**
 * @param {number[]} values
 * @param {number} share
 */
function quantile(values, share) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.round((sorted.length - 1) * share)];
}

/**
 * Runs `action` while `fetch` responds immediately and without a network. The body has the given size and is a byte
 * stream, as in a response from a network.
 *
 * @template T
 * @param {Size} size
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function withoutNetwork(size, action) {
  const real = globalThis.fetch;
  const bytes = new TextEncoder().encode(BODIES[size]);
  const headers = { "content-type": "application/json; charset=utf-8", "content-length": `${bytes.length}` };
  globalThis.fetch = async () => {
    const body = new ReadableStream({
      type: "bytes",
      pull(controller) {
        controller.enqueue(bytes.slice());
        controller.close();
      },
    });
    return new Response(body, { headers });
  };
  try {
    return await action();
  } finally {
    globalThis.fetch = real;
  }
}
