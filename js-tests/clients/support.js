/**
 * Tests for the example of each client: it runs as a program, and none of its calls fails while tokens are refreshed,
 * expire and are revoked.
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
 * The request of an example, and its provider.
 * @typedef {object} Subject
 * @property {ProviderName} provider
 * @property {string} operation The root field of a call.
 * @property {(sandbox: Sandbox) => Promise<Record<string, string>>} environment Environment variables of the example.
 * @property {RegExp} prints
 * @property {(example: any, turn: number) => Promise<unknown>} call Makes one call; resolves with its result.
 * @property {unknown} answer The expected result of a call.
 * @property {0 | 1} refreshTokens Number of refresh tokens that the manager has, each of which can be rejected as well.
 * @property {string} [refusal] A response body that rejects the token with status 200.
 */

/** Simulated time of this process and of its sandbox. */
const realNow = Date.now.bind(Date);
let ahead = 0;
mock.method(Date, "now", () => realNow() + ahead);

/** @param {number} ms */
export function pass(ms) {
  ahead += ms;
}

export const LIFETIME_MS = 600_000;

/** Counts the aborted requests of this process. */
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

/**
 * Number of concurrent calls in each test: small enough that the sandbox's log of 1,000 requests holds those of a file.
 */
const CALLS = 20;

/** Delay of the calls on the server, in which their token expires or is revoked. */
const HELD_MS = 300;

/** Longer than any test takes. */
const FOREVER_MS = 600_000;

/** The subject of examples that list Fluz's offers. @type {Subject} */
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
  // A new limit in each call, which bypasses a client's cache and deduplication.
  call: async ({ offers }, turn) => (await offers(10 + turn)).length,
  answer: 3,
  refreshTokens: 1,
  refusal: JSON.stringify({ errors: [{ message: "Invalid token", extensions: { code: "AUTH-0008" } }] }),
};

/**
 * Imports an example, which runs it, and registers the common tests.
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

  test(`${file} runs unchanged, and exits by itself`, async () => {
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

/** An imported example and its sandbox. */
class Trial {
  #subject;
  #turn = 0;

  /**
   * @param {Sandbox} sandbox
   * @param {any} example Its exports.
   * @param {Record<string, string>} environment Its environment variables.
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

  /** Makes concurrent calls; each must receive its result. */
  async call() {
    const { call, answer } = this.#subject;
    const calling = Array.from({ length: CALLS }, () => call(this.example, this.#turn++));
    assert.deepEqual(await Promise.all(calling), Array(CALLS).fill(answer));
  }

  /** Returns a function that reports the counts of the sandbox from now on. `tokens` counts the requests for tokens. */
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
   * Returns a function that waits until the server has received the given number of calls from now on.
   * @param {number} calls
   */
  arrivals(calls) {
    const before = this.#seen().length;
    return () => until(() => this.#seen().length >= before + calls, `${calls} calls are on the server`);
  }

  /** Returns the number of calls without a response. On a loaded machine, it is less than the number received. */
  inFlight() {
    return this.#seen().filter(({ status }) => status === 0).length;
  }

  /**
   * Registers a test in which a pending call is aborted, by itself or by `abort`, after it has reached the server.
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

/** A client's time limit for a request: within it, the request reaches the server on any machine. */
export const TIMEOUT_MS = 1_500;

/** @param {Trial} trial */
function testRenewal(trial) {
  test("calls continue while one new token is requested, and none is rejected", async () => {
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
 * @param {() => void} happens Change to the token while calls that carry it are on the server.
 * @param {number} besides Number of rejected requests in addition to those calls.
 */
function testLoss(trial, what, happens, besides) {
  test(`calls in flight whose token ${what} succeed, with one new token`, async () => {
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
  test("calls that are rejected with status 200 succeed, with one new token", async () => {
    const { sandbox, operation } = trial;
    const count = trial.counting();
    // Replays are delayed as well, so the rejections are those of the other calls.
    const end = sandbox.fault({ kind: "delay", ms: HELD_MS, operation });
    sandbox.fault({ kind: "status", status: 200, body, operation, times: CALLS });

    await trial.call();
    end();

    // The fault replaces the response of the API, so the sandbox does not count a rejection.
    assert.deepEqual(count(), { tokens: 1, calls: CALLS, refused: 0 });
  });
}
