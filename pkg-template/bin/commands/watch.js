/** The command `watch`, which keeps a token fresh for programs that read it from a file or a pipe. @module */

import { lineOf } from "../exit-status.js";
import { PROVIDER_FLAGS } from "../provider-flags.js";
import { replaceFile } from "../atomic-write.js";
import { onStop } from "../signals.js";
import { headerOf, openTokens } from "../manager.js";

/** @import { AccessToken, TokenError, TokenEvent, TokenManager } from "graphql-token-manager" */
/** @import { Call, Command } from "../main.js" */

/** Delay in ms after a transient failure for which the provider requests none: equal to the first cool-down. */
const PAUSE_MS = 5_000;

/** Longest delay of a timer in ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const EVENTS = /** @type {const} */ (["token", "retry", "error", "expired", "warning"]);

/** @type {Command} */
export const watch = {
  about: "keep a token fresh, in a file or on standard output",
  flags: {
    ...PROVIDER_FLAGS,
    output: { value: "FILE", about: "write each token here instead: mode 0600, replaced as a whole" },
    header: { about: 'write "Authorization: Bearer …" instead of the token, for curl -H @FILE' },
    events: { about: "print each event as a line of JSON, and no token" },
  },
  text: `Renews the token ahead of its expiry, and prints each new one in a line of its own, or writes it to --output, until it
is stopped by SIGINT, SIGTERM or SIGHUP; then it ends with 0, and the file stays.

Failures that may pass are told on standard error and outlived. So are refused credentials that have brought a token: they
are presented again after 15 s, 1, 4 and then every 15 minutes. Where the provider refuses them at the start, or after
another failure that stays when no valid token is left, it says why and ends with 1. Secrets are read once, at the start.
Events have "type" (token, retry, error, expired,
warning) and "at", in milliseconds since 1970; a token event comes when the file holds the token.`,
  examples: [
    `graphql-token-manager watch --provider toggle --username api-user --password-file /run/secrets/toggle \\
      --output /run/app/authorization --header --events`,
    `curl -H @/run/app/authorization --json '{"query": "{ Products(account_id: 1) { id } }"}' https://api.mytoggle.io/graphql`,
  ],
  async run(call) {
    const watcher = new Watcher(call, await openTokens(call, { keepAlive: true }));
    const end = onStop(() => watcher.stop());
    try {
      await watcher.run();
    } finally {
      end();
    }
  },
};

class Watcher {
  /** The last token written. @type {string | undefined} */
  #written;
  /** Serializes output: a file is written before the event that announces it is printed. @type {Promise<void>} */
  #queue = Promise.resolve();
  #stopped = new AbortController();

  /**
   * @param {Call} call
   * @param {TokenManager} tokens
   */
  constructor(call, tokens) {
    this.call = call;
    this.tokens = tokens;
    this.output = call.args.one("output");
    this.inEvents = call.args.has("events");
  }

  /** Runs until it is stopped. Throws the failure if it cannot continue. */
  async run() {
    // Keeps the process running between attempts, which may be 15 minutes apart.
    const alive = setInterval(() => {}, LONGEST_TIMER_MS);
    const { signal } = this.#stopped;
    const stopped = new Promise((/** @type {(value: void) => void} */ resolve) => {
      signal.addEventListener("abort", () => resolve());
    });
    const failed = new Promise((_resolve, reject) => {
      for (const type of EVENTS) this.tokens.on(type, (event) => this.#handleEvent(event, reject));
    });
    try {
      await Promise.race([stopped, failed, this.#begin()]);
      // The first token is written; the manager's timer renews it from now on.
      await Promise.race([stopped, failed]);
    } finally {
      this.stop();
      await this.tokens.close();
      clearInterval(alive);
    }
    await this.#queue;
  }

  stop() {
    this.#stopped.abort();
  }

  /** Acquires the first token, regardless of the time it takes. */
  async #begin() {
    while (!this.#stopped.signal.aborted) {
      try {
        this.#write(await this.tokens.getAccessToken());
        return await this.#queue;
      } catch (error) {
        const { retryable, retryAfterMs } = /** @type {TokenError} */ (error);
        if (!retryable) throw error;
        await pause(retryAfterMs ?? PAUSE_MS, this.#stopped.signal);
      }
    }
  }

  /**
   * @param {Exclude<TokenEvent, { type: "close" }>} event
   * @param {(reason: unknown) => void} fail
   */
  #handleEvent(event, fail) {
    const held = event.type === "token" ? this.tokens.peek() : undefined;
    if (held) this.#write(held);
    if (this.inEvents) {
      const line = JSON.stringify({ at: Date.now(), ...plain(event) });
      this.#queue = this.#queue.then(() => this.call.print(line));
    } else if (event.type === "error") {
      const goesOn = event.tokenStillValid ? "; the token held is still valid" : "";
      this.call.warn(`${lineOf(event.error, false, this.call.args.one("provider"))}${goesOn}`);
    }
    this.#queue.catch(fail);
    if (event.type === "error" && !event.tokenStillValid && this.#isFinal(event.error)) fail(event.error);
  }

  /**
   * Returns whether the manager will not acquire another token by itself.
   * @param {TokenError} error
   */
  #isFinal({ code, retryable }) {
    // The manager presents credentials again if they were accepted before.
    return !retryable && !(code === "invalid_credentials" && this.#written !== undefined);
  }

  /**
   * Writes a token unless it was already written.
   * @param {AccessToken} token
   */
  #write(token) {
    const { value } = token;
    if (value === this.#written) return;
    this.#written = value;
    const text = this.call.args.has("header") ? headerOf(this.tokens, token).join(": ") : value;
    const { output } = this;
    if (output !== undefined) this.#queue = this.#queue.then(() => replaceFile(output, `${text}\n`));
    else if (!this.inEvents) this.call.print(text);
  }
}

/**
 * Returns an event without class instances.
 * @param {Exclude<TokenEvent, { type: "close" }>} event
 */
function plain(event) {
  if (event.type !== "error") return event;
  return { ...event, ...JSON.parse(lineOf(event.error, true)) };
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal Ends the delay.
 */
function pause(ms, signal) {
  return new Promise((/** @type {(value: void) => void} */ resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
