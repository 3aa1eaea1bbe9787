// Measures 100,000 sessions of one manager in a separate process: `node --expose-gc package.js`. Prints JSON.

import { awaiting, timesOf } from "../peers/held.js";
import { settledMemory } from "../settled-memory.js";
import { TokenManager } from "graphql-token-manager";

const SESSIONS = 100_000;
/** Length of an access token in characters. */
const TOKEN = 300;

let granted = 0;
const tokens = new TokenManager({
  provider: {
    name: "bench",
    endpoint: "https://auth.bench.test",
    grant: async () => ({ accessToken: tokenText(++granted), expiresInMs: 36_000_000 }),
  },
  sessions: { max: SESSIONS, idleMs: 36_000_000, maxConcurrentGrants: 1_000 },
});
await tokens.getToken();
/** Allocated by the program beforehand, so that they are not attributed to the package. */
const selectors = Array.from({ length: SESSIONS }, (_, user) => ({ userId: userId(user) }));
/** @type {import("graphql-token-manager").TokenSession[]} */
const sessions = new Array(SESSIONS).fill(undefined);

const before = await settledMemory();
const began = performance.now();
for (let user = 0; user < SESSIONS; user += 1_000) {
  await Promise.all(
    selectors.slice(user, user + 1_000).map((selector, index) => {
      const session = tokens.session(selector);
      sessions[user + index] = session;
      return session.getToken();
    }),
  );
}
const filledMs = performance.now() - began;
const kept = await settledMemory();
if (granted !== SESSIONS + 1) throw new Error(`${granted} grants for ${SESSIONS} sessions`);

const times = await timesOfCalls();
sessions.length = 0;
const dropped = await settledMemory();
const held = tokens.status().sessions;
if (held !== SESSIONS + 1) throw new Error(`${held} sessions are held`);
if (granted !== SESSIONS + 1) throw new Error("a token that was held was asked for again");

console.log(JSON.stringify({ sessions: SESSIONS, token: TOKEN, before, kept, dropped, filledMs, times }));
process.exit();

/** Returns the nanoseconds per call of the functions that return a cached token. */
async function timesOfCalls() {
  const promise = Promise.resolve("token");
  const { length } = sessions;
  // A stride defeats CPU prefetching: 7,919 and the number of sessions have no common divisor.
  let at = 0;
  const next = () => (at = (at + 7_919) % length);
  const [session] = sessions;
  const [selector] = selectors;
  // The first call for a token also notifies the core, so each session is called once before the measurement.
  for (const each of sessions) await each.getToken();
  const runners = [
    { name: "promise", run: awaiting(() => promise) },
    { name: "manager", run: awaiting(() => tokens.getToken()) },
    { name: "session", run: awaiting(() => session.getToken()) },
    { name: "selector", run: awaiting(() => tokens.session(selector).getToken()) },
    { name: "anySession", run: awaiting(() => sessions[next()].getToken()) },
    { name: "anySelector", run: awaiting(() => tokens.session(selectors[next()]).getToken()) },
  ];
  return Object.fromEntries(await timesOf(runners, { rounds: 100, batchMs: 5 }));
}

/** Returns a unique string with a flat representation, as a parser produces it. @param {number} count */
function tokenText(count) {
  return Buffer.from(`${count}`.padStart(TOKEN, "x")).toString("latin1");
}

/** @param {number} user */
function userId(user) {
  return `3f6e1e5e-8f2c-4b0e-9a51-${user.toString(16).padStart(12, "0")}`;
}
