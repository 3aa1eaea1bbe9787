/**
 * The client of one API: a token manager, the calls with its tokens, and the counts of both.
 *
 * @module
 */

import { TokenManager } from "graphql-token-manager";

/** @import { FetchLike, TokenEvent } from "graphql-token-manager" */
/** @import { Api } from "./apis.js" */

/**
 * A completed refresh.
 * @typedef {object} Refresh
 * @property {number} aheadMs Remaining lifetime of the old token.
 * @property {number} callsMeanwhile Number of calls that started during the grant.
 */

/** Receives messages for display. @typedef {(client: Client, text: string) => void} Log */

export class Client {
  /** Number of token requests. */
  tokenRequests = 0;
  /** Number of `token` events, by reason. @type {Record<string, number>} */
  tokens = {};
  /** @type {Refresh[]} */
  refreshes = [];
  /** Number of unexpected events: `expired`, `error`, `retry`. */
  unexpectedEvents = 0;

  /** Number of calls started. */
  calls = 0;
  /** Number of calls that received the expected response. */
  answered = 0;
  /** Number of calls with a token that the API rejected. */
  refused = 0;
  /** Number of calls that failed for another reason. */
  failed = 0;
  /** Number of calls that had to wait for a token. */
  waited = 0;
  /** Number of calls that started during a grant. */
  callsDuringRefresh = 0;
  /** Maximum time that a call waited for its token, in milliseconds. */
  longestMs = 0;

  lastEvent = "";

  #manager;
  #log;
  /** Expiry of the cached token. */
  #expiresAt = 0;
  /** Number of calls since the grant started, while there is one. @type {number | undefined} */
  #callsMeanwhile = undefined;

  /**
   * @param {Api} api
   * @param {Log} log
   */
  constructor(api, log) {
    this.api = api;
    this.#log = log;
    this.#manager = new TokenManager(api.options(this.#countedFetch));
    this.#manager.on("token", (event) => this.#received(event));
    this.#manager.on("retry", ({ code, delayMs }) =>
      this.#unexpectedEvent(`no token yet (${code}); again in ${delayMs} ms`),
    );
    this.#manager.on("error", ({ error }) => this.#unexpectedEvent(`no new token (${error.code})`));
    // One without a listener would be printed into the screen.
    this.#manager.on("warning", ({ code }) => this.#unexpectedEvent(`a warning (${code})`));
    this.#manager.on("expired", () => this.#unexpectedEvent("the token expired before there was a new one"));
  }

  /** Number of tokens received, for any reason. */
  get received() {
    return Object.values(this.tokens).reduce((sum, count) => sum + count, 0);
  }

  /** Number of tokens that replaced another, refreshed or adopted. */
  get replaced() {
    return this.refreshes.length + (this.tokens.adopted ?? 0);
  }

  get isGrantPending() {
    return this.#callsMeanwhile !== undefined;
  }

  /** Remaining lifetime of the cached token, in milliseconds. */
  leftMs() {
    return Math.max(0, (this.#manager.peek()?.expiresAt ?? 0) - Date.now());
  }

  /**
   * Calls `getToken` concurrently.
   *
   * @param {number} callers
   * @returns {Promise<{ callers: number, distinct: number }>} with the number of distinct tokens that they received
   */
  async burst(callers) {
    const tokens = await Promise.all(Array.from({ length: callers }, () => this.#manager.getToken()));
    return { callers: tokens.length, distinct: new Set(tokens).size };
  }

  /** Makes one call to the API and counts the result. Never rejects. */
  async call() {
    this.calls += 1;
    if (this.#callsMeanwhile !== undefined) {
      this.#callsMeanwhile += 1;
      this.callsDuringRefresh += 1;
    }
    try {
      const response = await this.#send(await this.#authorization());
      this.#manager.adopt(response);
      this.#countResult(response.status, await response.json());
    } catch (error) {
      this.failed += 1;
      this.#note(`a call failed: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Closes the manager immediately. */
  close() {
    return this.#manager.close();
  }

  /**
   * Returns the header of a call. The call counts as waiting if the header was not available within this turn of the
   * event loop: responses from the network and timers arrive in a later turn.
   */
  async #authorization() {
    let turnEnded = false;
    const mark = setImmediate(() => {
      turnEnded = true;
    });
    const began = performance.now();
    try {
      return await this.#manager.authorization();
    } finally {
      clearImmediate(mark);
      this.longestMs = Math.max(this.longestMs, performance.now() - began);
      if (turnEnded) {
        this.waited += 1;
        this.#note("a call had to wait for its token");
      }
    }
  }

  /** @param {string} authorization */
  #send(authorization) {
    const { endpoint, headers, call } = this.api;
    return fetch(endpoint, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json", Authorization: authorization },
      body: JSON.stringify({ query: call }),
    });
  }

  /**
   * @param {number} status
   * @param {{ data?: unknown, errors?: unknown }} answer
   */
  #countResult(status, { data, errors }) {
    if (status === 200 && data && !errors) {
      this.answered += 1;
      return;
    }
    // For these calls, the sandbox returns no errors except rejections of the token.
    this.refused += 1;
    this.#note(`the API refused a call (HTTP ${status})`);
  }

  /** The `fetch` of the manager. @type {FetchLike} */
  #countedFetch = (url, init) => {
    this.tokenRequests += 1;
    this.#callsMeanwhile ??= 0;
    return fetch(url, init);
  };

  /** @param {Extract<TokenEvent, { type: "token" }>} event */
  #received({ reason, expiresAt }) {
    const aheadMs = this.#expiresAt - Date.now();
    const callsMeanwhile = this.#callsMeanwhile ?? 0;
    this.#expiresAt = expiresAt;
    this.tokens[reason] = (this.tokens[reason] ?? 0) + 1;
    if (reason === "adopted") {
      this.lastEvent = "takes the new token out of each answer; asks for none";
      if (this.tokens.adopted === 1) this.#log(this, this.lastEvent);
      return;
    }
    this.#callsMeanwhile = undefined;
    if (reason === "initial") return this.#note("first token");
    if (reason !== "proactive")
      return this.#unexpectedEvent(`new token only after the old one was ${reason}`);
    this.refreshes.push({ aheadMs, callsMeanwhile });
    this.#note(`new token ${seconds(aheadMs)} before the old one ends; ${callsMeanwhile} calls meanwhile`);
  }

  /** @param {string} text */
  #unexpectedEvent(text) {
    this.unexpectedEvents += 1;
    this.#note(text);
  }

  /** @param {string} text */
  #note(text) {
    this.lastEvent = text;
    this.#log(this, text);
  }
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {number} ms */
export function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}
