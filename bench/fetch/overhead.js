/**
 * What authorisation adds to a call.
 *
 * Many short rounds in which all take turns, so that whatever else the machine does meets all alike; and the median of
 * the differences within a round. Counted is the processor's time of this process, which waits for nobody: on a machine
 * that is used for something else as well, the clock tells more of that than of what is measured.
 *
 * @module
 */

import { CONTESTANTS } from "./clients.js";
import { BODIES, pathOf } from "./server.js";

/** @typedef {import("./server.js").Size} Size */

/**
 * @typedef {object} Overhead
 * @property {number} added microseconds that a call takes more
 * @property {number} error standard error of that
 * @property {number} ratio how many times as much it takes
 * @property {number} took microseconds that a call takes
 */

/**
 * @param {string} origin
 * @param {Size} size
 * @param {{ rounds: number, calls: number }} amount
 * @returns {Promise<Map<string, Overhead>>} by the contestant's name; also of those that are a basis
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
    // Another one begins each time: what follows whom may matter.
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

/** Standard error of a median, in ranges of the middle half, by the square root of the number. */
const ERROR = 0.93;

/** As long as those that APIs give. */
const TOKEN = "t".repeat(600);

/**
 * Microseconds that a call takes, of several one after the other.
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
 * Runs something while `fetch` answers at once, without a network: with the answer of a size, whose body is a stream of
 * bytes, as one from a network is.
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
