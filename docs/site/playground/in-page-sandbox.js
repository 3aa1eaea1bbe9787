/**
 * The sandbox of `graphql-token-manager/testing` without its server, behind a `fetch` with a latency.
 *
 * @module
 */

import { readOptions } from "../../../pkg-template/testing/options.js";
import { sleep } from "../../../pkg-template/testing/portable.js";
import { createApis } from "../../../pkg-template/testing/sandbox.js";
import { ActiveFaults } from "./faults.js";

/** @import { Reply } from "../../../pkg-template/testing/respond.js" */
/** @import { FaultName } from "./faults.js" */

/** No request leaves the page, so the name does not have to exist. */
const ORIGIN = "https://sandbox.invalid";

/** Requests that are answered before the page may do something else. */
const IN_ONE_TASK = 8;

/** The header that names a call, for {@link InPageSandbox.sent}. */
export const CALL = "x-call";

/**
 * @typedef {object} SandboxSettings
 * @property {number} lifetimeMs
 * @property {number} latencyMs Time of a request, half of it before it arrives.
 * @property {number} clockOffsetMs By how much the provider's clock is ahead of the device's.
 * @property {boolean} rotate Whether Toggle replaces the token with each response, and revokes the old one.
 */

export class InPageSandbox {
  #apis;
  #latencyMs;
  #closing;
  #faults = new ActiveFaults();
  /** Calls by name: how often each was sent, and when first. @type {Map<string, { count: number, firstAt: number }>} */
  #sent = new Map();
  /** The action that was started last. @type {Promise<unknown>} */
  #last = Promise.resolve();
  #turns = 0;
  /** @type {Set<Promise<unknown>>} */
  #inFlight = new Set();
  /** Requests for a token that arrived. */
  tokenRequests = 0;
  /** Requests with a token that arrived. */
  callRequests = 0;

  /** @param {SandboxSettings} settings */
  static async open(settings) {
    const [graphql, yoga] = await Promise.all([import("graphql"), import("graphql-yoga")]);
    return new InPageSandbox(settings, { graphql, yoga });
  }

  /**
   * @param {SandboxSettings} settings
   * @param {import("../../../pkg-template/testing/service.js").Engine} engine
   */
  constructor({ lifetimeMs, latencyMs, clockOffsetMs, rotate }, engine) {
    const lifetimes = { fluz: lifetimeMs, toggle: lifetimeMs, braintree: lifetimeMs, acme: lifetimeMs };
    const toggle = rotate ? { sliding: "every", slidingRevokes: true } : { sliding: "never" };
    const now = () => Date.now() + clockOffsetMs;
    this.#closing = new AbortController();
    const options = readOptions({ lifetimes, variants: { toggle }, now });
    this.#apis = createApis(options, engine, (ms) => sleep(ms, this.#closing.signal));
    this.#latencyMs = latencyMs;
  }

  /** The endpoints and credentials. */
  get accounts() {
    return this.#apis.accounts(ORIGIN);
  }

  /** The sandbox's own counts, of all its APIs together. */
  counts() {
    const all = Object.values(this.#apis.counts());
    const sum = (/** @type {"grants" | "refreshes" | "refused"} */ name) =>
      all.reduce((total, counts) => total + counts[name], 0);
    return { tokens: sum("grants") + sum("refreshes"), refused: sum("refused") };
  }

  /** Starts a fault, or revokes all tokens. @param {FaultName} name */
  fault(name) {
    if (name === "revoke") this.#apis.revoke(undefined);
    else this.#faults.start(name);
  }

  /** Returns true if a call was sent at least once. @param {string} name */
  wasSent(name) {
    return this.#sent.has(name);
  }

  /** Returns how often a call was sent, and when first by `performance.now`, and forgets it. @param {string} name */
  sent(name) {
    const found = this.#sent.get(name) ?? { count: 0, firstAt: performance.now() };
    this.#sent.delete(name);
    return found;
  }

  close() {
    this.#closing.abort();
  }

  /**
   * A `fetch` whose requests arrive in the sandbox.
   *
   * @param {RequestInfo | URL} input
   * @param {RequestInit} [init]
   */
  fetch = (input, init) => {
    const work = this.#send(new Request(input, init));
    this.#inFlight.add(work);
    const end = () => this.#inFlight.delete(work);
    work.then(end, end);
    return work;
  };

  /** Resolves when no request is in flight. */
  async settled() {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
  }

  /** @param {Request} request */
  async #send(request) {
    const call = request.headers.get(CALL);
    if (call !== null) {
      const sent = this.#sent.get(call) ?? { count: 0, firstAt: performance.now() };
      sent.count += 1;
      this.#sent.set(call, sent);
    }
    const body = await request.text();
    await sleep(this.#latencyMs / 2, request.signal);
    const reply = await this.#inTurn(() => this.#respond(request, body));
    await sleep(this.#latencyMs / 2, request.signal);
    // What `fetch` of a browser throws when the connection is closed.
    if (reply === undefined) throw new TypeError("Failed to fetch");
    return new Response(reply.body, { status: reply.status, headers: reply.headers });
  }

  /**
   * Runs an action after those before it, and lets the page work in between: a thousand requests at once would block it
   * otherwise, and the timers of the other side with it.
   *
   * @template Result
   * @param {() => Promise<Result>} action
   * @returns {Promise<Result>}
   */
  #inTurn(action) {
    this.#turns += 1;
    const pause = this.#turns % IN_ONE_TASK === 0 ? () => sleep(0, this.#closing.signal) : () => {};
    const result = this.#last.then(pause).then(action);
    this.#last = result.catch(() => {});
    return result;
  }

  /** @param {Request} request @param {string} body @returns {Promise<Reply | undefined>} */
  #respond(request, body) {
    const headers = Object.fromEntries(request.headers);
    const hasToken = /^bearer /i.test(headers.authorization ?? "");
    if (hasToken) this.callRequests += 1;
    else {
      this.tokenRequests += 1;
      const fault = this.#faults.next();
      // The sandbox applies it to this request, because `respond` selects faults before it waits for anything.
      if (fault !== undefined) this.#apis.fault(fault);
    }
    return this.#apis.respond({ method: request.method, url: new URL(request.url), headers, body });
  }
}
