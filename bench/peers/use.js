/**
 * What each client makes of many callers, and of a token that lives for three minutes.
 *
 * @module
 */

import { settled, simulatedClock } from "../clock.js";
import { tokenEndpoint } from "./token-endpoint.js";

/** @import { Contestant } from "./contestants.js" */

/** How many callers come at once, before there is a token. */
export const CALLERS = 10_000;

/** How often a token that lives so long is read, one time after the other, at even distances. */
export const READS = 600;
export const SHORT_MS = 180_000;

/**
 * Requests made for callers that come at once, and microseconds for each of them.
 *
 * @param {Contestant} contestant
 */
export async function cold({ start }) {
  const endpoint = tokenEndpoint(3_600_000);
  const times = [];
  let requests = 0;
  // The first is not counted: it compiles, and WebAssembly is started.
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
 * Requests made while a token of three minutes is read, in simulated time.
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
