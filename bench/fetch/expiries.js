/**
 * Numbers of requests and grants while tokens expire: a thousand calls over ten token lifetimes, in simulated time,
 * against an API that rejects expired tokens with 401.
 *
 * @module
 */

import { simulatedClock } from "../clock.js";
import { CONTESTANTS } from "./clients.js";

/** Concurrent calls, as a page or a job sends them. */
export const AT_ONCE = 5;
export const CALLS = 1000;
export const EXPIRIES = 10;

/** Latency of a grant, in milliseconds. */
const GRANT_MS = 300;

/**
 * @typedef {object} Usage
 * @property {number} requests number of requests that the API received
 * @property {number} refused number of these that were rejected
 * @property {number} grants number of grants
 * @property {number} waited number of calls that waited for a grant
 * @property {number} failed number of calls that did not receive their data
 */

/**
 * @param {number} lifetimeMs
 * @returns {Promise<Map<string, Usage>>} by contestant name, without the baselines
 */
export async function usages(lifetimeMs) {
  /** @type {Map<string, Usage>} */
  const results = new Map();
  for (const contestant of CONTESTANTS) {
    if (contestant.over === undefined) continue;
    results.set(contestant.name, await usage(contestant, lifetimeMs));
  }
  return results;
}

/**
 * @param {import("./clients.js").Contestant} contestant
 * @param {number} lifetimeMs
 * @returns {Promise<Usage>}
 */
async function usage(contestant, lifetimeMs) {
  const real = globalThis.fetch;
  const clock = simulatedClock();
  const used = { requests: 0, refused: 0, grants: 0, waited: 0, failed: 0 };
  /** Expiry of the token of each grant. @type {number[]} */
  const expiries = [];
  const grant = async () => {
    used.grants++;
    await new Promise((resolve) => setTimeout(resolve, GRANT_MS));
    const token = expiries.push(Date.now() + lifetimeMs);
    return { accessToken: `token-${token}`, expiresInMs: lifetimeMs };
  };
  globalThis.fetch = async (input, init) => {
    used.requests++;
    const { headers } = new Request(input, init);
    const token = Number(headers.get("authorization")?.replace("Bearer token-", ""));
    if (Date.now() < (expiries[token - 1] ?? 0)) return Response.json({ data: { rest: "" } });
    used.refused++;
    return Response.json({ errors: [{ message: "Unauthorized" }] }, { status: 401 });
  };
  try {
    const starting = contestant.start({ endpoint: "https://api.test/graphql", grant });
    await clock.advance(GRANT_MS);
    const { call, close } = await starting;
    const timed = async () => {
      const began = Date.now();
      await call().catch(() => used.failed++);
      if (Date.now() > began) used.waited++;
    };
    const pause = (EXPIRIES * lifetimeMs) / (CALLS / AT_ONCE);
    for (let time = 0; time < CALLS / AT_ONCE; time++) {
      const calls = Array.from({ length: AT_ONCE }, timed);
      await clock.advance(pause);
      await Promise.all(calls);
    }
    await close();
    await clock.advance(0);
  } finally {
    globalThis.fetch = real;
    clock.end();
  }
  return used;
}
