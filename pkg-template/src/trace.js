// What a manager does, step by step, for observers: the option `debug`, the diagnostics channels, and warnings in the
// console.
//
// Nothing here has a token, a refresh token or a secret: the core reports names of steps, codes, times and selectors.

import { diagnosticsChannels, observedGrants } from "./channels.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { inRootContext } from "./root-context.js";
import { parseSelector } from "./selector.js";
import { errorOf } from "./token-error.js";

/** @typedef {import("./manager-runtime.js").ManagerRuntime} ManagerRuntime */

/**
 * A grant that was sent and observed.
 *
 * @typedef {object} StartedGrant
 * @property {any} context the message on the channel
 * @property {number} at when it was sent, in ms of a monotonic clock
 * @property {(action: () => void) => void} run runs a function in the context of the caller that caused the grant
 */

/** Reports the steps of one manager. */
export class Trace {
  #runtime;
  /** Receives each line. @type {((line: string) => unknown) | undefined} */
  #print;

  /** @param {ManagerRuntime} runtime @param {unknown} debug the option */
  constructor(runtime, debug) {
    this.#runtime = runtime;
    this.#print = printerOf(debug);
  }

  /** Whether anything may receive steps of the core. */
  get isObserved() {
    const point = diagnosticsChannels()?.point;
    return (
      this.#print !== undefined ||
      observedGrants() !== undefined ||
      (point !== undefined && (point("lease").hasSubscribers || point("evicted").hasSubscribers))
    );
  }

  /**
   * Reports a step of the core; see `Step` in src/driver.rs.
   *
   * @param {string} name
   * @param {string} reason of a grant
   * @param {number} number the attempt of a grant, the time of a refresh, a duration, or NaN
   * @param {any} error
   * @param {StartedGrant | undefined} started the start of the grant that ends
   * @param {unknown} selector of the session
   * @param {number} now in ms of a monotonic clock
   * @returns {StartedGrant | undefined} the start of a grant
   */
  step(name, reason, number, error, started, selector, now) {
    error &&= errorOf(error);
    if (reason !== "") return this.#startGrant(name, { reason, attempt: number }, selector, now);
    if (started !== undefined) {
      const durationMs = Math.round(Math.max(0, now - started.at));
      const waiting = this.#runtime.calls.waitingFor(selector).length;
      this.#endGrant(started, { outcome: name, durationMs, waiting, error });
      this.#write(`grant ${name}`, { durationMs, waiting, error }, selector);
      return undefined;
    }
    const value = Number.isNaN(number) ? undefined : number;
    const fields = { [name === "refresh planned" ? "refreshAt" : "durationMs"]: value, error };
    const [first = "", ...state] = name.split(" ");
    if (first === "lease") this.#publish(first, { state: state.join(" "), ...fields }, selector);
    if (first === "evicted") this.#publish(first, {}, selector);
    this.#write(name, fields, selector);
    return undefined;
  }

  /**
   * Reports a step of a request.
   *
   * @param {"rejected" | "replayed"} name
   * @param {object} fields
   * @param {unknown} selector
   */
  point(name, fields, selector) {
    this.#publish(name, fields, selector);
    this.#write(name, fields, selector);
  }

  /**
   * Reports an event.
   *
   * @param {any} event
   * @param {unknown} selector of its session; `undefined` if it has none
   * @param {boolean} hasListener
   */
  event({ type, ...fields }, selector, hasListener) {
    if (type === "change") return;
    if (type === "warning") {
      this.#publish(type, fields, selector);
      if (!hasListener) warnOnce(fields);
    }
    this.#write(type, fields, selector);
  }

  /** @param {string} name @param {any} fields @param {unknown} selector @param {number} now @returns {StartedGrant} */
  #startGrant(name, fields, selector, now) {
    const presents = name === "refresh sent" ? "refresh token" : "credentials";
    const context = this.#message({ presents, ...fields }, selector);
    const run = this.#runtime.calls.waitingFor(selector)[0]?.context ?? ((action) => action());
    const grant = observedGrants();
    if (grant) run(() => grant.start.runStores(context, () => grant.end.publish(context)));
    this.#write("grant sent", { presents, ...fields }, selector);
    return { context, at: now, run };
  }

  /** @param {StartedGrant} started @param {any} fields */
  #endGrant({ context, run }, fields) {
    Object.assign(context, fields);
    const grant = observedGrants();
    if (!grant) return;
    run(() => {
      if (fields.error) grant.error.publish(context);
      grant.asyncStart.publish(context);
      grant.asyncEnd.publish(context);
    });
  }

  /** @param {string} name of a channel @param {object} fields @param {unknown} selector */
  #publish(name, fields, selector) {
    const channel = diagnosticsChannels()?.point(name);
    if (channel?.hasSubscribers) channel.publish(this.#message(fields, selector));
  }

  /** @param {object} fields @param {unknown} selector */
  #message(fields, selector) {
    const { name, grantUrl } = this.#runtime.api ?? {};
    // The address may contain a key.
    const serverAddress = grantUrl && new URL(grantUrl).host;
    return { provider: name, serverAddress, session: parseSelector(selector), ...fields };
  }

  /**
   * Writes a line such as `2026-01-01T00:00:00.000Z graphql-token-manager: grant sent provider=fluz session={} attempt=1`.
   *
   * @param {string} step
   * @param {any} fields
   * @param {unknown} selector
   */
  #write(step, { error, ...fields }, selector) {
    const print = this.#print;
    if (print === undefined) return;
    const { code, status, message } = error ?? {};
    const provider = this.#runtime.api?.name;
    const all = { provider, session: shownSelector(selector), code, status, message, ...fields };
    let line = `${time(Date.now())} graphql-token-manager: ${step}`;
    for (const [name, value] of Object.entries(all)) {
      if (value !== undefined) line += ` ${name}=${name.endsWith("At") ? time(value) : textOf(value)}`;
    }
    void ignoringErrors(() => inRootContext(() => print(line)));
  }
}

/** @param {unknown} value */
function textOf(value) {
  // Control characters are escaped, so that a line stays one.
  const text = JSON.stringify(value).replace(INVISIBLE, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text.replace(/^"([\w.:-]+)"$/, "$1");
}

/** Control and format characters that JSON does not escape. */
const INVISIBLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** The longest text of a field. */
const MAX_TEXT = 300;

/** @param {any} at */
const time = (at) => (Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : "never");

/** The members of selectors that are written. Those of a custom API may have any meaning, also that of a secret. */
const SHOWN = ["userId", "accountId", "seatId", "scopes"];

/** @param {unknown} selector */
function shownSelector(selector) {
  const members = Object.entries(parseSelector(selector));
  return Object.fromEntries(members.map(([name, value]) => [name, SHOWN.includes(name) ? value : "…"]));
}

/**
 * Returns the function that the option `debug` selects; without the option, the environment variable `GTM_DEBUG`.
 *
 * @param {any} debug
 * @returns {((line: string) => unknown) | undefined}
 */
function printerOf(debug) {
  if (typeof debug === "function") return debug;
  if (debug) return (line) => console.debug(line);
  // Standard error, because the variable is also set for programs whose standard output is read by others.
  return debug === undefined && isVariableSet() ? (line) => console.error(line) : undefined;
}

function isVariableSet() {
  try {
    const value = mayReadVariable("GTM_DEBUG") && /** @type {any} */ (globalThis).process.env.GTM_DEBUG;
    return Boolean(value) && !["0", "false"].includes(value);
  } catch {
    // There is no environment here.
    return false;
  }
}

/** Returns whether a variable may be read. Deno would ask the user. @param {string} variable */
function mayReadVariable(variable) {
  const permissions = /** @type {any} */ (globalThis).Deno?.permissions;
  return permissions === undefined || permissions.querySync({ name: "env", variable }).state === "granted";
}

/** The codes of the warnings that were printed. @type {Set<string>} */
const printed = new Set();

/**
 * Prints a warning that no listener receives, once for each code and not in production.
 *
 * @param {{ code?: string, message?: string }} warning
 */
function warnOnce({ code = "", message }) {
  if (printed.has(code) || !isDevelopment()) return;
  printed.add(code);
  void ignoringErrors(() => console.warn(`graphql-token-manager: ${message} (${code})`));
}

function isDevelopment() {
  try {
    // In this form, bundlers replace it by a constant. It is missing in pages without a bundler, which print nothing.
    return mayReadVariable("NODE_ENV") && process.env.NODE_ENV !== "production";
  } catch {
    return false;
  }
}
