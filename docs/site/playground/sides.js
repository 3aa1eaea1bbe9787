/**
 * The two sides that are compared: a manager, and a hand-written cache. Each has a sandbox and a timeline of its own.
 *
 * @module
 */

import { TokenManager } from "graphql-token-manager";
import { APIS } from "./apis.js";
import { trackTokens } from "./devtools/track.js";
import { TimelineLog } from "./devtools/timeline-log.js";
import { HandWrittenCache } from "./hand-written.js";
import { CALL, InPageSandbox } from "./in-page-sandbox.js";

/** @import { Settings } from "./presets.js" */
/** @import { Outcome } from "./devtools/timeline-log.js" */

/** Retries are closer together, as the lifetimes are shorter: by default they are three, after 1 s and more. */
const RETRY = { attempts: 6, baseMs: 300, maxMs: 2_000 };

const now = () => performance.now();

/**
 * What the calls of a lane use: a session of the manager, or the cache.
 *
 * @typedef {object} Client
 * @property {() => Promise<string>} getToken
 * @property {(url: string, init: RequestInit) => Promise<Response>} fetch
 */

/** What both sides have in common: calls, and their results. */
class Side {
  /** @type {TimelineLog} */
  log;
  /** @type {InPageSandbox} */
  sandbox;
  /** By lane. @type {Map<string, Client>} */
  clients = new Map();
  #calls = 0;
  /** @type {Set<Promise<void>>} */
  #open = new Set();

  /** @param {Settings} settings @param {InPageSandbox} sandbox */
  constructor(settings, sandbox) {
    this.settings = settings;
    this.sandbox = sandbox;
    this.log = new TimelineLog(now());
    this.api = APIS[settings.provider];
    this.account = sandbox.accounts[settings.provider];
  }

  /** Starts the time axis. */
  begin() {
    this.log.startedAt = now();
  }

  /** Sends a call to the API. @param {string} lane */
  call(lane) {
    this.#track(this.#call(lane));
  }

  /** Asks for a token without a call. @param {string} lane */
  ask(lane) {
    this.#track(this.#ask(lane));
  }

  /** Resolves when no call is open. */
  async settled() {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  /** @param {Promise<void>} work */
  #track(work) {
    const tracked = work.finally(() => this.#open.delete(tracked));
    this.#open.add(tracked);
  }

  /** @param {string} lane */
  async #call(lane) {
    const name = `${(this.#calls += 1)}`;
    const began = now();
    const settle = this.log.call(lane, began);
    const init = {
      method: "POST",
      headers: { ...this.api.headers, "Content-Type": "application/json", [CALL]: name },
      body: JSON.stringify({ query: this.api.call }),
    };
    const hasWaited = turnEnds(() => this.sandbox.wasSent(name));
    let succeeded = false;
    try {
      const response = await this.#client(lane).fetch(this.account.endpoint, init);
      const { data, errors } = await response.json();
      succeeded = response.ok && data != null && errors === undefined;
    } catch {
      // The reason is among the events of the manager, or in the attempts of the cache.
    }
    const { count, firstAt } = this.sandbox.sent(name);
    settle(outcomeOf(succeeded, count > 1, hasWaited()), firstAt - began);
  }

  /** @param {string} lane */
  async #ask(lane) {
    const began = now();
    const settle = this.log.call(lane, began);
    let arrived = false;
    const hasWaited = turnEnds(() => arrived);
    const succeeded = await this.#client(lane)
      .getToken()
      .then(
        () => true,
        () => false,
      );
    arrived = true;
    settle(outcomeOf(succeeded, false, hasWaited()), now() - began);
  }

  /** @param {string} lane */
  #client(lane) {
    const client = this.clients.get(lane);
    if (client === undefined) throw new Error(`no lane ${lane}`);
    return client;
  }

  /** @returns {unknown} */
  close() {
    return this.sandbox.close();
  }

  /** Returns the numbers of this side. */
  numbers() {
    const { tokenRequests, callRequests } = this.sandbox;
    const { tokens: issued, refused } = this.sandbox.counts();
    const longestWaitMs = Math.round(this.log.longestWaitMs);
    return { ...this.log.counts(), longestWaitMs, tokenRequests, callRequests, issued, refused };
  }
}

/** @param {boolean} succeeded @param {boolean} isReplay @param {boolean} hasWaited @returns {Outcome} */
function outcomeOf(succeeded, isReplay, hasWaited) {
  if (!succeeded) return "failed";
  if (isReplay) return "replayed";
  return hasWaited ? "waited" : "served";
}

/**
 * Returns a function that returns true if this turn of the event loop ended before the token was there. Timers and
 * responses arrive in later turns, so the speed of the machine does not matter.
 *
 * @param {() => boolean} isThere
 */
function turnEnds(isThere) {
  let late = false;
  setTimeout(() => (late = !isThere()), 0);
  return () => late;
}

/** The users of a run: the first is the manager's own. @param {string} first @param {number} count */
const usersOf = (first, count) =>
  Array.from({ length: count }, (_, index) =>
    index === 0 ? first : `${first.slice(0, -1)}${(parseInt(first.slice(-1), 16) + index) % 16}`,
  );

export class ManagerSide extends Side {
  #tokens;
  /** @param {Settings} settings @param {InPageSandbox} sandbox */
  constructor(settings, sandbox) {
    super(settings, sandbox);
    this.#tokens = new TokenManager({
      ...this.api.options(this.account, settings.lifetimeMs),
      fetch: sandbox.fetch,
      retry: RETRY,
    });
    // The page has the sandbox's credentials, which are public: the warning is expected here.
    this.#tokens.on("warning", () => {});
    const { userId = "" } = /** @type {{ userId?: string }} */ (this.account);
    usersOf(userId, settings.users).forEach((user, index) => {
      const session = settings.users === 1 ? this.#tokens : this.#tokens.session({ userId: user });
      const lane = `user ${index + 1}`;
      this.log.lane(lane);
      this.clients.set(lane, session);
      trackTokens(this.log, lane, session, now);
    });
  }

  /** @override */
  async close() {
    await this.#tokens.close();
    super.close();
  }
}

export class CacheSide extends Side {
  /** @param {Settings} settings @param {InPageSandbox} sandbox */
  constructor(settings, sandbox) {
    super(settings, sandbox);
    const { userId = "" } = /** @type {{ userId?: string }} */ (this.account);
    usersOf(userId, settings.users).forEach((user, index) => {
      const lane = `user ${index + 1}`;
      this.log.lane(lane);
      const cache = new HandWrittenCache(() => this.#logIn(lane, user), settings.marginMs);
      const getToken = async () => cache.getToken();
      this.clients.set(lane, { getToken, fetch: (url, init) => this.#send(url, init, getToken) });
    });
  }

  /** @param {string} lane @param {string} userId */
  async #logIn(lane, userId) {
    const attempt = this.log.attemptStarted(lane, now());
    try {
      const { lifetimeMs } = this.settings;
      const user = { userId, lifetimeMs };
      const token = await this.api.logIn(this.account, (request) => this.#post(request), user);
      const at = now();
      this.log.attemptEnded(attempt, at, "token");
      this.log.token(lane, { at, expiresAt: at + lifetimeMs, refreshAt: undefined });
      return token;
    } catch (error) {
      this.log.attemptEnded(attempt, now(), "failed");
      throw error;
    }
  }

  /** @param {{ query: string, variables?: object, authorization?: string }} request */
  async #post({ query, variables, authorization }) {
    const response = await this.sandbox.fetch(this.account.endpoint, {
      method: "POST",
      headers: {
        ...this.api.headers,
        "Content-Type": "application/json",
        ...(authorization === undefined ? {} : { Authorization: authorization }),
      },
      body: JSON.stringify({ query, variables }),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const { data, errors } = await response.json();
    if (errors !== undefined) throw new Error("the provider rejected the request");
    return { data, headers: response.headers };
  }

  /** @param {string} url @param {RequestInit} init @param {() => Promise<string>} getToken */
  async #send(url, init, getToken) {
    const token = await getToken();
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${token}`);
    return this.sandbox.fetch(url, { ...init, headers });
  }
}
