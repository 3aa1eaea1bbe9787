// Measures the cost of many sessions: the core natively and the package in Node. Exits with 1 if a bound is exceeded.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { circumstances, report, table } from "../report.js";

/** @typedef {[median: number, high: number]} Nanos */
/** @typedef {{ figures: "size", sessions: number, token: number, bytes: Record<"first" | "full", number>, nanos: Record<keyof typeof EVENTS, Nanos>, lookupNanos: Nanos }} Size */
/** @typedef {{ figures: "herd", sessions: number, lifetimeMs: number, lifetimes: number, latencyMs: number, maxConcurrentGrants: number, peak: number, mean: number, grants: number, calls: number, waited: number, expired: number, failed: number }} Herd */
/** @typedef {{ figures: "day", refresh: string, idleMs: number, grants: number, calls: number, waited: number, expired: number, failed: number, longestWaitMs: number }} Day */
/** @typedef {{ heap: number, wasm: number, resident: number }} Bytes */
/** @typedef {{ sessions: number, token: number, before: Bytes, kept: Bytes, dropped: Bytes, filledMs: number, times: Record<keyof typeof CALLS, number> }} Held */

/** Bounds: bytes per session with its token, nanoseconds per input, and the figures of the herd. */
const BOUNDS = { bytes: 1_000, nanos: 2_000, peak: 4, grantsPerLifetime: 1.6 };

/** Maximum number of concurrent grants to which the bounds of the herd apply. */
const CHOSEN = 75;

const EVENTS = {
  held: "`getToken`, held",
  due: "refresh due",
  refreshed: "refreshed",
  made: "new session",
  replaced: "its first call, another is evicted",
};

const CALLS = {
  promise: "a promise that is resolved already",
  manager: "`tokens.getToken()`",
  session: "`session.getToken()`",
  selector: "`tokens.session(selector).getToken()`",
  anySession: "`session.getToken()`, each time of another session",
  anySelector: "`tokens.session(selector).getToken()`, each time of another",
};

const run = promisify(execFile);

console.error("==> Measuring the core natively");
const native = await run("cargo", ["bench", "--quiet", "--bench", "sessions"], {
  cwd: fileURLToPath(new URL("../..", import.meta.url)),
  maxBuffer: 2 ** 24,
});
/** @type {(Size | Herd | Day)[]} */
const lines = native.stdout
  .split("\n")
  .filter((line) => line.startsWith("{"))
  .map((line) => JSON.parse(line));
const sizes = lines.filter((line) => line.figures === "size");
const herds = lines.filter((line) => line.figures === "herd");
const days = lines.filter((line) => line.figures === "day");

console.error("==> Measuring the package in Node");
const program = fileURLToPath(new URL("package.js", import.meta.url));
/** @type {Held} */
const held = JSON.parse((await run(process.execPath, ["--expose-gc", program])).stdout);

const number = (/** @type {number} */ number, digits = 0) =>
  number.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const minutes = (/** @type {number} */ ms) => `${number(ms / 60_000)} min`;
const micros = (/** @type {Nanos} */ [median, high]) =>
  `${number(median / 1_000, 2)} / ${number(high / 1_000, 1)}`;
const perLifetime = (/** @type {Herd} */ { grants, sessions, lifetimes }) => grants / sessions / lifetimes;
const each = (/** @type {Bytes} */ after, /** @type {keyof Bytes} */ part) =>
  number((after[part] - held.before[part]) / held.sessions);
const kinds = /** @type {(keyof typeof EVENTS)[]} */ (Object.keys(EVENTS));

const sizeRows = sizes.map(({ sessions, bytes, nanos, lookupNanos }) => [
  number(sessions),
  number(bytes.first),
  number(bytes.full),
  ...kinds.map((kind) => micros(nanos[kind])),
  micros(lookupNanos),
]);
const herdRows = herds.map((herd) => [
  herd.maxConcurrentGrants === CHOSEN
    ? `**${CHOSEN}**`
    : herd.maxConcurrentGrants < herd.sessions
      ? number(herd.maxConcurrentGrants)
      : "no limit",
  number(herd.peak),
  number(herd.mean),
  number(herd.peak / herd.mean, 2),
  number(perLifetime(herd), 2),
  number(herd.calls),
  number(herd.waited),
  number(herd.expired),
]);
const dayRows = days.map((day) => {
  const always = days.find(({ refresh, idleMs }) => refresh === "always" && idleMs === day.idleMs);
  const saved = 1 - day.grants / (always?.grants ?? Number.NaN);
  return [
    `\`${day.refresh}\``,
    day.idleMs > 86_400_000 ? "all day" : minutes(day.idleMs),
    number(day.grants),
    day === always ? "" : `${number(100 * saved, 1)} %`,
    number(day.calls),
    `${number((100 * day.waited) / day.calls, 2)} %`,
    `${number(day.longestWaitMs / 1_000, 1)} s`,
    number(day.expired),
  ];
});
const [{ sessions: herdSize, lifetimeMs, lifetimes, latencyMs }] = herds;
const faults = broken();

report(
  "sessions",
  `
The core, natively. Bytes of an idle session including its token of ${sizes[0].token} characters: after its first grant, and
after sixteen refreshes, when the list of superseded tokens is full. Microseconds of an event, as median / 99.9th percentile:

${table(["sessions", "bytes each", "after 16 refreshes", ...Object.values(EVENTS), "a lookup"], sizeRows)}

${number(herdSize)} sessions whose tokens were all granted in the same second and live for ${minutes(lifetimeMs)}, for ${lifetimes} lifetimes. The provider
takes ${latencyMs} ms; each session is used about once a minute. Grants a second, from the first refresh on:

${table(
  [
    "`maxConcurrentGrants`",
    "at the peak",
    "on average",
    "ratio",
    "grants per lifetime",
    "calls",
    "waited",
    "expired tokens used",
  ],
  herdRows,
)}

A day of 10,000 sessions with tokens of 3 minutes. Each is visited eight times a day, nineteen times as often in the
afternoon as at night; a visit is 20 calls in 5 minutes. The provider takes 100 ms:

${table(
  [
    "refresh",
    "sessions kept without use",
    "grants",
    "fewer than by `always`",
    "calls",
    "waited",
    "longest wait",
    "expired tokens used",
  ],
  dayRows,
)}

The package in Node, with ${number(held.sessions)} sessions that hold a token of ${held.token} characters each. Bytes for each session:

${table(
  ["", "JavaScript heap", "WebAssembly memory", "resident"],
  [
    ["the program keeps the sessions", ...memoryOf(held.kept)],
    ["it keeps none; the manager does", ...memoryOf(held.dropped)],
  ],
)}

${table(
  ["`await` of", "takes"],
  Object.entries(CALLS).map(([call, name]) => [
    name,
    `${number(held.times[/** @type {keyof typeof CALLS} */ (call)])} ns`,
  ]),
)}

- *\`getToken\`, held* finds the session by its selector and calls the core, which the package avoids for most calls.
  *Refresh due* is the timer, divided by the sessions that were due; *refreshed*, the response to a grant. A *new
  session* is created, *its first call* starts its grant, and the least recently used session is evicted.
- *A lookup* is the unavoidable cost of finding something by a key: an entry of 800 bytes among as many is found in a
  \`BTreeMap\` and read. A thousand sessions fit into the processor's caches, a million do not, so by the clock every event
  and every lookup grows faster than log n. The bound therefore applies to events measured in lookups.
- Bytes are those requested from the allocator, which rounds up. The second table is for the default policy.
- With more concurrent grants than the bold number, the peak rises; with fewer, less capacity is left while most tokens are
  due together.
- The last two rows use all ${number(held.sessions)} sessions in an order that caches cannot predict. Creating the
  sessions and granting their tokens took ${number(held.filledMs / 1_000, 1)} s.

${circumstances(["graphql-token-manager"])}
Again: \`cargo xtask bench sessions\`.

${faults.length === 0 ? "The bounds hold." : faults.join("\n")}
`,
);
if (faults.length > 0) process.exitCode = 1;

/** @param {Bytes} after */
function memoryOf(after) {
  return /** @type {const} */ (["heap", "wasm", "resident"]).map((part) => each(after, part));
}

/** Returns the bounds that are exceeded. */
function broken() {
  const faults = [];
  const [smallest] = sizes;
  for (const { sessions, bytes, nanos, lookupNanos } of sizes) {
    const most = Math.max(bytes.first, bytes.full);
    if (!(most <= BOUNDS.bytes))
      faults.push(
        `FAILED: ${number(sessions)} sessions take ${number(most)} bytes each; the bound is ${BOUNDS.bytes}.`,
      );
    const growth = Math.log(sessions) / Math.log(smallest.sessions);
    for (const kind of kinds) {
      const what = `${EVENTS[kind]}, among ${number(sessions)} sessions`;
      const [median] = nanos[kind];
      if (!(median < BOUNDS.nanos))
        faults.push(`FAILED: ${what}: ${number(median)} ns; the bound is ${number(BOUNDS.nanos)}.`);
      const times = median / lookupNanos[0] / (smallest.nanos[kind][0] / smallest.lookupNanos[0]);
      if (!(times <= growth))
        faults.push(
          `FAILED: ${what}: ${number(times, 1)} times as many lookups as among ${number(smallest.sessions)}; log n grows ${number(growth, 2)} times.`,
        );
    }
  }
  const chosen = herds.find(({ maxConcurrentGrants }) => maxConcurrentGrants === CHOSEN);
  if (chosen === undefined)
    return [...faults, `FAILED: no herd with ${CHOSEN} grants at a time was measured.`];
  const { peak, mean, waited, expired, failed } = chosen;
  if (!(peak <= BOUNDS.peak * mean))
    faults.push(`FAILED: the herd's peak is ${number(peak / mean, 2)} times the mean.`);
  if (!(perLifetime(chosen) <= BOUNDS.grantsPerLifetime))
    faults.push(`FAILED: the herd is granted ${number(perLifetime(chosen), 2)} tokens per lifetime.`);
  if (waited + expired + failed > 0)
    faults.push(
      `FAILED: in the herd ${waited} calls waited, ${expired} got expired tokens, and ${failed} none.`,
    );
  for (const { refresh, expired, failed } of days) {
    if (expired + failed > 0)
      faults.push(
        `FAILED: in the day with \`${refresh}\` ${expired} calls got expired tokens, and ${failed} none.`,
      );
  }
  return faults;
}
