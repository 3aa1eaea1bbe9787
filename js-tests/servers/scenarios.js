/**
 * What is tried against each real server: the packed package, with the server's description of `/providers`.
 *
 * Real servers have real clocks, so these tests wait for real lifetimes. Each test uses managers of its own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { managerFor } from "../support/setup.js";
import { failure } from "../support/waiting.js";
import { placeFor, post } from "./place.js";
import { sharedByProcesses } from "./processes.js";
import { Results } from "./results.js";
import { Wire } from "./wire.js";

/** @import { TestContext } from "node:test" */
/** @import { TokenManager } from "graphql-token-manager" */
/** @import { InstallSteps } from "./install.js" */
/** @import { Place } from "./place.js" */
/** @import { GrantKind } from "./wire.js" */

/** The columns of docs/servers.md. */
export const SCENARIOS = /** @type {const} */ ([
  "first token",
  "forced refresh",
  "expiry under load",
  "ended session",
  "wrong password",
  "500 callers",
  "restart",
  "4 processes",
  "revoke()",
]);

/** @typedef {(typeof SCENARIOS)[number]} Scenario */

/**
 * What the API does with an access token after its session was ended on the server: it rejects the token, which the manager
 * replaces and repeats the request; it accepts the token until it expires; or it treats the request as anonymous.
 *
 * @typedef {"replayed" | "until expiry" | "anonymous"} Ending
 */

/** What a session is ended with. @typedef {{ url: string, token: string, grant: any }} Ended */

/**
 * @typedef {object} Description of a server
 * @property {string} title
 * @property {string} preset The function of `/providers`, or another name of the description that is used.
 * @property {string} package The npm package with the stated version; with `version`, its name alone.
 * @property {string} [version] For a server that is not from npm.
 * @property {readonly string[]} [compile] npm packages that are compiled from their sources at the installation.
 * @property {InstallSteps} [install] The installation, if it is not that of a `package-lock.json`.
 * @property {string} [installedBy] The folder of another server, if its installation is used.
 * @property {number} lifetimeMs of the access tokens, as configured.
 * @property {GrantKind} [first] The kind of the first grant. Default: "login"; "renewal" if a refresh token was issued
 * elsewhere.
 * @property {GrantKind} [renewal] What the manager renews with. Default: "renewal".
 * @property {string} query A query of the API that needs a token.
 * @property {(data: any) => boolean} isPermitted Returns true for the data that only the owner of a token receives.
 * @property {(place: Place, isFirst: boolean) => Promise<void>} start Starts the server; creates its data at first.
 * @property {(url: string, password?: string) => Record<string, any>} options Options of a manager.
 * @property {((ended: Ended) => Promise<void>)} [endSession] Ends a session on the server, without the manager.
 * @property {Ending} [endedSession] What follows from `endSession`.
 * @property {Ending} [revoked] What follows from `revoke()` for the revoked access token: "replayed" if it is rejected.
 * @property {number} [callers] Callers at once under load. Default: 4.
 * @property {Partial<Record<Scenario, string>>} [notes] Explanations of results, for docs/servers.md.
 * @property {Partial<Record<Scenario, string>>} [gaps] Reasons of the scenarios that fail, which is then expected.
 */

/** Part of a lifetime within which a token is renewed at the earliest, with all jitter and on a slow machine. */
const EARLIEST = 0.5;

/**
 * Registers the scenarios of a server.
 *
 * @param {string} name of its folder
 * @param {Description} server
 */
export function testServer(name, server) {
  describe(server.title, () => {
    /** @type {Place} */
    let place;
    const results = new Results(name, server);
    before(async () => {
      place = await placeFor(name);
      await server.start(place, true);
    });
    after(() => place?.remove());
    const scenarios = new Scenarios(name, server, () => place);
    for (const scenario of SCENARIOS) {
      const run = scenarios.functionOf(scenario);
      const gap = server.gaps?.[scenario];
      if (run === undefined) {
        results.set(scenario, "–");
        assert.ok(server.notes?.[scenario], `a note has to state why ${server.title} has no ${scenario}`);
      } else if (gap === undefined) {
        test(scenario, async (t) => {
          results.set(scenario, "failed");
          results.set(scenario, (await run(t)) ?? "yes");
        });
      } else {
        test(`${scenario}, which is known to fail`, async (t) => {
          await assert.rejects(async () => run(t));
          results.set(scenario, "**no**");
        });
      }
    }
    test("docs/servers.md has these results", () => results.finish(place));
  });
}

class Scenarios {
  /** @param {string} name @param {Description} server @param {() => Place} place */
  constructor(name, server, place) {
    this.name = name;
    this.server = server;
    this.place = place;
    /** The kind of a grant without an earlier one. @type {GrantKind} */
    this.first = server.first ?? "login";
    /** The usual kind of renewal. @type {GrantKind} */
    this.renewal = server.renewal ?? "renewal";
  }

  /**
   * Returns the function of a scenario, which returns the text of its result if it is not "yes". Undefined if the API
   * has no such operation.
   *
   * @param {Scenario} scenario
   * @returns {((t: TestContext) => Promise<string | void>) | undefined}
   */
  functionOf(scenario) {
    switch (scenario) {
      case "first token":
        return (t) => this.#first(t);
      case "forced refresh":
        return (t) => this.#refresh(t);
      case "expiry under load":
        return (t) => this.#load(t);
      case "ended session":
        return this.server.endSession && ((t) => this.#endedSession(t));
      case "wrong password":
        return (t) => this.#wrongPassword(t);
      case "500 callers":
        return (t) => this.#crowd(t);
      case "restart":
        return (t) => this.#restart(t);
      case "4 processes":
        return () => this.#processes();
      case "revoke()":
        return this.server.revoked && ((t) => this.#revoke(t));
    }
  }

  /** @param {TestContext} t */
  async #first(t) {
    const { tokens, wire } = this.#manager(t);

    const token = await tokens.getAccessToken();
    await this.#call(tokens);

    assert.deepEqual(wire.grants, [this.first]);
    assert.equal(wire.requests, 1);
    const lifetime = token.expiresAt - Date.now();
    // One second for times in whole seconds, one for the way of the response.
    assert.ok(lifetime > 0 && lifetime <= this.server.lifetimeMs + 2_000, `${lifetime} ms`);
  }

  /** @param {TestContext} t */
  async #refresh(t) {
    const { tokens, wire } = this.#manager(t);
    await tokens.getToken();

    await tokens.refresh();
    await this.#call(tokens);
    await tokens.refresh();
    await this.#call(tokens);

    assert.deepEqual(wire.grants, [this.first, this.renewal, this.renewal]);
    assert.equal(wire.requests, 2);
  }

  /** @param {TestContext} t */
  async #load(t) {
    const { tokens, wire } = this.#manager(t);
    await tokens.getToken();
    const ms = this.server.lifetimeMs * 2.5;

    const calls = await this.#callFor(tokens, ms);

    const [first, ...later] = wire.grants;
    assert.equal(first, this.first);
    assert.ok(later.length >= 2, `${later.length} renewals`);
    assert.ok(later.length <= ms / (this.server.lifetimeMs * EARLIEST), `${later.length} renewals`);
    assert.deepEqual(new Set(later), new Set([this.renewal]));
    assert.equal(wire.requests, calls, "no request was rejected and replayed");
  }

  /** @param {TestContext} t */
  async #endedSession(t) {
    const { tokens, wire } = this.#manager(t);
    await this.#call(tokens);
    const ended = await this.#ended(tokens, wire);
    const before = wire.grants.length;

    // Some of these requests reach the server before the end of the session, and some after it.
    const inFlight = Promise.all([this.#settled(tokens), this.#settled(tokens)]);
    await this.server.endSession?.(ended);
    const outcomes = [...(await inFlight).flat(), ...(await this.#settled(tokens))];

    const grants = wire.grants.length - before;
    const arePermitted = outcomes.every((outcome) => outcome.status === "fulfilled");
    const ending = !arePermitted ? "anonymous" : grants > 0 ? "replayed" : "until expiry";
    assert.equal(ending, this.server.endedSession);
    // The renewal of an ended session is rejected, and the credentials follow.
    const most = this.renewal === "login" ? 1 : 2;
    assert.ok(grants <= most, `${grants} grants for all rejected requests`);
    if (ending === "anonymous") await tokens.refresh();
    // Past the end of the token.
    await this.#callFor(tokens, this.server.lifetimeMs * 1.25);
    assert.ok(
      wire.grants.filter((kind) => kind === this.first).length >= 2,
      "the credentials were used again",
    );
    return ending;
  }

  /** @param {TestContext} t */
  async #wrongPassword(t) {
    const { tokens, wire } = this.#manager(t, "an-incorrect-password");

    assert.equal((await failure(tokens.getToken())).code, "invalid_credentials");
    assert.equal((await failure(tokens.getToken())).code, "invalid_credentials");

    assert.ok(wire.grants.length <= 2, `${wire.grants.length} attempts`);
  }

  /** @param {TestContext} t */
  async #crowd(t) {
    const { tokens, wire } = this.#manager(t);

    const received = await Promise.all(Array.from({ length: 500 }, () => tokens.getToken()));

    assert.equal(new Set(received).size, 1);
    assert.deepEqual(wire.grants, [this.first]);
  }

  /**
   * The server ends as in a crash. A refresh that begins while it is down succeeds when it is back.
   *
   * @param {TestContext} t
   */
  async #restart(t) {
    const retry = { attempts: 100, baseMs: 200, maxMs: 1_000 };
    const { tokens, wire } = this.#manager(t, undefined, { retry });
    await this.#call(tokens);

    await this.place().stop();
    const refreshed = tokens.refresh();
    await this.server.start(this.place(), false);
    await refreshed;
    await this.#call(tokens);

    assert.ok(wire.grants.length >= 2);
  }

  async #processes() {
    const start = performance.now();
    const given = { name: this.name, url: this.place().url, tokens: 4 };
    const reports = await sharedByProcesses(4, given);
    const spanMs = performance.now() - start;

    const grants = reports.flatMap((report) => report.grants);
    const tokens = new Set(reports.flatMap((report) => report.tokens));
    const failures = reports.flatMap((report) => report.failures);
    assert.deepEqual(failures, []);
    const first = grants.filter((kind) => kind === this.first);
    assert.equal(first.length, this.renewal === this.first ? grants.length : 1);
    assert.ok(grants.length <= tokens.size, `${grants.length} grants of ${tokens.size} tokens`);
    const most = 1 + spanMs / (this.server.lifetimeMs * EARLIEST);
    assert.ok(grants.length <= most, `${grants.length} grants, and ${most} at most`);
  }

  /** @param {TestContext} t */
  async #revoke(t) {
    const { tokens, wire } = this.#manager(t);
    await this.#call(tokens);
    const token = await tokens.getToken();
    const authorization = await tokens.authorization();

    await tokens.revoke();

    const isAccepted = await this.#accepts(token, authorization);
    assert.equal(isAccepted, this.server.revoked === "until expiry");
    await this.#call(tokens);
    assert.deepEqual(wire.grants, [this.first, this.first]);
    return isAccepted ? "until expiry" : "yes";
  }

  /** @param {TestContext} t @param {string} [password] @param {Record<string, any>} [more] */
  #manager(t, password, more) {
    const options = this.server.options(this.place().url, password);
    const wire = new Wire(options["provider"]);
    return { tokens: managerFor(t, { fetch: wire.fetch, ...options, ...more }), wire };
  }

  /** Sends a request that needs a token. @param {TokenManager} tokens */
  async #call(tokens) {
    const data = await tokens.request(this.server.query);
    assert.ok(this.server.isPermitted(data), `data of ${this.server.title}: ${JSON.stringify(data)}`);
  }

  /** Sends ten requests at once, and returns how they ended. @param {TokenManager} tokens */
  #settled = (tokens) => Promise.allSettled(Array.from({ length: 10 }, () => this.#call(tokens)));

  /** Sends requests all the time, and returns their number. @param {TokenManager} tokens @param {number} ms */
  async #callFor(tokens, ms) {
    const end = performance.now() + ms;
    let calls = 0;
    const caller = async () => {
      while (performance.now() < end) {
        await this.#call(tokens);
        calls++;
        await sleep(20);
      }
    };
    await Promise.all(Array.from({ length: this.server.callers ?? 4 }, caller));
    return calls;
  }

  /** @param {TokenManager} tokens @param {Wire} wire @returns {Promise<Ended>} */
  async #ended(tokens, wire) {
    return { url: this.place().url, token: await tokens.getToken(), grant: wire.lastGrant };
  }

  /** Returns true if the API accepts a token outside of its manager. @param {string} token @param {string} authorization */
  async #accepts(token, authorization) {
    const { provider, headers } = this.server.options(this.place().url);
    const { header = "Authorization" } = provider.present ?? {};
    const value = header === "Authorization" ? authorization : token;
    const sent = post(provider.endpoint, { query: this.server.query }, { ...headers, [header]: value });
    const response = await sent.catch(() => undefined);
    return this.server.isPermitted(response?.data);
  }
}
