/**
 * Browser tabs that share a token with a lifetime of two seconds, more on a slow machine, opened and closed at random:
 * for a few lifetimes in tests, for many in `cargo xtask bench sharing`.
 *
 * @module
 */

import { siteFor } from "../stores/browsers.js";
import { grantsOf, LIFETIME_MS, mostGrants, optionsFor, quickSandbox, stepOf } from "./fleet.js";

/** @import { Browser, Tab } from "../stores/browsers.js" */
/** @import { Met } from "./callers.js" */
/** @import { Cleanup, Spans } from "./fleet.js" */

// Globals of the tab. The functions that run in a tab are defined in this file but see these instead of Node's.
const { open, posted, TokenManager, startCallers, stepping } = /** @type {Record<string, any>} */ ({});

/**
 * @typedef {object} TabsParts
 * @property {string} kind The kind of store.
 * @property {number} most Maximum number of open tabs.
 * @property {number} callers Number of callers of each.
 * @property {Spans} spans
 */

export class Tabs {
  /** @type {Set<Tab>} */
  #open = new Set();
  /** Results of closed tabs. @type {Met[]} */
  #gone = [];
  /** Warnings of the tabs. @type {string[]} */
  warnings = [];
  /** Messages sent on any channel. @type {Set<string>} */
  posted = new Set();
  #t;
  #browser;
  #parts;

  /**
   * @param {Cleanup} t
   * @param {Browser} browser
   * @param {TabsParts} parts
   */
  constructor(t, browser, parts) {
    this.#t = t;
    this.#browser = browser;
    this.#parts = parts;
  }

  /** Starts a sandbox and all tabs. */
  async start() {
    this.sandbox = await quickSandbox(this.#t, this.#parts.spans);
    this.site = await siteFor(this.#t);
    while (this.#open.size < this.#parts.most) await this.open();
    return this.sandbox;
  }

  get count() {
    return this.#open.size;
  }

  /** Opens a tab. Its callers start once the core is compiled. */
  async open() {
    const { sandbox, site } = this;
    if (sandbox === undefined || site === undefined) throw new Error("start it first");
    const { kind, callers, spans } = this.#parts;
    const tab = await this.#browser.tab(site.secure);
    await tab.run(
      async ({ options, kind, callers }) => {
        const warnings = /** @type {string[]} */ ([]);
        const state = Object.assign(window, { killedAt: null, at: null, goOn: () => {}, warnings });
        const steps = stepping(open(kind), (/** @type {string} */ step) => {
          if (step !== state.killedAt) return undefined;
          Object.assign(state, { killedAt: null, at: step });
          return new Promise((resolve) => Object.assign(state, { goOn: resolve }));
        });
        const tokens = new TokenManager({ ...options, ...steps });
        tokens.on("warning", (/** @type {any} */ { code }) => warnings.push(code));
        await tokens.ready();
        Object.assign(state, { tokens, callers: startCallers(tokens, callers) });
        await tokens.getToken();
      },
      { options: optionsFor(sandbox, spans), kind, callers },
    );
    this.#open.add(tab);
  }

  /** Closes the tab at a position in the order of opening, without notice. @param {number} location */
  async close(location) {
    const tab = [...this.#open][location];
    if (tab !== undefined) await this.#close(tab);
  }

  /**
   * Closes the next tab that reaches a step under the lease.
   * @param {string} step
   */
  async closeHolder(step) {
    const tabs = [...this.#open];
    for (const tab of tabs) await tab.run((step) => Object.assign(window, { killedAt: step }) && null, step);
    let holder;
    while (holder === undefined) {
      for (const tab of tabs) {
        if (holder === undefined && (await tab.run(() => Reflect.get(window, "at")))) holder = tab;
      }
    }
    for (const tab of tabs) {
      if (tab !== holder) {
        await tab.run(() => {
          Object.assign(window, { killedAt: null, at: null });
          Reflect.get(window, "goOn")();
        });
      }
    }
    await this.#close(holder);
  }

  /** Stops the callers of all tabs, and returns the combined results. */
  async stop() {
    for (const tab of [...this.#open]) {
      await tab.run(async () => {
        await Reflect.get(window, "callers").stop();
        await Reflect.get(window, "tokens").close();
      });
      await this.#close(tab);
    }
    return {
      calls: this.#gone.reduce((sum, { calls }) => sum + calls, 0),
      longestWaitMs: Math.max(...this.#gone.map(({ longestWaitMs }) => longestWaitMs)),
      failures: this.#gone.flatMap(({ failures }) => failures),
    };
  }

  /** @param {Tab} tab */
  async #close(tab) {
    const report = await tab.run(() => ({
      met: Reflect.get(window, "callers").met,
      warnings: Reflect.get(window, "warnings"),
      posted,
    }));
    this.#gone.push(report.met);
    this.warnings.push(...report.warnings);
    for (const message of report.posted) this.posted.add(message);
    this.#open.delete(tab);
    await tab.close();
  }
}

/**
 * Opens and closes tabs at random for a number of token lifetimes; every third that is closed has the lease.
 * @param {Cleanup} t
 * @param {Browser} browser
 * @param {TabsParts & { lifetimes: number, seed: number }} parts
 */
export async function runTabs(t, browser, { lifetimes, seed, ...parts }) {
  const random = dice(seed);
  const tabs = new Tabs(t, browser, parts);
  const sandbox = await tabs.start();
  const before = grantsOf(sandbox);
  const began = performance.now();
  const lifetimeMs = parts.spans.lifetimeMs ?? LIFETIME_MS;
  const end = began + lifetimes * lifetimeMs;
  let closed = 0;
  let held = 0;
  while (performance.now() + lifetimeMs < end) {
    await new Promise((resolve) => setTimeout(resolve, random() * lifetimeMs));
    const isFull = tabs.count === parts.most;
    if (isFull || (tabs.count > 2 && random() < 0.5)) {
      closed += 1;
      if (closed % 3 === 1) await tabs.closeHolder(stepOf(held++));
      else await tabs.close(Math.floor(random() * tabs.count));
    } else await tabs.open();
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, end - performance.now())));
  const ms = performance.now() - began;
  const grants = grantsOf(sandbox) - before;
  const met = await tabs.stop();
  return {
    ms,
    lifetimes,
    closed,
    held,
    grants,
    mostGrants: mostGrants(ms, parts.spans) + closed,
    ...met,
    warnings: tabs.warnings,
    posted: [...tabs.posted],
    reused: sandbox.counts().fluz.reused,
  };
}

/** Deterministic PRNG (Park–Miller): returns numbers between 0 and 1. @param {number} seed */
function dice(seed) {
  let state = seed;
  return () => (state = (state * 48_271) % 0x7fff_ffff) / 0x7fff_ffff;
}
