/**
 * Processes that share a token of two seconds, and what that costs: for a few lifetimes in tests, for many in
 * `cargo xtask bench sharing`.
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
/** @import { Told } from "./member.js" */

/** @typedef {{ after: TestContext["after"] }} Ending */
/** Where the token is shared. @typedef {{ kind: "file", path: string } | { kind: "redis", url: string, server: RedisServer }} Place */

const PROGRAM = fileURLToPath(new URL("member.js", import.meta.url));

export const LIFETIME_MS = 2_000;

/**
 * How long a request, and the store, are waited for: tokens that live so shortly cannot wait as long as by default. And
 * what a token must have left to be handed out, an eighth of its life by default: a busy machine needs more.
 *
 * @typedef {{ timeoutMs: number, storeTimeoutMs: number, minValidityMs?: number }} Spans
 */

/**
 * The most grants that so much time explains: one for each token that was used up. It is replaced in the last quarter of
 * its life, or as long as a grant may take before callers would have to wait, and up to a tenth of that sooner.
 * @param {number} ms
 * @param {Spans} spans
 */
export function mostGrants(ms, { minValidityMs = LIFETIME_MS / 8 }) {
  const window = Math.max(LIFETIME_MS / 4, minValidityMs + LIFETIME_MS / 8);
  return Math.ceil(ms / (LIFETIME_MS - 1.1 * window));
}

/** How long a lease lasts by itself: two requests and two answers of the store. @param {Spans} spans */
export const leaseMs = ({ timeoutMs, storeTimeoutMs }) => 2 * (timeoutMs + storeTimeoutMs);

/** A sandbox whose tokens live for two seconds, and whose refresh tokens count once. @param {Ending} t */
export async function quickSandbox(t) {
  const sandbox = await startSandbox({ lifetimes: { fluz: LIFETIME_MS } });
  t.after(() => sandbox.close());
  return sandbox;
}

/**
 * What holders are made with, as data.
 * @param {Sandbox} sandbox
 * @param {Spans} spans
 */
export function optionsFor({ fluz: { endpoint, apiKey, userId, accountId } }, spans) {
  const ids = { endpoint, apiKey, userId, accountId, scopes: ["LIST_OFFERS"] };
  return { provider: "fluz", environment: "sandbox", ...ids, retry: { baseMs: 10 }, ...spans };
}

/** Tokens issued so far. @param {Sandbox} sandbox */
export function grantsOf(sandbox) {
  const { grants, refreshes } = sandbox.counts().fluz;
  return grants + refreshes;
}

/**
 * @typedef {object} FleetParts
 * @property {number} members
 * @property {number} callers Of each.
 * @property {Place} place
 * @property {Spans} spans
 */

export class Fleet {
  /** @type {Set<Member>} */
  #members = new Set();
  /** What members have met that are gone. @type {Met[]} */
  #gone = [];
  /** @type {string[]} */
  failures = [];
  /** @type {string[]} */
  warnings = [];
  /** Why requests for tokens were sent again. @type {string[]} */
  retries = [];
  /** How often one took over what another got. */
  shared = 0;
  #t;
  #parts;

  /**
   * @param {Ending} t
   * @param {FleetParts} parts
   */
  constructor(t, parts) {
    this.#t = t;
    this.#parts = parts;
  }

  /**
   * Starts a sandbox and the members, and waits until all have been answered.
   */
  async start() {
    this.sandbox = await quickSandbox(this.#t);
    for (let count = 0; count < this.#parts.members; count += 1) this.#add();
    await Promise.all([...this.#members].map(({ working }) => working));
    return this.sandbox;
  }

  /**
   * Kills the next member that reaches a step under the lease, and starts another in its place.
   * @param {import("./stepping.js").Step} step
   * @returns {Promise<"held the lease" | "did not">} what the store says of it
   */
  async killHolder(step) {
    /** @type {Member} */
    const victim = await new Promise((resolve) => {
      const chosen = (/** @type {Member} */ member) => {
        for (const one of this.#members) one.stopped = (other) => other.tell({ goOn: true });
        for (const one of this.#members) one.tell({ kill: null });
        resolve(member);
      };
      for (const one of this.#members) {
        one.stopped = chosen;
        one.tell({ kill: step });
      }
    });
    const held = await holdsLease(this.#parts.place, victim.child.pid);
    const ended = once(victim.child, "exit");
    victim.child.kill("SIGKILL");
    await ended;
    this.#members.delete(victim);
    this.#gone.push(victim.met);
    this.#add();
    return held ? "held the lease" : "did not";
  }

  /** What all have met until now. */
  get met() {
    const all = [...this.#gone, ...[...this.#members].map(({ met }) => met)];
    return {
      calls: all.reduce((sum, { calls }) => sum + calls, 0),
      longestWaitMs: Math.max(...all.map(({ longestWaitMs }) => longestWaitMs)),
    };
  }

  /** Ends all members, when their last calls have been answered. */
  async stop() {
    await Promise.all([...this.#members].map((member) => member.end()));
  }

  #add() {
    const { place, callers, spans } = this.#parts;
    const { kind } = place;
    const sandbox = /** @type {Sandbox} */ (this.sandbox);
    const given = {
      options: optionsFor(sandbox, spans),
      place: kind === "file" ? place : { kind, url: place.url },
      callers,
    };
    const member = new Member(fork(PROGRAM, [JSON.stringify(given)]), this);
    this.#t.after(() => member.child.kill("SIGKILL"));
    this.#members.add(member);
  }
}

class Member {
  /** @type {Met} */
  met = { calls: 0, longestWaitMs: 0, failures: [] };
  /** Called when it waits to be killed. @type {(member: Member) => void} */
  stopped = (member) => member.tell({ goOn: true });
  /** @type {() => void} */
  #works = () => {};
  /** When a call of it was answered first. @type {Promise<void>} */
  working = new Promise((resolve) => (this.#works = resolve));

  /**
   * @param {ChildProcess} child
   * @param {Fleet} fleet
   */
  constructor(child, fleet) {
    this.child = child;
    child.on("message", (/** @type {import("./member.js").Tells} */ tells) => {
      if (tells.met) this.met = tells.met;
      if (tells.met && tells.met.longestWaitMs > 0) this.#works();
      if (tells.failed) fleet.failures.push(tells.failed);
      if (tells.warned) fleet.warnings.push(tells.warned);
      if (tells.retried) fleet.retries.push(tells.retried);
      if (tells.shared) fleet.shared += 1;
      if (tells.at) this.stopped(this);
    });
  }

  /** @param {Told} told */
  tell(told) {
    if (this.child.connected) this.child.send(told);
  }

  async end() {
    const ended = once(this.child, "exit");
    this.tell({ end: true });
    await ended;
  }
}

/**
 * Whether the store says that a process holds a lease; Redis knows no process.
 * @param {Place} place
 * @param {number | undefined} pid
 */
async function holdsLease(place, pid) {
  if (place.kind === "redis") return place.server.holdsLease();
  const names = await readdir(place.path, { recursive: true });
  const leases = names.filter((name) => name.endsWith(".lease"));
  const holders = await Promise.all(
    leases.map(async (name) => JSON.parse(await readFile(join(place.path, name), "utf8")).pid),
  );
  return holders.includes(pid);
}

/** A step, and over time each. @param {number} count */
export const stepOf = (count) => STEPS[count % STEPS.length] ?? "asking";

/**
 * Runs a fleet for some lifetimes.
 * @param {Ending} t
 * @param {FleetParts & { lifetimes: number, killEveryMs?: number }} parts
 */
export async function runFleet(t, { lifetimes, killEveryMs, ...parts }) {
  const fleet = new Fleet(t, parts);
  const sandbox = await fleet.start();
  const before = grantsOf(sandbox);
  const began = performance.now();
  const end = began + lifetimes * LIFETIME_MS;
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
