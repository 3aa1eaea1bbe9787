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

/** What both sides have in common: calls, and their results. */
class Side {
  /** @type {TimelineLog} */
  log;
  /** @type {InPageSandbox} */
  sandbox;
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
      const response = await this.send(lane, init);
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
    const succeeded = await this.token(lane).then(
      () => true,
      () => false,
    );
    arrived = true;
    settle(outcomeOf(succeeded, false, hasWaited()), now() - began);
  }

  /** @param {string} _lane @returns {Promise<string>} */
  async token(_lane) {
    throw new Error("not implemented");
  }

  /** @param {string} _lane @param {RequestInit} _init @returns {Promise<Response>} */
  async send(_lane, _init) {
    throw new Error("not implemented");
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
  /** @type {Map<string, import("graphql-token-manager").TokenSession | TokenManager>} */
  #sessions = new Map();

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
      this.#sessions.set(lane, session);
      trackTokens(this.log, lane, session, now);
    });
  }

  /** @param {string} lane */
  #session(lane) {
    return this.#sessions.get(lane) ?? this.#tokens;
  }

  /** @override @param {string} lane */
  token(lane) {
    return this.#session(lane).getToken();
  }

  /** @override @param {string} lane @param {RequestInit} init */
  send(lane, init) {
    return this.#session(lane).fetch(this.account.endpoint, init);
  }

  /** @override */
  async close() {
    await this.#tokens.close();
    super.close();
  }
}

export class CacheSide extends Side {
  /** @type {Map<string, HandWrittenCache>} */
  #caches = new Map();

  /** @param {Settings} settings @param {InPageSandbox} sandbox */
  constructor(settings, sandbox) {
    super(settings, sandbox);
    const { userId = "" } = /** @type {{ userId?: string }} */ (this.account);
    usersOf(userId, settings.users).forEach((user, index) => {
      const lane = `user ${index + 1}`;
      this.log.lane(lane);
      this.#caches.set(lane, new HandWrittenCache(() => this.#logIn(lane, user), settings.marginMs));
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

  /** @override @param {string} lane */
  async token(lane) {
    const cache = this.#caches.get(lane);
    if (cache === undefined) throw new Error(`no lane ${lane}`);
    return cache.getToken();
  }

  /** @override @param {string} lane @param {RequestInit} init */
  async send(lane, init) {
    const token = await this.token(lane);
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${token}`);
    return this.sandbox.fetch(this.account.endpoint, { ...init, headers });
  }
}
