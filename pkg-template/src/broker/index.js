/**
 * `graphql-token-manager/broker`: hands the pages of a site short-lived tokens, and keeps what they are got with.
 *
 * @module
 */

import { failed, granted, refused } from "./answers.js";
import { Asked, read } from "./form.js";
import { Origins } from "./origins.js";
import { checkOptions } from "./options.js";
import { RateLimit } from "./rate-limit.js";
import { Refusal, tooMany } from "./refusal.js";
import { OWN, givenTo, isWithin, nameOf } from "./selector.js";
import { webCrypto } from "../../stores/sealing.js";

export { toNodeListener } from "./node.js";

/** @import { AccessToken, TokenManager, TokenSession } from "../../index.js" */
/** @import { Broker, BrokerOptions, BrokerSelector } from "../../broker.js" */

/**
 * @param {TokenManager} tokens
 * @param {BrokerOptions} options
 * @returns {Broker}
 */
export function createBroker(tokens, options) {
  const desk = new Desk(tokens, options);
  // Workers hand over more than the request.
  return (request) => desk.answer(request);
}

/** How often refusals of a session's token are believed: each costs a grant, and any of its pages may tell one. */
const BELIEVED = { requests: 1, perMs: 5_000 };

class Desk {
  #tokens;
  #options;
  #origins;
  #requests;
  #refusals = new RateLimit(BELIEVED);

  /** @param {TokenManager} tokens @param {BrokerOptions} options */
  constructor(tokens, options) {
    const { allowedOrigins, origin, rateLimit } = checkOptions(tokens, options);
    this.#tokens = tokens;
    this.#options = options;
    this.#origins = new Origins(allowedOrigins, origin);
    this.#requests = rateLimit && new RateLimit(rateLimit);
  }

  /**
   * Never rejects: what goes wrong is an answer, too.
   *
   * @param {Request} request
   * @returns {Promise<Response>}
   */
  async answer(request) {
    const headers = this.#origins.headersFor(request);
    try {
      if (request.method === "OPTIONS") return this.#origins.preflight(request, headers);
      if (request.method !== "POST")
        throw new Refusal(405, "invalid_request", "ask by POST", { allow: METHODS });
      this.#origins.check(request);
      const { token, remainingMs } = await this.#grant(request, await read(request));
      return granted(token, remainingMs, headers);
    } catch (error) {
      if (error instanceof Refusal) return refused(error, headers);
      // Nobody listens any more.
      if (request.signal?.aborted) return new Response(null, { status: 499 });
      const refusal = failed(error);
      if (refusal.status >= 500) this.#tell(error, request);
      return refused(refusal, headers);
    }
  }

  /**
   * @param {Request} request
   * @param {Asked} asked
   */
  async #grant(request, asked) {
    const given = await this.#options.authorize(request, asked.selector());
    const selector = givenTo(asked, given);
    const name = nameOf(selector);
    const { subject } = this.#options;
    const retryAfterMs = this.#requests?.take(subject ? await subject(request, selector) : name);
    if (retryAfterMs) throw tooMany(retryAfterMs);

    const session = name === OWN ? this.#tokens : this.#tokens.session(selector);
    if (asked.refused !== undefined) await this.#believe(session, name, asked.refused);
    const token = await this.#token(session, selector, request.signal);
    if (asked.scopes && !isWithin(asked.scopes, token.scopes)) throw outOfReach();
    return { token, remainingMs: remaining(session, token) };
  }

  /**
   * The session's token. It may be one that was granted for more scopes, which serves a program well and is too much
   * for a page: then the session gets one of its own.
   *
   * @param {TokenSession} session
   * @param {BrokerSelector} selector
   * @param {AbortSignal} signal
   */
  async #token(session, { scopes }, signal) {
    const token = await session.getAccessToken({ signal });
    if (scopes === undefined || isWithin(token.scopes, scopes)) return token;
    const own = await session.refresh({ signal });
    if (isWithin(own.scopes, scopes)) return own;
    throw new Error("the API granted more scopes than `authorize` gave, and its token was withheld");
  }

  /**
   * Invalidates the token that a page says was refused, if it is the one held.
   *
   * @param {TokenSession} session
   * @param {string} name
   * @param {string} digest
   */
  async #believe(session, name, digest) {
    const held = session.peek()?.value;
    if (held !== undefined && (await digestOf(held)) === digest && this.#refusals.take(name) === 0) {
      session.invalidate(held);
    }
  }

  /** @param {unknown} error @param {Request} request */
  #tell(error, request) {
    try {
      this.#options.onError?.(error, request);
    } catch {
      // Whoever listens disturbs nobody.
    }
  }
}

const METHODS = "POST, OPTIONS";

function outOfReach() {
  return new Refusal(400, "invalid_scope", "these scopes are more than may be given");
}

/**
 * How long the token lasts, by the clock that the manager goes by: this machine's may be wrong.
 *
 * @param {TokenSession} session
 * @param {AccessToken} token
 */
function remaining(session, token) {
  const { expiresInMs } = session.status();
  const isHeld = session.peek()?.value === token.value;
  return isHeld && expiresInMs !== undefined ? expiresInMs : token.expiresAt - Date.now();
}

/** @param {string} text */
async function digestOf(text) {
  const { subtle } = await webCrypto();
  const digest = new Uint8Array(await subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...digest))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace("=", "");
}
