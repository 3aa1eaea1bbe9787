/**
 * `graphql-token-manager/broker`: issues short-lived tokens to the pages of a site. The credentials stay on the server.
 *
 * @module
 */

import { errorResponse, failed, granted } from "./responses.js";
import { TokenRequest, read } from "./token-request.js";
import { Origins } from "./origins.js";
import { checkOptions } from "./options.js";
import { RateLimit } from "./rate-limit.js";
import { OAuthError, tooMany } from "./oauth-error.js";
import { ScopeSets } from "./scope-sets.js";
import { identityOf, isWithin, narrowed, selectorFrom } from "./selector.js";
import { ignoringErrors } from "../ignoring-errors.js";
import { TokenError } from "../token-error.js";
import { handled } from "../../stores/foreign-promise.js";
import { webCrypto } from "../../stores/aes-gcm.js";

export { toNodeListener } from "./node.js";

/** @import { AccessToken, TokenManager, TokenSession } from "../../index.js" */
/** @import { Broker, BrokerOptions, BrokerSelector } from "../../broker.js" */

/**
 * Creates a broker. Throws a `TypeError` for invalid options.
 *
 * @param {TokenManager} tokens
 * @param {BrokerOptions} options
 * @returns {Broker}
 */
export function createBroker(tokens, options) {
  const endpoint = new TokenEndpoint(tokens, options);
  // Workers pass more arguments than the request.
  return (request) => endpoint.respond(request);
}

/** The rate limit for reports of a rejected token, per identity. Each costs a grant, and any page can send one. */
const REPORTS = { requests: 1, perMs: 5_000 };

/** The endpoint of one broker. */
class TokenEndpoint {
  #tokens;
  #options;
  #origins;
  #requests;
  #reports = new RateLimit(REPORTS);
  #scopeSets = new ScopeSets();
  /** The kinds of failures that were printed. @type {Set<string>} */
  #printed = new Set();
  /** What functions of the options threw. @type {WeakSet<object>} */
  #thrown = new WeakSet();

  /** @param {TokenManager} tokens @param {BrokerOptions} options */
  constructor(tokens, options) {
    // Copied before it is checked, because the object may change later.
    this.#options = { ...options };
    const { allowedOrigins, origin, rateLimit } = checkOptions(tokens, this.#options);
    this.#tokens = tokens;
    this.#origins = new Origins(allowedOrigins, origin);
    this.#requests = rateLimit && new RateLimit(rateLimit);
  }

  /**
   * Responds to a request. Never rejects: an error is a response too.
   *
   * @param {Request} request
   * @returns {Promise<Response>}
   */
  async respond(request) {
    /** @type {Record<string, string>} */
    let headers = {};
    try {
      headers = this.#origins.headersFor(request);
      if (request.method === "OPTIONS") return this.#origins.preflight(request, headers);
      if (request.method !== "POST")
        throw new OAuthError(405, "invalid_request", "use POST", { allow: METHODS });
      this.#origins.check(request);
      const { token, remainingMs } = await this.#grant(request, await read(request));
      return granted(token, remainingMs, headers);
    } catch (error) {
      if (error instanceof OAuthError) return errorResponse(error, headers);
      // The client has disconnected, so nothing receives this response.
      if (request?.signal?.aborted) return new Response(null, { status: 499 });
      const oauthError = failed(error);
      if (oauthError.status >= 500) this.#report(error, request);
      return errorResponse(oauthError, headers);
    }
  }

  /**
   * Authorizes a request and returns a token, with its remaining lifetime in ms.
   *
   * @param {Request} request
   * @param {TokenRequest} tokenRequest
   */
  async #grant(request, tokenRequest) {
    const { authorize } = this.#options;
    const given = selectorFrom(await this.#called(() => authorize(request, tokenRequest.selector())));
    const selector = narrowed(tokenRequest, given);
    const identity = identityOf(given);
    await this.#limit(request, given, identity);
    if (selector !== given) throwIfLate(this.#scopeSets.take(identity, selector.scopes ?? []));

    const session = isEmpty(selector) ? this.#tokens : this.#tokens.session(selector);
    if (tokenRequest.refused !== undefined) await this.#acceptReport(session, identity, tokenRequest.refused);
    const token = await tokenOf(session, selector, request.signal);
    if (tokenRequest.scopes && !isWithin(tokenRequest.scopes, token.scopes)) throw outOfReach();
    return { token, remainingMs: remaining(session, token) };
  }

  /**
   * Calls a function of the options.
   *
   * @template T
   * @param {() => T} action
   * @returns {Promise<Awaited<T>>}
   */
  async #called(action) {
    try {
      return await handled(action());
    } catch (error) {
      if (Object(error) === error) this.#thrown.add(/** @type {object} */ (error));
      throw error;
    }
  }

  /**
   * Applies the rate limit of the request's subject. Its scopes do not matter.
   *
   * @param {Request} request
   * @param {BrokerSelector} given
   * @param {string} identity
   */
  async #limit(request, given, identity) {
    if (this.#requests === undefined) return;
    const { subject: subjectOf } = this.#options;
    const subject = subjectOf ? await this.#called(() => subjectOf(request, given)) : identity;
    if (typeof subject !== "string") {
      throw new TokenError("invalid_options", "`subject` must give a string, such as the id of the user");
    }
    throwIfLate(this.#requests.take(subject));
  }

  /**
   * Invalidates the token that a page reports as rejected, if it is the cached one.
   *
   * @param {TokenSession} session
   * @param {string} identity
   * @param {string} digest
   */
  async #acceptReport(session, identity, digest) {
    const held = session.peek()?.value;
    if (held !== undefined && (await digestOf(held)) === digest && this.#reports.take(identity) === 0) {
      session.invalidate(held);
    }
  }

  /** @param {unknown} error @param {Request} request */
  #report(error, request) {
    const { onError } = this.#options;
    void ignoringErrors(() => (onError ? onError(error, request) : this.#print(error)));
  }

  /**
   * Prints a failure, each kind once: the code of a `TokenError`, and its message if the manager or this broker created it,
   * which contains no secret. Of what a function of the options threw, whose message may quote any, the class and the code.
   *
   * @param {any} error
   */
  #print(error) {
    // A program may set the name too, so it must have the form of a class.
    const isClass = error instanceof Error && /^[A-Z][A-Za-z]{0,39}(?:Error|Exception)$/.test(error.name);
    const name = isClass ? error.name : error instanceof Error ? "Error" : typeof error;
    const isOwn = TokenError.is(error) && !this.#thrown.has(error);
    const code = TokenError.is(error) && /^[a-z_]{1,40}$/.test(error.code) ? ` ${error.code}` : "";
    const what = isOwn ? `${error.code}: ${error.message}` : `a function of its options threw ${name}${code}`;
    const kind = isOwn ? error.code : what;
    if (this.#printed.has(kind) || this.#printed.size === MAX_PRINTED) return;
    this.#printed.add(kind);
    console.error(`graphql-token-manager/broker: ${what}; set \`onError\` to receive each failure`);
  }
}

/** The most kinds of failures that are printed. User-supplied functions may throw errors of any name. */
const MAX_PRINTED = 100;

/**
 * Returns a token that was granted to this session. The token of a lender is not used, because it has more scopes than
 * the page may have.
 *
 * @param {TokenSession} session
 * @param {BrokerSelector} selector
 * @param {AbortSignal} signal
 */
async function tokenOf(session, { scopes }, signal) {
  const token = await session.getAccessToken({ signal, exactScopes: true });
  if (scopes === undefined || isWithin(token.scopes, scopes)) return token;
  throw new TokenError(
    "protocol",
    "the API granted more scopes than `authorize` gave, and its token was withheld; have `authorize` give these as well",
  );
}

/** @param {number} retryAfterMs */
function throwIfLate(retryAfterMs) {
  if (retryAfterMs > 0) throw tooMany(retryAfterMs);
}

/** @param {object} object */
const isEmpty = (object) => Object.keys(object).length === 0;

const METHODS = "POST, OPTIONS";

function outOfReach() {
  return new OAuthError(400, "invalid_scope", "these scopes exceed the permitted ones");
}

/**
 * Returns the remaining lifetime of a token in ms, by the manager's corrected clock: the clock of this machine may be
 * wrong.
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
