/**
 * Processes that share a token with a lifetime of two seconds, more on a slow machine: for a few lifetimes in tests,
 * for many in `cargo xtask bench sharing`.
 *
 * @module
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startSandbox } from "graphql-token-manager/testing";
import { STEPS } from "./stepping.js";

/** @import { ChildProcess } from "node:child_process" */
/** @import { TestContext } from "node:test" */
/** @import { Sandbox } from "graphql-token-manager/testing" */
/** @import { RedisServer } from "../stores/redis-server.js" */
/** @import { Met } from "./callers.js" */
/** @import { HolderMessage } from "./holder.js" */

/** @typedef {{ after: TestContext["after"] }} Cleanup */
/**
 * The shared store.
 *
 * @typedef {{ kind: "file", path: string } | { kind: "redis", url: string, server: RedisServer }} StoreLocation
 */

const PROGRAM = fileURLToPath(new URL("holder.js", import.meta.url));

export const LIFETIME_MS = 2_000;

/**
 * The token lifetime, by default two seconds. Timeouts of requests and of the store, which must be shorter than the
 * defaults because of the short token lifetimes; and the minimum validity of a returned token, by default an eighth of
 * the lifetime, which is too little on a loaded machine.
 *
 * @typedef {{ lifetimeMs?: number, timeoutMs: number, storeTimeoutMs: number, minValidityMs?: number }} Spans
 */

/**
 * Returns the maximum number of grants in a span: one per token that is due for refresh. A token is refreshed in the
 * last quarter of its lifetime, or early enough that callers need not wait for a grant, and up to a tenth of that
 * earlier.
 * @param {number} ms
 * @param {Spans} spans
 */
export function mostGrants(ms, { lifetimeMs = LIFETIME_MS, minValidityMs = lifetimeMs / 8 }) {
  const window = Math.max(lifetimeMs / 4, minValidityMs + lifetimeMs / 8);
  return Math.ceil(ms / (lifetimeMs - 1.1 * window));
}

/** Duration of a lease that is not released: two timeouts of a request and of the store each. @param {Spans} spans */
export const leaseMs = ({ timeoutMs, storeTimeoutMs }) => 2 * (timeoutMs + storeTimeoutMs);

/**
 * Starts a sandbox with short token lifetimes and single-use refresh tokens.
 * @param {Cleanup} t
 * @param {Spans} spans
 */
export async function quickSandbox(t, { lifetimeMs = LIFETIME_MS }) {
  const sandbox = await startSandbox({ lifetimes: { fluz: lifetimeMs } });
  t.after(() => sandbox.close());
  return sandbox;
}

/**
 * Returns the options of the holders, as JSON.
 * @param {Sandbox} sandbox
 * @param {Spans} spans
 */
export function optionsFor({ fluz: { endpoint, apiKey, userId, accountId } }, { lifetimeMs: _, ...spans }) {
  const ids = { endpoint, apiKey, userId, accountId, scopes: ["LIST_OFFERS"] };
  return { provider: "fluz", environment: "sandbox", ...ids, retry: { baseMs: 10 }, ...spans };
}

/** Returns the number of tokens issued so far. @param {Sandbox} sandbox */
export function grantsOf(sandbox) {
  const { grants, refreshes } = sandbox.counts().fluz;
  return grants + refreshes;
}

/**
 * @typedef {object} FleetParts
 * @property {number} holders
 * @property {number} callers Number of callers of each.
 * @property {StoreLocation} location
 * @property {Spans} spans
 */

export class Fleet {
  /** @type {Set<HolderProcess>} */
  #holders = new Set();
  /** Results of the holders that have ended. @type {Met[]} */
  #gone = [];
  /** @type {string[]} */
  failures = [];
  /** @type {string[]} */
  warnings = [];
  /** Reasons of the retries of token requests. @type {string[]} */
  retries = [];
  /** How often a holder adopted a token that another had stored. */
  shared = 0;
  #t;
  #parts;

  /**
   * @param {Cleanup} t
   * @param {FleetParts} parts
   */
  constructor(t, parts) {
    this.#t = t;
    this.#parts = parts;
  }

  /**
   * Starts a sandbox and the holders, and waits for the first successful call of each.
   */
  async start() {
    this.sandbox = await quickSandbox(this.#t, this.#parts.spans);
    for (let count = 0; count < this.#parts.holders; count += 1) this.#add();
    await Promise.all([...this.#holders].map(({ working }) => working));
    return this.sandbox;
  }

  /**
   * Kills the next holder that reaches a step under the lease, and starts another in its place.
   * @param {import("./stepping.js").Step} step
   * @returns {Promise<"held the lease" | "did not">} the state of its lease according to the store
   */
  async killHolder(step) {
    /** @type {HolderProcess} */
    const victim = await new Promise((resolve) => {
      const chosen = (/** @type {HolderProcess} */ holder) => {
        for (const one of this.#holders) one.stopped = (other) => other.send({ goOn: true });
        for (const one of this.#holders) one.send({ kill: null });
        resolve(holder);
      };
      for (const one of this.#holders) {
        one.stopped = chosen;
        one.send({ kill: step });
      }
    });
    const held = await holdsLease(this.#parts.location, victim.child.pid);
    const ended = once(victim.child, "exit");
    victim.child.kill("SIGKILL");
    await ended;
    this.#holders.delete(victim);
    this.#gone.push(victim.met);
    this.#add();
    return held ? "held the lease" : "did not";
  }

  /** The combined results so far. */
  get met() {
    const all = [...this.#gone, ...[...this.#holders].map(({ met }) => met)];
    return {
      calls: all.reduce((sum, { calls }) => sum + calls, 0),
      longestWaitMs: Math.max(...all.map(({ longestWaitMs }) => longestWaitMs)),
    };
  }

  /** Stops all holders after their last calls have settled. */
  async stop() {
    await Promise.all([...this.#holders].map((holder) => holder.end()));
  }

  #add() {
    const { location, callers, spans } = this.#parts;
    const { kind } = location;
    const sandbox = /** @type {Sandbox} */ (this.sandbox);
    const given = {
      options: optionsFor(sandbox, spans),
      location: kind === "file" ? location : { kind, url: location.url },
      callers,
    };
    const holder = new HolderProcess(fork(PROGRAM, [JSON.stringify(given)]), this);
    this.#t.after(() => holder.child.kill("SIGKILL"));
    this.#holders.add(holder);
  }
}

class HolderProcess {
  /** @type {Met} */
  met = { calls: 0, longestWaitMs: 0, failures: [] };
  /** Called when the holder is paused in order to be killed. @type {(holder: HolderProcess) => void} */
  stopped = (holder) => holder.send({ goOn: true });
  /** @type {() => void} */
  #works = () => {};
  /** Resolves at its first successful call. @type {Promise<void>} */
  working = new Promise((resolve) => (this.#works = resolve));

  /**
   * @param {ChildProcess} child
   * @param {Fleet} fleet
   */
  constructor(child, fleet) {
    this.child = child;
    child.on("message", (/** @type {import("./holder.js").HolderReport} */ report) => {
      if (report.met) this.met = report.met;
      if (report.met && report.met.longestWaitMs > 0) this.#works();
      if (report.failed) fleet.failures.push(report.failed);
      if (report.warned) fleet.warnings.push(report.warned);
      if (report.retried) fleet.retries.push(report.retried);
      if (report.shared) fleet.shared += 1;
      if (report.at) this.stopped(this);
    });
  }

  /** @param {HolderMessage} report */
  send(report) {
    if (this.child.connected) this.child.send(report);
  }

  async end() {
    const ended = once(this.child, "exit");
    this.send({ end: true });
    await ended;
  }
}

/**
 * Returns true if a process holds a lease according to the store. Redis does not record the process.
 * @param {StoreLocation} location
 * @param {number | undefined} pid
 */
async function holdsLease(location, pid) {
  if (location.kind === "redis") return location.server.holdsLease();
  const names = await readdir(location.path, { recursive: true });
  const leases = names.filter((name) => name.endsWith(".lease"));
  const holders = await Promise.all(
    leases.map(async (name) => JSON.parse(await readFile(join(location.path, name), "utf8")).pid),
  );
  return holders.includes(pid);
}

/** Returns the steps in rotation. @param {number} count */
export const stepOf = (count) => STEPS[count % STEPS.length] ?? "asking";

/**
 * Runs a fleet for a number of token lifetimes.
 * @param {Cleanup} t
 * @param {FleetParts & { lifetimes: number, killEveryMs?: number }} parts
 */
export async function runFleet(t, { lifetimes, killEveryMs, ...parts }) {
  const fleet = new Fleet(t, parts);
  const sandbox = await fleet.start();
  const before = grantsOf(sandbox);
  const began = performance.now();
  const end = began + lifetimes * (parts.spans.lifetimeMs ?? LIFETIME_MS);
  let crashes = 0;
  let unheld = 0;
  while (killEveryMs !== undefined && performance.now() + killEveryMs < end) {
    if ((await fleet.killHolder(stepOf(crashes))) === "did not") unheld += 1;
    crashes += 1;
    await new Promise((resolve) => setTimeout(resolve, killEveryMs));
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, end - performance.now())));
  const ms = performance.now() - began;
  const grants = grantsOf(sandbox) - before;
  await fleet.stop();
  return {
    ms,
    lifetimes,
    crashes,
    unheld,
    grants,
    mostGrants: mostGrants(ms, parts.spans) + crashes,
    ...fleet.met,
    failures: fleet.failures,
    warnings: fleet.warnings,
    retries: fleet.retries,
    shared: fleet.shared,
    reused: sandbox.counts().fluz.reused,
  };
}
