// Compares the cost of obtaining a token, the start time and the bundle size with those of other token libraries. Exits
// with 1 if a bound is exceeded.

import { circumstances, report, table } from "../report.js";
import { BUNDLES, sizeOf, startsInChromium, startsInNode } from "./bundles.js";
import { CONTESTANTS, OURS } from "./contestants.js";
import { awaiting, calling, timesOf } from "./held.js";
import { tokenEndpoint } from "./token-endpoint.js";
import { CALLERS, READS, cold, short } from "./use.js";

/**
 * Bounds: gzip bytes of the entry, milliseconds to start in Node, and the time added to an `await` relative to the
 * fastest peer.
 */
const BOUNDS = { gzip: 105_000, startMs: 20, held: 0.5 };

const say = (/** @type {string} */ what) => console.error(`==> ${what}`);

say("Measuring tokens that are held");
const { held, floor, peek, clock } = await heldTimes();
say("Counting what many callers cause, and a short token");
/** @type {Map<string, Awaited<ReturnType<typeof cold>>>} */
const colds = new Map();
/** @type {Map<string, number>} */
const shorts = new Map();
for (const contestant of CONTESTANTS) {
  colds.set(contestant.package, await cold(contestant));
  shorts.set(contestant.package, await short(contestant));
}
say("Starting in Node");
const starting = BUNDLES.filter(({ ready }) => ready !== undefined);
const node = await startsInNode(starting, 16);
say("Starting in Chromium");
const pages = await startsInChromium(
  starting.filter(({ node }) => !node),
  16,
);
say("Bundling");
/** @type {Map<string, Awaited<ReturnType<typeof sizeOf>>>} */
const sizes = new Map();
for (const bundled of BUNDLES) sizes.set(bundled.package, await sizeOf(bundled));

const figure = (
  /** @type {number | undefined} */ number,
  /** @type {number} */ digits,
  /** @type {string} */ unit,
) =>
  number === undefined
    ? ""
    : `${number.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}${unit}`;
const kilobytes = (/** @type {number | undefined} */ bytes) => figure(bytes && bytes / 1000, 1, " KB");
const rows = BUNDLES.map(({ package: name, node: nodeOnly }) => {
  const contestant = CONTESTANTS.find((contestant) => contestant.package === name);
  const { minified, gzip, brotli } = sizes.get(name) ?? {};
  return [
    `${name}${contestant ? `: ${contestant.name}` : ""}`,
    figure(held.get(name), 0, " ns"),
    figure(colds.get(name)?.requests, 0, ""),
    figure(colds.get(name)?.perCaller, 2, " µs"),
    figure(shorts.get(name), 0, ""),
    figure(node.get(name), 1, " ms"),
    nodeOnly ? "Node only" : figure(pages.get(name), 1, " ms"),
    kilobytes(minified),
    kilobytes(gzip),
    kilobytes(brotli),
  ];
});
const faults = broken();

report(
  "peers",
  `
${table(
  [
    "package",
    "cached token",
    `${CALLERS.toLocaleString("en")} callers at once: requests`,
    "time of each",
    `${READS} reads of a 3-minute token: requests`,
    "start in Node",
    "start in Chromium",
    "minified",
    "gzip",
    "brotli",
  ],
  rows,
)}

- *Cached token*: \`await\` of the call that returns it, in a loop; medians over many short rounds in which all take
  turns. Awaiting a resolved promise takes ${floor.toFixed(0)} ns; \`tokens.peek()\`, which does not wait,
  ${peek.toFixed(0)} ns; \`Date.now()\` alone, without which the validity of a token is unknown, ${clock.toFixed(0)} ns.
- Each peer is configured as its documentation shows, with its defaults, and uses a token endpoint that responds in the
  next turn of the event loop. The grants of oidc-client-ts require a user; an ordinary grant replaces them.
- *600 reads*: at even distances over one lifetime, in simulated time. This package refreshes before the expiry. Clients that
  treat the last five minutes as expired send a request for each read.
- *Start*: from the import until the client can be used, in a new process or page each time, medians. This package compiles
  WebAssembly in that time; the others are ready once they are created. Chromium loads one minified bundle over loopback,
  without a cache.
- *Sizes* are of one minified bundle by esbuild of a program that imports only this, including the WebAssembly; gzip at
  level 9, brotli at 11; 1 KB is 1,000 bytes. Azure's is the policy that contains the token cycler.

${circumstances(BUNDLES.map(({ package: name }) => name))}
Again: \`cargo xtask bench peers\`.

${faults.length === 0 ? "The bounds hold." : faults.join("\n")}
`,
);
process.exit(faults.length > 0 ? 1 : 0);

async function heldTimes() {
  const endpoint = tokenEndpoint(3_600_000);
  const promise = Promise.resolve("token");
  const runners = [
    { name: "floor", run: awaiting(() => promise) },
    { name: "clock", run: calling(Date.now) },
  ];
  for (const { package: name, start } of CONTESTANTS) {
    const source = start(endpoint);
    await source.get();
    runners.push({ name, run: awaiting(source.get) });
    if (source.peek) runners.push({ name: "peek", run: calling(source.peek) });
  }
  const held = await timesOf(runners, { rounds: 200, batchMs: 5 });
  endpoint.end();
  const of = (/** @type {string} */ name) => held.get(name) ?? Number.NaN;
  return { held, floor: of("floor"), peek: of("peek"), clock: of("clock") };
}

/** Returns the bounds that are exceeded. */
function broken() {
  const peers = [...held].filter(([name]) => ![OURS, "floor", "peek", "clock"].includes(name));
  const fastest = Math.min(...peers.map(([, time]) => time));
  const own = held.get(OURS) ?? Number.NaN;
  const faults = [];
  if (own - floor > BOUNDS.held * (fastest - floor)) {
    faults.push(
      `FAILED: a cached token adds ${(own - floor).toFixed(0)} ns to an await, the fastest peer ${(fastest - floor).toFixed(0)}.`,
    );
  }
  const gzip = sizes.get(OURS)?.gzip ?? Number.NaN;
  if (!(gzip <= BOUNDS.gzip))
    faults.push(`FAILED: ${kilobytes(gzip)} gzip; the bound is ${kilobytes(BOUNDS.gzip)}.`);
  const start = node.get(OURS) ?? Number.NaN;
  if (!(start <= BOUNDS.startMs))
    faults.push(`FAILED: ${start.toFixed(1)} ms to start in Node; the bound is ${BOUNDS.startMs}.`);
  if (colds.get(OURS)?.requests !== 1)
    faults.push("FAILED: callers that come at once cause more than one request.");
  return faults;
}
