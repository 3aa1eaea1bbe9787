/**
 * Behavior of each client with many concurrent callers, and with a token lifetime of three minutes.
 *
 * @module
 */

import { settled, simulatedClock } from "../clock.js";
import { tokenEndpoint } from "./token-endpoint.js";

/** @import { Contestant } from "./contestants.js" */

/** Number of concurrent callers without a cached token. */
export const CALLERS = 10_000;

/** Number of sequential reads, evenly spaced over the lifetime of the token. */
export const READS = 600;
export const SHORT_MS = 180_000;

/**
 * Returns the number of requests for concurrent callers, and the time per caller in microseconds.
 *
 * @param {Contestant} contestant
 */
export async function cold({ start }) {
  const endpoint = tokenEndpoint(3_600_000);
  const times = [];
  let requests = 0;
  // The first run is not counted: it includes compilation and the start of WebAssembly.
  for (let run = 0; run < 6; run++) {
    const source = start(endpoint);
    const before = endpoint.requests();
    const began = performance.now();
    await Promise.all(Array.from({ length: CALLERS }, source.get));
    times.push(((performance.now() - began) * 1000) / CALLERS);
    requests = endpoint.requests() - before;
    await source.close?.();
  }
  endpoint.end();
  return { requests, perCaller: times.slice(1).sort((one, other) => one - other)[2] };
}

/**
 * Returns the number of requests while a token with a lifetime of three minutes is read, in simulated time.
 *
 * @param {Contestant} contestant
 */
export async function short({ start }) {
  const clock = simulatedClock();
  const endpoint = tokenEndpoint(SHORT_MS);
  const source = start(endpoint);
  for (let read = 0; read < READS; read++) {
    const got = source.get();
    await Promise.race([got, settled()]);
    await got;
    await clock.advance(SHORT_MS / READS);
  }
  await source.close?.();
  const requests = endpoint.requests();
  endpoint.end();
  clock.end();
  return requests;
}
