/**
 * How many requests and grants a client needs while tokens expire: a thousand calls over ten lifetimes of a token, in
 * simulated time, at an API that refuses expired tokens with 401.
 *
 * @module
 */

import { simulatedClock } from "../clock.js";
import { CONTESTANTS } from "./clients.js";

/** A page or a job asks for several things at once. */
export const AT_ONCE = 5;
export const CALLS = 1000;
export const EXPIRIES = 10;

/** How long the API thinks before it gives a token. */
const GRANT_MS = 300;

/**
 * @typedef {object} Usage
 * @property {number} requests that reached the API
 * @property {number} refused of them
 * @property {number} grants that were asked for
 * @property {number} waited calls that were held up by a grant
 * @property {number} failed calls that did not get their data
 */

/**
 * @param {number} lifetimeMs
 * @returns {Promise<Map<string, Usage>>} by the contestant's name; only of those that authorise
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
  /** When the token of each grant expires. @type {number[]} */
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
