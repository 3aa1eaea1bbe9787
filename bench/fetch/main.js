// Compares the cost and the savings of `tokens.fetch` with those of alternative clients. Exits with 1 if another client
// adds less time to a call, or if a request is wasted.

import { circumstances, report, table } from "../report.js";
import { CONTESTANTS, OWN } from "./clients.js";
import { AT_ONCE, CALLS, EXPIRIES, usages } from "./expiries.js";
import { overheads, withoutNetwork } from "./overhead.js";
import { BODIES, startServer } from "./server.js";

/** @typedef {import("./overhead.js").Overhead} Overhead */

const SIZES = /** @type {import("./server.js").Size[]} */ (Object.keys(BODIES));
const LIFETIMES = { "1 h": 3_600_000, "3 min": 180_000 };

const say = (/** @type {string} */ what) => console.error(`==> ${what}`);

/** @type {Record<string, Map<string, Overhead>>} */
const costs = {};
for (const size of SIZES) {
  say(`Measuring answers of ${size} without a network`);
  const measured = withoutNetwork(size, () =>
    overheads("http://127.0.0.1:9", size, { rounds: 300, calls: 25 }),
  );
  costs[`${size}, no network`] = await measured;
}
const server = await startServer();
for (const size of SIZES) {
  say(`Measuring answers of ${size} over loopback`);
  costs[`${size}, loopback`] = await overheads(server.origin, size, { rounds: 150, calls: 15 });
}
server.close();

/** @type {Record<string, Map<string, import("./expiries.js").Usage>>} */
const uses = {};
for (const [lifetime, ms] of Object.entries(LIFETIMES)) {
  say(`Counting requests while tokens of ${lifetime} expire`);
  uses[lifetime] = await usages(ms);
}

const rows = CONTESTANTS.filter(({ over }) => over !== undefined).map(({ name, over }) => [
  name,
  over ?? "",
  ...Object.values(costs).map((results) => shown(of(results, name))),
  ...Object.values(uses).map((results) => {
    const { requests = 0, refused = 0, grants = 0, waited = 0, failed = 0 } = results.get(name) ?? {};
    return `${requests} / ${refused} / ${grants} / ${waited}${failed > 0 ? `, ${failed} calls failed` : ""}`;
  }),
]);
const head = [
  "client",
  "compared with",
  ...Object.keys(costs),
  ...Object.keys(uses).map((lifetime) => `tokens of ${lifetime}: requests / refused / grants / waits`),
];
const bases = CONTESTANTS.filter(({ over }) => over === undefined).map(({ name }) => [
  name,
  "",
  ...Object.values(costs).map((results) => `${of(results, name).took.toFixed(1)} µs`),
  ...Object.keys(uses).map(() => ""),
]);
const faults = [...costlier(), ...wasteful()];

report(
  "fetch",
  `
Overhead of authorisation for a call, in microseconds of processor time (± standard error; relative to none),
and the requests of ${CALLS} calls while ${EXPIRIES} tokens expire.

${table(head, [...bases, ...rows])}

- Each client is compared with itself, with the same header set by hand, so that its other work (urql and axios parse
  responses) does not count. Medians over many short rounds in which all take turns.
- *No network*: \`fetch\` is replaced by one that responds at once, so that only the clients are measured. *Loopback*: a
  server in another process, connections kept alive.
- \`tokens.fetch\` in its first row, and the peers, recognise a rejected token by its status. The next two rows also look for
  GraphQL errors inside HTTP 200, as the built-in providers require.
- *Requests* reached the API, *refused* ones were answered with 401, *waits* are calls that waited for a grant.
  ${AT_ONCE} calls at a time, at even distances over ${EXPIRIES} lifetimes, in simulated time. \`tokens.fetch\` refreshes before
  the expiry, in the last quarter of the lifetime, at most five minutes: that costs a few grants, and avoids the waits.
- axios-auth-refresh has \`deduplicateRefresh: false\`: with its default, of calls that are rejected together all but one fail.

${circumstances(["graphql-token-manager", "@badgateway/oauth2-client", "@urql/core", "@urql/exchange-auth", "axios", "axios-auth-refresh"])}
Again: \`cargo xtask bench fetch\`.

${faults.length === 0 ? "`tokens.fetch` adds the least, and wastes no request." : faults.join("\n")}
`,
);
if (faults.length > 0) process.exitCode = 1;

/**
 * @param {Map<string, Overhead>} results
 * @param {string} name
 */
function of(results, name) {
  const cost = results.get(name);
  if (cost === undefined) throw new Error(`${name} was not measured`);
  return cost;
}

/** @param {Overhead} cost */
function shown({ added, error, ratio }) {
  return `${added < 0 ? "−" : "+"}${Math.abs(added).toFixed(1)} ± ${error.toFixed(1)} (×${ratio.toFixed(2)})`;
}

/** Returns the cases in which another client adds less time, beyond the statistical error. */
function costlier() {
  return Object.entries(costs).flatMap(([what, results]) => {
    const peers = CONTESTANTS.filter(({ name, over }) => over !== undefined && !OWN.includes(name));
    const clearlyLess = (/** @type {Overhead} */ one, /** @type {Overhead} */ other) =>
      one.added + 2 * one.error < other.added - 2 * other.error;
    return peers.flatMap(({ name }) =>
      OWN.slice(0, 2)
        .filter((own) => clearlyLess(of(results, name), of(results, own)))
        .map((own) => `FAILED: ${name} adds less than ${own} (${what}).`),
    );
  });
}

/**
 * Returns the cases in which this package sends a request with a rejected token, or more grants than refreshing ahead
 * of expiry explains.
 */
function wasteful() {
  // A token is refreshed after at least 0.725 of its lifetime: the window is the last quarter, widened by up to a
  // tenth.
  const mostGrants = Math.ceil(EXPIRIES / 0.725);
  return Object.entries(uses).flatMap(([lifetime, results]) =>
    OWN.filter((name) => {
      const used = results.get(name);
      return used?.requests !== CALLS || used.refused + used.failed > 0 || used.grants > mostGrants;
    }).map((name) => `FAILED: ${name} wastes requests where tokens live ${lifetime}.`),
  );
}
