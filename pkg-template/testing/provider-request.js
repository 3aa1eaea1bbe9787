/**
 * The processing of one request by a provider: its credentials, and the decisions about them.
 *
 * Checks credentials, tokens and scopes, and counts the results; the provider defines the format of rejections.
 *
 * @module
 */

/** @import { GraphQLError } from "graphql" */
/** @import { ProviderCounts } from "./index.js" */
/** @import { AccessToken, Grant, TokenRegister } from "./tokens.js" */

/**
 * The reason for which a field is rejected.
 *
 * `missing`: no credentials at all · `kind`: a token in place of the API key, or the reverse · `credentials`: wrong
 * ones · `token`: unknown, expired or revoked · `scope`: a valid token with insufficient scopes.
 * @typedef {"missing" | "kind" | "credentials" | "token" | "scope"} RejectionReason
 */

/**
 * @typedef {object} RequestParts
 * @property {string | undefined} authorization The request header.
 * @property {TokenRegister} tokens
 * @property {string} [basic] The required value after `Basic ` in the header, if the provider accepts such
 * credentials.
 * @property {(reason: RejectionReason) => GraphQLError} rejection
 * @property {readonly string[]} [narrowTo] The only scopes that may be granted.
 * @property {(what: keyof ProviderCounts) => void} count
 */

/** @typedef {"none" | "basic" | "bearer" | "other"} Scheme */

/** @type {Record<Scheme, RejectionReason>} */
const REJECTED_BASIC = { none: "missing", basic: "credentials", bearer: "kind", other: "kind" };

/** @type {Partial<Record<Scheme, RejectionReason>>} */
const REJECTED_BEARER = { none: "missing", basic: "kind", other: "kind" };

export class ProviderRequest {
  #parts;
  #credentials;
  /** @type {AccessToken | undefined} */
  #bearer;
  /** @type {Set<keyof ProviderCounts>} */
  #countedOnce = new Set();
  /** @type {RejectionReason[]} */
  #rejections = [];
  /** @type {AccessToken[]} */
  #granted = [];
  /** @type {"basic" | "bearer" | undefined} */
  #lacking;

  /** @param {RequestParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#credentials = readAuthorization(parts.authorization);
  }

  /**
   * The reasons for which fields of this request were rejected; empty if none was.
   * @returns {readonly RejectionReason[]}
   */
  get rejections() {
    return this.#rejections;
  }

  /** The access tokens that were granted to this request. @returns {readonly AccessToken[]} */
  get granted() {
    return this.#granted;
  }

  /** The token that authorized an ordinary operation of this request. */
  get bearer() {
    return this.#bearer;
  }

  /** The authentication scheme of the request. */
  get scheme() {
    return this.#credentials.scheme;
  }

  /** The credentials that a rejected field requires. */
  get lacking() {
    return this.#lacking;
  }

  get hasBasic() {
    return this.#credentials.scheme === "basic" && this.#credentials.value === this.#parts.basic;
  }

  /** Requires the provider's Basic credentials. Throws the provider's rejection. */
  requireBasic() {
    if (this.hasBasic) return;
    this.#lacking = "basic";
    throw this.reject(REJECTED_BASIC[this.scheme]);
  }

  /**
   * Requires a valid token with these scopes, and counts the request as a call.
   *
   * Throws the provider's rejection.
   * @param {readonly string[]} scopes
   */
  requireBearer(scopes) {
    const token = this.#bearer ?? this.#parts.tokens.find(this.#credentials.value);
    if (this.scheme !== "bearer" || !token || scopes.some((scope) => !token.scopes.includes(scope))) {
      this.#lacking = "bearer";
      throw this.reject(REJECTED_BEARER[this.scheme] ?? (token ? "scope" : "token"));
    }
    this.#bearer = token;
    this.#countOnce("calls");
    return token;
  }

  /**
   * Issues the first access token of a grant.
   * @param {Grant} grant
   */
  grant({ subject, scopes }) {
    return this.#issued("grants", this.#parts.tokens.grant({ subject, scopes: this.#narrow(scopes) }));
  }

  /**
   * Issues an access token for a refresh token; returns `undefined` if that is invalid.
   * @param {string} refreshToken
   * @param {import("./tokens.js").RefreshPolicy} policy
   */
  redeem(refreshToken, policy) {
    if (this.#parts.tokens.isSpent(refreshToken)) this.#parts.count("reused");
    const token = this.#parts.tokens.redeem(refreshToken, policy, (scopes) => this.#narrow(scopes));
    return token && this.#issued("refreshes", token);
  }

  /**
   * Issues a newer access token for that of the request.
   * @param {AccessToken} token
   */
  rotate(token) {
    return this.#issued("refreshes", this.#parts.tokens.extend(token));
  }

  /**
   * Records the rejection of a field, and returns the error to throw.
   * @param {RejectionReason} reason
   */
  reject(reason) {
    this.#rejections.push(reason);
    this.#countOnce("refused");
    return this.#parts.rejection(reason);
  }

  /**
   * @param {"grants" | "refreshes"} what
   * @param {AccessToken} token
   */
  #issued(what, token) {
    this.#granted.push(token);
    this.#parts.count(what);
    return token;
  }

  /** @param {readonly string[]} scopes */
  #narrow(scopes) {
    const { narrowTo } = this.#parts;
    const unique = [...new Set(scopes)];
    return narrowTo ? unique.filter((scope) => narrowTo.includes(scope)) : unique;
  }

  /** @param {"calls" | "refused"} what */
  #countOnce(what) {
    if (this.#countedOnce.has(what)) return;
    this.#countedOnce.add(what);
    this.#parts.count(what);
  }
}

/**
 * Returns a resolver that requires a token with these scopes.
 * @template A, R
 * @param {readonly string[]} scopes
 * @param {(args: A, token: AccessToken, providerRequest: ProviderRequest) => R} resolve
 */
export function withBearer(scopes, resolve) {
  return (
    /** @type {unknown} */ _source,
    /** @type {A} */ args,
    /** @type {ResolverContext} */ { providerRequest },
  ) => resolve(args, providerRequest.requireBearer(scopes), providerRequest);
}

/**
 * Returns a resolver that requires the provider's Basic credentials.
 * @template A, R
 * @param {(args: A, providerRequest: ProviderRequest) => R} resolve
 */
export function withBasic(resolve) {
  return (
    /** @type {unknown} */ _source,
    /** @type {A} */ args,
    /** @type {ResolverContext} */ { providerRequest },
  ) => {
    providerRequest.requireBasic();
    return resolve(args, providerRequest);
  };
}

/**
 * Returns a resolver without authentication.
 * @template A, R
 * @param {(args: A, providerRequest: ProviderRequest) => R} resolve
 */
export function open(resolve) {
  return (
    /** @type {unknown} */ _source,
    /** @type {A} */ args,
    /** @type {ResolverContext} */ { providerRequest },
  ) => resolve(args, providerRequest);
}

/** @typedef {{ providerRequest: ProviderRequest }} ResolverContext */

/**
 * Parses the header. Scheme names are case-insensitive (RFC 9110, section 11.1).
 * @param {string | undefined} header
 * @returns {{ scheme: Scheme, value: string }}
 */
function readAuthorization(header) {
  if (header === undefined || header.trim() === "") return { scheme: "none", value: "" };
  const [, scheme = "", value = ""] = /^(\S+) +(.*)$/s.exec(header.trim()) ?? [];
  switch (scheme.toLowerCase()) {
    case "basic":
      return { scheme: "basic", value };
    case "bearer":
      return { scheme: "bearer", value };
    default:
      return { scheme: "other", value };
  }
}
