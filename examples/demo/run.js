/**
 * The demo itself: the crowd, the calls on schedule, and what came of both.
 *
 * @module
 */

import { startSandbox } from "graphql-token-manager/testing";
import { GRANTS, LIFETIMES, apisOf } from "./apis.js";
import { judge } from "./claims.js";
import { Client, pause, seconds } from "./client.js";
import {
  MARGIN,
  NAME_WIDTH,
  crowdRow,
  heading,
  lifetimes,
  liveRow,
  liveTable,
  summary,
  verdicts,
} from "./tables.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */
/** @import { Claim, Crowd } from "./claims.js" */
/** @import { Screen } from "./screen.js" */

/**
 * @typedef {object} Plan
 * @property {number} seconds How long calls are made.
 * @property {number} grantMs How long the sandbox takes for a request for a token.
 * @property {boolean} revoke Whether all tokens are withdrawn halfway, which the demo must notice.
 */

const CALLERS = 1_000;

/** From one call of an API to the next. In milliseconds. */
const EVERY_MS = 50;

/** Without a terminal: columns for the time that has passed, and for the bar. */
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

  /** Runs it all. @returns {Promise<Claim[]>} what was claimed, and whether it held */
  async run() {
    const sandbox = await this.#start();
    const crowds = await this.#crowd(sandbox);
    const { ticks, latestMs } = await this.#traffic(sandbox);
    const counts = sandbox.counts();
    const outcomes = this.#clients.map((client, index) => ({
      client,
      server: counts[client.api.name],
      crowd: crowds[index],
    }));
    const claims = judge(outcomes, { callers: CALLERS, ticks, everyMs: EVERY_MS, latestMs });
    const { paint } = this.#screen;
    this.#screen.say(
      paint.bold("3  What both sides counted"),
      ...summary(outcomes, this.#screen.width, paint),
      "",
    );
    this.#screen.say(paint.bold("4  What that shows"), ...verdicts(claims, paint), "");
    return claims;
  }

  /** Ends what is still running. May be called at any moment, and again. */
  async close() {
    this.#closed = true;
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.#sandbox?.close();
  }

  async #start() {
    const { grantMs } = this.#plan;
    const sandbox = await startSandbox({
      lifetimes: LIFETIMES,
      // Toggle may send a new token with any answer; here it does with each.
      variants: { toggle: { sliding: "every" } },
      faults: GRANTS.map((operation) => ({ kind: "delay", ms: grantMs, operation })),
    });
    this.#sandbox = sandbox;
    const apis = apisOf(sandbox);
    this.#clients = apis.map((api) => new Client(api, (client, text) => this.#tell(client, text)));
    this.#screen.say(
      `${MARGIN}Three APIs, played by a sandbox on ${sandbox.url}, over real HTTP.`,
      ...lifetimes(apis, grantMs, this.#screen.paint),
      "",
    );
    return sandbox;
  }

  /**
   * @param {Sandbox} sandbox
   * @returns {Promise<Crowd[]>}
   */
  async #crowd(sandbox) {
    const { paint } = this.#screen;
    this.#screen.say(paint.bold(`1  ${CALLERS.toLocaleString("en")} callers at once, for each API`));
    const fared = await Promise.all(this.#clients.map((client) => client.crowd(CALLERS)));
    const counts = sandbox.counts();
    const crowds = this.#clients.map((client, index) => ({
      ...fared[index],
      asked: client.asked,
      grants: counts[client.api.name].grants,
    }));
    this.#screen.say(...this.#clients.map((client, index) => crowdRow(client, crowds[index])), "");
    return crowds;
  }

  /**
   * Calls each API on a fixed schedule, whether or not earlier calls have been answered.
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
    // Ends the managers while they ask for nothing, so that both sides have counted the same.
    for (let turns = 0; turns < 300 && this.#clients.some(({ isAsking }) => isAsking); turns += 1)
      await pause(10);
    clearInterval(lines);
    this.#status();
    this.#screen.rest();
    await Promise.all(this.#clients.map((client) => client.close()));
    this.#screen.say("");
    return { ticks, latestMs: Math.max(...late) };
  }

  /**
   * @param {Client} client
   * @param {number} began When the first call is due.
   * @param {number} ticks
   * @returns {Promise<number>} how late the latest call began, in milliseconds, when all have been answered
   */
  async #keepCalling(client, began, ticks) {
    const calls = [];
    let latestMs = 0;
    for (let tick = 0; tick < ticks && !this.#closed; tick += 1) {
      const due = began + tick * EVERY_MS;
      // Never ahead of its time; where the machine was busy, what is due is made up for. Each call begins in a turn of
      // its own, so that beginning one is not counted as another's wait.
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
    screen.say(
      paint.bold(
        `2  A call every ${EVERY_MS} ms to each API, for ${length} s, whatever happens to the tokens`,
      ),
    );
    if (!screen.isLive) screen.say(paint.dim(" ".repeat(CLOCK_WIDTH) + heading(LINE_BAR)));
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

  /** Without a table that is redrawn: one line for each API. */
  #status() {
    const { isLive, paint } = this.#screen;
    if (isLive || this.#closed) return;
    this.#screen.say(...this.#clients.map((client) => this.#clock() + liveRow(client, LINE_BAR, paint)));
  }

  /**
   * @param {Client} client
   * @param {string} text
   */
  #tell({ api }, text) {
    if (this.#screen.isLive) return;
    this.#screen.say(`${this.#clock()}${api.label.padEnd(NAME_WIDTH)}${text}`);
  }

  /** How long the demo has run. */
  #clock() {
    return seconds(performance.now() - this.#began).padStart(CLOCK_WIDTH - 2) + "  ";
  }
}
