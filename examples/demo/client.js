/**
 * The program's side of one API: a token manager, the calls made with its tokens, and what is counted of both.
 *
 * @module
 */

import { TokenManager } from "graphql-token-manager";

/** @import { FetchLike, TokenEvent } from "graphql-token-manager" */
/** @import { Api } from "./apis.js" */

/**
 * A refresh that has brought its token.
 * @typedef {object} Refresh
 * @property {number} aheadMs How long the old token still had.
 * @property {number} callsMeanwhile Calls begun while the new token was being asked for.
 */

/** Tells what happened, for people. @typedef {(client: Client, text: string) => void} Tell */

export class Client {
  /** Requests for a token that were sent. */
  asked = 0;
  /** Events `token`, by their reason. @type {Record<string, number>} */
  tokens = {};
  /** @type {Refresh[]} */
  refreshes = [];
  /** Events that should not happen: `expired`, `error`, `retry`. */
  mishaps = 0;

  /** Calls begun. */
  calls = 0;
  /** Calls whose answer was what was asked for. */
  answered = 0;
  /** Calls that the API refused for their token. */
  refused = 0;
  /** Calls that failed in another way. */
  failed = 0;
  /** Calls whose token was not there at once. */
  waited = 0;
  /** Calls begun while a new token was being asked for. */
  callsDuringRefresh = 0;
  /** The longest that a call took to get its token, in milliseconds. */
  longestMs = 0;

  lastEvent = "";

  #manager;
  #tell;
  /** When the token held ends. */
  #expiresAt = 0;
  /** While a token is being asked for: how many calls have begun since. @type {number | undefined} */
  #callsMeanwhile = undefined;

  /**
   * @param {Api} api
   * @param {Tell} tell
   */
  constructor(api, tell) {
    this.api = api;
    this.#tell = tell;
    this.#manager = new TokenManager(api.options(this.#countedFetch));
    this.#manager.on("token", (event) => this.#received(event));
    this.#manager.on("retry", ({ code, delayMs }) =>
      this.#mishap(`no token yet (${code}); again in ${delayMs} ms`),
    );
    this.#manager.on("error", ({ error }) => this.#mishap(`no new token (${error.code})`));
    this.#manager.on("expired", () => this.#mishap("the token expired before there was a new one"));
  }

  /** How many tokens came, in whatever way. */
  get received() {
    return Object.values(this.tokens).reduce((sum, count) => sum + count, 0);
  }

  /** How many tokens took the place of an older one, refreshed or adopted. */
  get replaced() {
    return this.refreshes.length + (this.tokens.adopted ?? 0);
  }

  get isAsking() {
    return this.#callsMeanwhile !== undefined;
  }

  /** What the token held has left, in milliseconds. */
  leftMs() {
    return Math.max(0, (this.#manager.peek()?.expiresAt ?? 0) - Date.now());
  }

  /**
   * Many callers at the same moment.
   *
   * @param {number} callers
   * @returns {Promise<{ callers: number, distinct: number }>} with how many different tokens they got
   */
  async crowd(callers) {
    const tokens = await Promise.all(Array.from({ length: callers }, () => this.#manager.getToken()));
    return { callers: tokens.length, distinct: new Set(tokens).size };
  }

  /** One call of the API. Counts how it went, and never rejects. */
  async call() {
    this.calls += 1;
    if (this.#callsMeanwhile !== undefined) {
      this.#callsMeanwhile += 1;
      this.callsDuringRefresh += 1;
    }
    try {
      const response = await this.#send(await this.#authorization());
      this.#manager.adopt(response);
      this.#judge(response.status, await response.json());
    } catch (error) {
      this.failed += 1;
      this.#note(`a call failed: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Ends the manager at once. */
  close() {
    return this.#manager.close();
  }

  /**
   * The header of a call, and whether it was there at once: before this turn of the event loop ended. An answer from
   * the network, or a timer, can only come in a later turn.
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
  #judge(status, { data, errors }) {
    if (status === 200 && data && !errors) {
      this.answered += 1;
      return;
    }
    // The only errors that the sandbox has for these calls are refusals.
    this.refused += 1;
    this.#note(`the API refused a call (HTTP ${status})`);
  }

  /** What the manager asks for tokens with. @type {FetchLike} */
  #countedFetch = (url, init) => {
    this.asked += 1;
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
      if (this.tokens.adopted === 1) this.#tell(this, this.lastEvent);
      return;
    }
    this.#callsMeanwhile = undefined;
    if (reason === "initial") return this.#note("first token");
    if (reason !== "proactive") return this.#mishap(`new token only after the old one was ${reason}`);
    this.refreshes.push({ aheadMs, callsMeanwhile });
    this.#note(`new token ${seconds(aheadMs)} before the old one ends; ${callsMeanwhile} calls meanwhile`);
  }

  /** @param {string} text */
  #mishap(text) {
    this.mishaps += 1;
    this.#note(text);
  }

  /** @param {string} text */
  #note(text) {
    this.lastEvent = text;
    this.#tell(this, text);
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
