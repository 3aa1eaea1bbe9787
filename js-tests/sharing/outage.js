/**
 * A fleet during an outage of Redis.
 *
 * @module
 */

import { Fleet, grantsOf, mostGrants } from "./fleet.js";

/** @import { RedisServer } from "../stores/redis-server.js" */
/** @import { Cleanup, Spans } from "./fleet.js" */

/** Kinds of outage: the server hangs, or it ends and restarts empty. */
export const OUTAGES = {
  stopped: {
    begin: async (/** @type {RedisServer} */ server) => server.signal("SIGSTOP"),
    end: async (/** @type {RedisServer} */ server) => server.signal("SIGCONT"),
  },
  "ended and started again": {
    begin: (/** @type {RedisServer} */ server) => server.stop(),
    end: (/** @type {RedisServer} */ server) => server.start(),
  },
};

/**
 * @param {Cleanup} t
 * @param {object} parts
 * @param {RedisServer} parts.server
 * @param {keyof typeof OUTAGES} parts.outage
 * @param {{ before: number, down: number, after: number }} parts.ms Duration of each part.
 * @param {number} parts.holders
 * @param {number} parts.callers
 * @param {Spans} parts.spans
 */
export async function runOutage(t, { server, outage, ms, ...parts }) {
  const fleet = new Fleet(t, { ...parts, location: { kind: "redis", url: server.url, server } });
  const sandbox = await fleet.start();
  const during = async (/** @type {number} */ span) => {
    const before = grantsOf(sandbox);
    await new Promise((resolve) => setTimeout(resolve, span));
    return grantsOf(sandbox) - before;
  };
  const before = await during(ms.before);
  await OUTAGES[outage].begin(server);
  const down = await during(ms.down);
  const sharedBefore = fleet.shared;
  await OUTAGES[outage].end(server);
  const began = performance.now();
  // The store is in use again when a holder adopts a token that another has stored.
  while (fleet.shared === sharedBefore && performance.now() - began < ms.after) await during(10);
  const usedAgainMs = performance.now() - began;
  // Members that found it unavailable last return to it last.
  await during(ms.after / 2);
  const after = await during(ms.after / 2);
  await fleet.stop();
  return {
    before,
    mostBefore: mostGrants(ms.before, parts.spans),
    down,
    usedAgainMs,
    after,
    mostAfter: mostGrants(ms.after / 2, parts.spans),
    ...fleet.met,
    failures: fleet.failures,
    warnings: fleet.warnings.length,
    reused: sandbox.counts().fluz.reused,
  };
}
