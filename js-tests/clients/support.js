/**
 * What the example of each client has to show: that it runs as a program, and that no call of its client fails while
 * tokens are refreshed, expire and are revoked.
 *
 * @module
 */

import "../support/guard.js";
import assert from "node:assert/strict";
import { after, mock, test } from "node:test";
import { startSandbox } from "graphql-token-manager/testing";
import { runExample } from "../examples/support.js";
import { until } from "../support/waiting.js";
import { importExample, runnable } from "./import-example.js";

/** @import { ProviderName, Sandbox } from "graphql-token-manager/testing" */

/**
 * What an example asks, and whom.
 * @typedef {object} Subject
 * @property {ProviderName} provider
 * @property {string} operation The root field that a call asks for.
 * @property {(sandbox: Sandbox) => Promise<Record<string, string>>} environment What the example reads.
 * @property {RegExp} prints
 * @property {(example: any, turn: number) => Promise<unknown>} call One call of the client's; resolves with what it got.
 * @property {unknown} answer What each call gets.
 * @property {0 | 1} refreshTokens How many refresh tokens the manager holds, each of which can be refused as well.
 * @property {string} [refusal] A body that refuses the token with status 200.
 */

/** The time of this process and of its sandbox, which can pass without being waited for. */
const realNow = Date.now.bind(Date);
let ahead = 0;
mock.method(Date, "now", () => realNow() + ahead);

/** @param {number} ms */
export function pass(ms) {
  ahead += ms;
}

export const LIFETIME_MS = 600_000;

/** Counts the requests of this process that were given up. */
const realFetch = globalThis.fetch;
let abortedRequests = 0;
mock.method(globalThis, "fetch", async (/** @type {Parameters<typeof realFetch>} */ ...[input, init]) => {
  try {
    return await realFetch(input, init);
  } catch (error) {
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    if (signal?.aborted) abortedRequests += 1;
    throw error;
  }
});

/** Calls at once, in each test: so few that the sandbox's log of 1,000 requests holds all of a file. */
const CALLS = 20;

/** How long calls are held on the server, so that something can happen to the token they came with. */
const HELD_MS = 300;

/** Longer than any test takes. */
const FOREVER_MS = 600_000;

/** Examples that list Fluz's offers. @type {Subject} */
export const OFFERS = {
  provider: "fluz",
  operation: "getOffers",
  environment: async ({ fluz }) => ({
    FLUZ_ENDPOINT: fluz.endpoint,
    FLUZ_API_KEY: fluz.apiKey,
    FLUZ_USER_ID: fluz.userId,
    FLUZ_ACCOUNT_ID: fluz.accountId,
  }),
  prints: /^(Offer by .+\n){3}$/,
  // A limit that nobody asked with before: a client's cache, or its sharing of equal calls, has no answer to that.
  call: async ({ offers }, turn) => (await offers(10 + turn)).length,
  answer: 3,
  refreshTokens: 1,
  refusal: JSON.stringify({ errors: [{ message: "Invalid token", extensions: { code: "AUTH-0008" } }] }),
};

/**
 * Imports an example, which runs it, and registers the tests that each has to pass.
 * @param {string} file Below examples/clients.
 * @param {Subject} [subject]
 */
export async function testExample(file, subject = OFFERS) {
  const sandbox = await startSandbox({
    now: () => Date.now(),
    lifetimes: { fluz: LIFETIME_MS, acme: LIFETIME_MS },
  });
  after(() => sandbox.close());
  const environment = await subject.environment(sandbox);
  Object.assign(process.env, environment);
  const log = mock.method(console, "log", () => {});
  const example = await importExample(`clients/${file}`);
  log.mock.restore();

  test(`${file} runs as it is, and ends by itself`, async () => {
    const program = await runnable(`clients/${file}`);

    const { status, stdout, stderr } = await runExample(program, [], environment);

    assert.equal(stderr, "");
    assert.match(stdout, subject.prints);
    assert.equal(status, 0);
  });
  const trial = new Trial(sandbox, example, environment, subject);
  testRenewal(trial);
  testLoss(trial, "expires", () => pass(LIFETIME_MS), 0);
  testLoss(trial, "is revoked", () => sandbox.revoke(), subject.refreshTokens);
  if (subject.refusal !== undefined) testRefusal(trial, subject.refusal);
  return trial;
}

/** An example, imported, and what is seen of it at its sandbox. */
class Trial {
  #subject;
  #turn = 0;

  /**
   * @param {Sandbox} sandbox
   * @param {any} example What it exports.
   * @param {Record<string, string>} environment What it reads.
   * @param {Subject} subject
   */
  constructor(sandbox, example, environment, subject) {
    this.sandbox = sandbox;
    this.example = example;
    this.environment = environment;
    this.#subject = subject;
  }

  get operation() {
    return this.#subject.operation;
  }

  /** Many calls at once; each has to get its answer. */
  async call() {
    const { call, answer } = this.#subject;
    const calling = Array.from({ length: CALLS }, () => call(this.example, this.#turn++));
    assert.deepEqual(await Promise.all(calling), Array(CALLS).fill(answer));
  }

  /** What the sandbox counts from now on. `tokens` are those that were asked for. */
  counting() {
    const { provider } = this.#subject;
    const before = this.sandbox.counts()[provider];
    return () => {
      const now = this.sandbox.counts()[provider];
      const of = (/** @type {keyof typeof now} */ what) => now[what] - before[what];
      return { tokens: of("grants") + of("refreshes"), calls: of("calls"), refused: of("refused") };
    };
  }

  /**
   * Waits, when it is called, until so many calls more than now have come to the server.
   * @param {number} calls
   */
  arrivals(calls) {
    const before = this.#seen().length;
    return () => until(() => this.#seen().length >= before + calls, `${calls} calls are on the server`);
  }

  /** Calls that the server has not answered: on a machine that is busy, fewer than have come. */
  inFlight() {
    return this.#seen().filter(({ status }) => status === 0).length;
  }

  /**
   * Registers a test: a call that waits for its answer is given up, by itself or by `abort`, once it is on the server.
   * @param {string} title
   * @param {() => { outcome: Promise<unknown>, abort?: () => void }} begin
   */
  testAbort(title, begin) {
    test(title, async () => {
      const count = this.counting();
      const before = abortedRequests;
      const end = this.sandbox.fault({ kind: "delay", ms: FOREVER_MS, operation: this.operation });

      const arrived = this.arrivals(1);
      const { outcome, abort } = begin();
      await Promise.all([outcome, arrived().then(abort)]);
      end();
      await this.call();

      assert.equal(abortedRequests - before, 1);
      assert.deepEqual(count(), { tokens: 0, calls: CALLS, refused: 0 });
    });
  }

  #seen() {
    return this.sandbox.requests().filter(({ operation }) => operation === this.operation);
  }
}

/** @param {Trial} trial */
function testRenewal(trial) {
  test("calls go on while a new token is asked for, once, and none is refused", async () => {
    const count = trial.counting();

    await trial.call();
    pass(LIFETIME_MS * 0.9);
    await trial.call();
    await until(() => count().tokens > 0, "there is a new token");
    await trial.call();

    assert.deepEqual(count(), { tokens: 1, calls: 3 * CALLS, refused: 0 });
  });
}

/**
 * @param {Trial} trial
 * @param {string} what
 * @param {() => void} happens To the token, while calls are on the server that came with it.
 * @param {number} besides Requests refused besides those calls.
 */
function testLoss(trial, what, happens, besides) {
  test(`calls whose token ${what} on their way succeed, with one new token`, async () => {
    const count = trial.counting();
    trial.sandbox.fault({ kind: "delay", ms: HELD_MS, operation: trial.operation, times: CALLS });

    const arrived = trial.arrivals(CALLS);
    const calling = trial.call();
    await arrived();
    const held = trial.inFlight();
    happens();
    await calling;

    assert.ok(held > 0);
    assert.deepEqual(count(), { tokens: 1, calls: CALLS, refused: held + besides });
  });
}

/**
 * @param {Trial} trial
 * @param {string} body
 */
function testRefusal(trial, body) {
  test("calls that are refused with status 200 succeed, with one new token", async () => {
    const { sandbox, operation } = trial;
    const count = trial.counting();
    // Those that are sent again are held as well, so that the refusals are for the others.
    const end = sandbox.fault({ kind: "delay", ms: HELD_MS, operation });
    sandbox.fault({ kind: "status", status: 200, body, operation, times: CALLS });

    await trial.call();
    end();

    // The fault answers in the API's place, which counts no refusal.
    assert.deepEqual(count(), { tokens: 1, calls: CALLS, refused: 0 });
  });
}
