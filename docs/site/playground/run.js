/**
 * One run: the same calls and faults for both sides, on a fixed schedule.
 *
 * @module
 */

import { TokenManager } from "graphql-token-manager";
import { InPageSandbox } from "./in-page-sandbox.js";
import { CacheSide, ManagerSide } from "./sides.js";

/** @import { FaultName } from "./faults.js" */
/** @import { Settings, Step } from "./presets.js" */

export class Run {
  #settings;
  /** @type {ReturnType<typeof setTimeout>[]} */
  #timers = [];
  #ended = false;
  /** @type {(value?: unknown) => void} */
  #end = () => {};
  startedAt = performance.now();

  /**
   * Loads what a run needs, and starts it.
   *
   * @param {Settings} settings
   * @param {readonly Step[]} [script]
   */
  static async start(settings, script = []) {
    await TokenManager.ready();
    await warmUp(settings);
    const sandboxes = await Promise.all([InPageSandbox.open(settings), InPageSandbox.open(settings)]);
    return new Run(settings, script, sandboxes);
  }

  /**
   * @param {Settings} settings
   * @param {readonly Step[]} script
   * @param {InPageSandbox[]} sandboxes
   */
  constructor(settings, script, [first, second]) {
    if (first === undefined || second === undefined) throw new Error("each side needs a sandbox");
    this.#settings = settings;
    this.manager = new ManagerSide(settings, first);
    this.cache = new CacheSide(settings, second);
    /** Resolves when the calls have ended and the manager is closed. */
    this.done = this.#finish(new Promise((resolve) => (this.#end = resolve)));
    this.startedAt = performance.now();
    this.#each((side) => side.begin());
    this.#burst();
    this.#repeat(0);
    for (const { atMs, fault } of script) this.#later(atMs, () => this.fault(fault));
    this.#later(settings.durationMs, () => this.stop());
  }

  /** Causes a fault on both sides. @param {FaultName} name */
  fault(name) {
    this.#each((side) => side.sandbox.fault(name));
  }

  /** Ends the calls. */
  stop() {
    this.#ended = true;
    this.#timers.forEach(clearTimeout);
    this.#end();
  }

  /** Returns the numbers of both sides. */
  numbers() {
    return { manager: this.manager.numbers(), cache: this.cache.numbers() };
  }

  /** @param {Promise<unknown>} end */
  async #finish(end) {
    await end;
    await Promise.all([this.manager.settled(), this.cache.settled()]);
    // A token that was requested is received, so that both sides count the same.
    await Promise.all([this.manager.sandbox.settled(), this.cache.sandbox.settled()]);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await Promise.all([this.manager.close(), this.cache.close()]);
  }

  /** @param {(side: ManagerSide | CacheSide) => void} action */
  #each(action) {
    action(this.manager);
    action(this.cache);
  }

  #lanes() {
    return Array.from({ length: this.#settings.users }, (_, index) => `user ${index + 1}`);
  }

  #burst() {
    for (const lane of this.#lanes())
      for (let caller = 0; caller < this.#settings.callers; caller++) this.#each((side) => side.ask(lane));
  }

  /** Sends the call with this number for each user, and plans the next. @param {number} number */
  #repeat(number) {
    const { callEveryMs } = this.#settings;
    if (callEveryMs === 0) return;
    const due = this.startedAt + (number + 1) * callEveryMs;
    this.#later(Math.max(0, due - performance.now()), () => {
      for (const lane of this.#lanes()) this.#each((side) => side.call(lane));
      this.#repeat(number + 1);
    });
  }

  /** @param {number} delayMs @param {() => void} action */
  #later(delayMs, action) {
    if (!this.#ended) this.#timers.push(setTimeout(action, delayMs));
  }
}

/** Calls of a first run, after which the engine has compiled what they need. */
const WARM_UP_CALLS = 20;

/**
 * Executes calls that are not shown. Otherwise the first ones would take long enough to shift the schedule of the run.
 *
 * @param {Settings} settings
 */
async function warmUp(settings) {
  const sandbox = await InPageSandbox.open({ ...settings, latencyMs: 0 });
  const side = new CacheSide({ ...settings, users: 1 }, sandbox);
  for (let count = 0; count < WARM_UP_CALLS; count++) {
    side.call("user 1");
    await side.settled();
  }
  await side.close();
}
