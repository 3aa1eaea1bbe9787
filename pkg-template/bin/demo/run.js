/**
 * The demo: concurrent callers, calls on a schedule, and the results of both.
 *
 * @module
 */

import { startLocalSandbox } from "../local-sandbox.js";
import { GRANTS, LIFETIMES, apisOf } from "./apis.js";
import { checkClaims } from "./claims.js";
import { Client, pause, seconds } from "./client.js";
import {
  MARGIN,
  NAME_WIDTH,
  burstRow,
  heading,
  lifetimes,
  liveRow,
  liveTable,
  summary,
  verdicts,
} from "./tables.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */
/** @import { Burst, ClaimResult } from "./claims.js" */
/** @import { Screen } from "./screen.js" */

/**
 * @typedef {object} Plan
 * @property {number} seconds Duration of the scheduled calls.
 * @property {number} grantMs Latency of a grant in the sandbox.
 * @property {boolean} revoke Revokes all tokens halfway, which the demo must detect.
 */

const CALLERS = 1_000;

/** Interval between the calls of one API, in milliseconds. */
const EVERY_MS = 50;

/** Without a terminal: columns of the elapsed time and of the bar. */
const CLOCK_WIDTH = 11;
const LINE_BAR = 12;

export class Demo {
  #plan;
  #screen;
  /** @type {Sandbox | undefined} */
  #sandbox;
  /** @type {Client[]} */
  #clients = [];
  #closed = false;
  #began = performance.now();

  /**
   * @param {Plan} plan
   * @param {Screen} screen
   */
  constructor(plan, screen) {
    this.#plan = plan;
    this.#screen = screen;
  }

  /** Runs the demo. @returns {Promise<ClaimResult[]>} the claims with their results */
  async run() {
    const sandbox = await this.#start();
    const bursts = await this.#burst(sandbox);
    const { ticks, latestMs } = await this.#traffic(sandbox);
    const counts = sandbox.counts();
    const outcomes = this.#clients.map((client, index) => ({
      client,
      server: counts[client.api.name],
      burst: bursts[index],
    }));
    const claims = checkClaims(outcomes, { callers: CALLERS, ticks, everyMs: EVERY_MS, latestMs });
    const { paint } = this.#screen;
    this.#screen.print(
      paint.bold("3  What both sides counted"),
      ...summary(outcomes, this.#screen.width, paint),
      "",
    );
    this.#screen.print(paint.bold("4  What that shows"), ...verdicts(claims, paint), "");
    return claims;
  }

  /** Stops all that is running. May be called at any time and repeatedly. */
  async close() {
    this.#closed = true;
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.#sandbox?.close();
  }

  async #start() {
    const { grantMs } = this.#plan;
    const sandbox = await startLocalSandbox(
      {
        lifetimes: LIFETIMES,
        // Toggle may return a new token with any response; in the demo it does so with each.
        variants: { toggle: { sliding: "every" } },
        faults: GRANTS.map((operation) => ({ kind: "delay", ms: grantMs, operation })),
      },
      "demo",
    );
    this.#sandbox = sandbox;
    const apis = apisOf(sandbox);
    this.#clients = apis.map((api) => new Client(api, (client, text) => this.#log(client, text)));
    this.#screen.print(
      `${MARGIN}Three APIs, played by a sandbox on ${sandbox.url}, over real HTTP.`,
      ...lifetimes(apis, grantMs, this.#screen.paint),
      "",
    );
    return sandbox;
  }

  /**
   * @param {Sandbox} sandbox
   * @returns {Promise<Burst[]>}
   */
  async #burst(sandbox) {
    const { paint } = this.#screen;
    this.#screen.print(paint.bold(`1  ${CALLERS.toLocaleString("en")} callers at once, for each API`));
    const results = await Promise.all(this.#clients.map((client) => client.burst(CALLERS)));
    const counts = sandbox.counts();
    const bursts = this.#clients.map((client, index) => ({
      ...results[index],
      tokenRequests: client.tokenRequests,
      grants: counts[client.api.name].grants,
    }));
    this.#screen.print(...this.#clients.map((client, index) => burstRow(client, bursts[index])), "");
    return bursts;
  }

  /**
   * Calls each API on a fixed schedule, even while earlier calls are pending.
   *
   * @param {Sandbox} sandbox
   */
  async #traffic(sandbox) {
    const { seconds: length, revoke } = this.#plan;
    const ticks = (length * 1_000) / EVERY_MS;
    const began = performance.now();
    this.#open(began);
    const lines = setInterval(() => this.#status(), 1_000);
    const fault = setTimeout(() => revoke && sandbox.revoke(), length * 500);
    const step = EVERY_MS / this.#clients.length;
    const late = await Promise.all(
      this.#clients.map((client, index) => this.#keepCalling(client, began + index * step, ticks)),
    );
    clearTimeout(fault);
    // Closes the managers when no grant is in flight, so that the counts of both sides agree.
    for (let turns = 0; turns < 300 && this.#clients.some(({ isGrantPending }) => isGrantPending); turns += 1)
      await pause(10);
    clearInterval(lines);
    this.#status();
    this.#screen.rest();
    await Promise.all(this.#clients.map((client) => client.close()));
    this.#screen.print("");
    return { ticks, latestMs: Math.max(...late) };
  }

  /**
   * @param {Client} client
   * @param {number} began When the first call is due, in milliseconds.
   * @param {number} ticks
   * @returns {Promise<number>} the maximum delay at the start of a call, in milliseconds, once all are settled
   */
  async #keepCalling(client, began, ticks) {
    const calls = [];
    let latestMs = 0;
    for (let tick = 0; tick < ticks && !this.#closed; tick += 1) {
      const due = began + tick * EVERY_MS;
      // A call never starts early; on a loaded machine, delayed calls catch up. Each call starts in a separate turn, so
      // that starting one does not count as waiting for another.
      do await pause(Math.max(0, due - performance.now()));
      while (performance.now() < due);
      latestMs = Math.max(latestMs, performance.now() - due);
      calls.push(client.call());
    }
    await Promise.all(calls);
    return latestMs;
  }

  /** @param {number} began When the first call was due. */
  #open(began) {
    const { seconds: length } = this.#plan;
    const screen = this.#screen;
    const { paint } = screen;
    screen.print(
      paint.bold(
        `2  A call every ${EVERY_MS} ms to each API, for ${length} s, whatever happens to the tokens`,
      ),
    );
    if (!screen.isLive) screen.print(paint.dim(" ".repeat(CLOCK_WIDTH) + heading(LINE_BAR)));
    screen.show(() => {
      const passed = Math.min(length * 1_000, performance.now() - began);
      return [
        ...liveTable(this.#clients, screen.width, paint),
        paint.dim(
          `${MARGIN}${seconds(passed)} of ${length} s   Ctrl-C ends the demo   (grants: requests for a token)`,
        ),
      ];
    });
  }

  /** Prints one line per API, where no table is redrawn. */
  #status() {
    const { isLive, paint } = this.#screen;
    if (isLive || this.#closed) return;
    this.#screen.print(...this.#clients.map((client) => this.#clock() + liveRow(client, LINE_BAR, paint)));
  }

  /**
   * @param {Client} client
   * @param {string} text
   */
  #log({ api }, text) {
    if (this.#screen.isLive) return;
    this.#screen.print(`${this.#clock()}${api.label.padEnd(NAME_WIDTH)}${text}`);
  }

  /** Elapsed time of the demo. */
  #clock() {
    return seconds(performance.now() - this.#began).padStart(CLOCK_WIDTH - 2) + "  ";
  }
}
