// Measures the cost of sharing one token: eight processes, browser tabs, holders that are killed, and an outage of
// Redis. Exits with 1 if a call failed, a refresh token was presented twice, or there were more grants than lifetimes
// and crashes explain.

import { LIFETIME_MS, leaseMs, runFleet } from "../../js-tests/sharing/fleet.js";
import { OUTAGES, runOutage } from "../../js-tests/sharing/outage.js";
import { runTabs } from "../../js-tests/sharing/tabs.js";
import { chromiumFor, firefoxFor } from "../../js-tests/stores/browsers.js";
import { redisFor } from "../../js-tests/stores/redis-server.js";
import { folderFor } from "../../js-tests/stores/support.js";
import { circumstances, report, table } from "../report.js";

/** @typedef {import("../../js-tests/sharing/fleet.js").Cleanup} Cleanup */
/** @typedef {import("../../js-tests/sharing/fleet.js").StoreLocation} StoreLocation */

const LIFETIMES = 60;
const LIFETIMES_IN_TABS = 20;
const SEED = 7;
const FLEET = { holders: 8, callers: 100 };
const TABS = { most: 5, callers: 20 };
const KILL_EVERY_MS = 3_000;
const OUTAGE_MS = { before: 10_000, down: 10_000, after: 30_000 };
/** Shorter than the defaults, because the tokens have short lifetimes. */
const SPANS = { timeoutMs: 750, storeTimeoutMs: 500 };

/** @type {string[]} */
const faults = [];

/** @type {Record<string, (t: Cleanup) => Promise<StoreLocation>>} */
const PLACES = {
  "`fileStore`": async (t) => ({ kind: "file", path: await folderFor(t) }),
  "`redisStore`": async (t) => {
    const server = await redisFor(t);
    return { kind: "redis", url: server.url, server };
  },
};

/** @type {string[][]} */
const processes = [];
for (const [name, placeFor] of Object.entries(PLACES)) {
  for (const killEveryMs of [undefined, KILL_EVERY_MS]) {
    const what = `${name}${killEveryMs === undefined ? "" : ", killed"}`;
    say(`Processes on a ${what}: ${LIFETIMES} lifetimes`);
    const figures = await ended(async (t) => {
      const location = await placeFor(t);
      return runFleet(t, {
        ...FLEET,
        location,
        spans: SPANS,
        lifetimes: LIFETIMES,
        ...(killEveryMs === undefined ? {} : { killEveryMs }),
      });
    });
    check(what, figures);
    if (figures.unheld > 0) faults.push(`FAILED: ${what}: ${figures.unheld} were killed without the lease.`);
    processes.push([
      what,
      `${figures.crashes}`,
      of(figures.grants, figures.mostGrants),
      ...shared(figures),
      seconds(figures.longestWaitMs),
    ]);
  }
}

/** @type {string[][]} */
const tabs = [];
for (const [name, browserFor] of /** @type {const} */ ([
  ["Chromium", chromiumFor],
  ["Firefox", firefoxFor],
])) {
  say(`Tabs of ${name}: ${LIFETIMES_IN_TABS} lifetimes`);
  const figures = await ended(async (t) =>
    runTabs(t, await browserFor(t), {
      ...TABS,
      kind: "indexedDb",
      spans: SPANS,
      lifetimes: LIFETIMES_IN_TABS,
      seed: SEED,
    }),
  );
  check(name, figures);
  tabs.push([
    name,
    `${figures.closed}, ${figures.held} with the lease`,
    of(figures.grants, figures.mostGrants),
    ...shared(figures),
    seconds(figures.longestWaitMs),
  ]);
}

/** @type {string[][]} */
const outages = [];
for (const outage of /** @type {(keyof typeof OUTAGES)[]} */ (Object.keys(OUTAGES))) {
  say(`Redis is ${outage}`);
  const figures = await ended(async (t) => {
    const server = await redisFor(t);
    return runOutage(t, { ...FLEET, server, outage, ms: OUTAGE_MS, spans: SPANS });
  });
  const { before, mostBefore, down, usedAgainMs, after, mostAfter, longestWaitMs } = figures;
  check(`Redis ${outage}`, { ...figures, grants: before, mostGrants: mostBefore });
  if (after > mostAfter || usedAgainMs >= OUTAGE_MS.after) {
    faults.push(`FAILED: Redis ${outage}: it was not used again by all.`);
  }
  outages.push([
    outage,
    of(before, mostBefore),
    `${down}`,
    seconds(usedAgainMs),
    of(after, mostAfter),
    ...shared(figures),
    seconds(longestWaitMs),
  ]);
}

const WHAT = ["calls", "failed", "refresh tokens presented twice"];
report(
  "sharing",
  `
One token for many holders. Tokens live for ${LIFETIME_MS / 1_000} s, and refresh tokens can be used once: the sandbox's Fluz.
${FLEET.holders} processes with ${FLEET.callers} callers each for ${LIFETIMES} lifetimes; and the same with a process killed (SIGKILL) while it holds the
lease, the first to acquire it ${KILL_EVERY_MS / 1_000} s after the last kill, and another process started in its place:

${table(["on one", "killed", "grants, of at most", ...WHAT, "longest wait"], processes)}

Up to ${TABS.most} tabs of one profile on one \`indexedDbStore\` for ${LIFETIMES_IN_TABS} lifetimes, opened and closed at random, every third
of them while it holds the lease:

${table(["browser", "tabs closed", "grants, of at most", ...WHAT, "longest wait"], tabs)}

${FLEET.holders} processes whose Redis is unavailable for ${OUTAGE_MS.down / 1_000} s, after ${OUTAGE_MS.before / 1_000} s:

${table(
  [
    "Redis was",
    "grants before, of at most",
    "while it was unavailable",
    "used again after",
    `in ${OUTAGE_MS.after / 2_000} s after that, of at most`,
    ...WHAT,
    "longest wait",
  ],
  outages,
)}

- *Grants* are tokens issued, for credentials or for a refresh token. At most: a token is replaced in the last quarter of
  its life, and up to a tenth of that sooner, so it is used for at least 1.45 s; and one more for each process that was
  killed and each tab that was closed.
- *Calls* are those for a token; one in fifty is followed by a request to the API, which must succeed as well. *Failed*
  counts both.
- A lease expires after ${leaseMs(SPANS) / 1_000} s (\`timeoutMs\` is ${SPANS.timeoutMs}, \`storeTimeoutMs\` ${SPANS.storeTimeoutMs}). Redis keeps the lease of a killed process until
  then; the file store detects that its process has ended, and browsers release the lock of a closed tab.
- Which tabs are opened and closed is determined by the seed ${SEED}; the moments depend on the machine.

${circumstances(["graphql-token-manager", "redis"])}
Again: \`cargo xtask bench sharing\`.

${faults.length === 0 ? "No call fails, no refresh token is presented twice, and no lifetime costs a second grant." : faults.join("\n")}
`,
);
process.exit(faults.length > 0 ? 1 : 0);

/**
 * @param {string} what
 * @param {{ failures: string[], reused: number, grants: number, mostGrants: number }} figures
 */
function check(what, { failures, reused, grants, mostGrants }) {
  for (const failure of new Set(failures)) say(`a call failed: ${failure}`);
  if (failures.length > 0) faults.push(`FAILED: ${what}: ${failures.length} calls failed.`);
  if (reused > 0) faults.push(`FAILED: ${what}: refresh tokens were presented twice.`);
  if (grants > mostGrants) faults.push(`FAILED: ${what}: ${grants} grants, at most ${mostGrants}.`);
}

/** @param {{ calls: number, failures: string[], reused: number }} figures */
function shared({ calls, failures, reused }) {
  return [`${calls}`, `${failures.length}`, `${reused}`];
}

/**
 * Runs an action that starts servers and processes, and stops these afterwards.
 * @template T
 * @param {(t: Cleanup) => Promise<T>} action
 */
async function ended(action) {
  /** @type {(() => unknown)[]} */
  const endings = [];
  const after = (/** @type {any} */ ending) => void endings.push(ending);
  try {
    return await action({ after });
  } finally {
    for (const ending of endings.reverse()) await ending();
  }
}

/**
 * @param {number} figure
 * @param {number} most
 */
function of(figure, most) {
  return `${figure} of ${most}`;
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** @param {string} what */
function say(what) {
  console.error(`==> ${what}`);
}
