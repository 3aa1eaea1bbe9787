/**
 * Which access and refresh tokens a provider's sandbox has issued, and which of them count now.
 *
 * What a token looks like is left to the provider, which hands in `write`.
 *
 * @module
 */

import { createHmac, randomBytes } from "node:crypto";
import { BoundedMap } from "./bounded-map.js";

/**
 * Whom a grant was for, and what was granted.
 * @typedef {object} Grant
 * @property {string} subject
 * @property {readonly string[]} scopes
 */

/**
 * All tokens that descend from one grant, by refreshing or sliding.
 * @typedef {object} Family
 * @property {Grant} grant
 * @property {boolean} revoked
 */

/**
 * @typedef {object} AccessToken
 * @property {string} value
 * @property {string} subject
 * @property {readonly string[]} scopes
 * @property {number} issuedAt Milliseconds since the Unix epoch.
 * @property {number} expiresAt Milliseconds since the Unix epoch; the token counts until just before.
 * @property {number} lifetimeMs
 * @property {Family} family
 */

/** @typedef {Omit<AccessToken, "value" | "family">} Unwritten */

/** @typedef {"single-use" | "reusable"} RefreshPolicy */

/**
 * Most tokens remembered, of each sort.
 *
 * Enough for any test; a sandbox that runs for days under load forgets its oldest tokens, which it then refuses.
 */
const MOST_TOKENS = 100_000;

export class TokenRegister {
  /** @type {BoundedMap<AccessToken>} */
  #access = new BoundedMap(MOST_TOKENS);
  /** @type {BoundedMap<{ family: Family, spent: boolean }>} */
  #refresh = new BoundedMap(MOST_TOKENS);
  #lifetimeMs;
  #now;
  #write;

  /**
   * @param {object} parts
   * @param {number} parts.lifetimeMs
   * @param {() => number} parts.now
   * @param {(token: Unwritten) => string} parts.write
   */
  constructor({ lifetimeMs, now, write }) {
    this.#lifetimeMs = lifetimeMs;
    this.#now = now;
    this.#write = write;
  }

  /**
   * A new grant's first access token.
   * @param {Grant} grant
   */
  grant(grant) {
    return this.#issue({ grant, revoked: false }, grant.scopes);
  }

  /**
   * A newer access token for whoever holds this one.
   * @param {AccessToken} token
   */
  extend(token) {
    return this.#issue(token.family, token.scopes);
  }

  /**
   * A refresh token for the grant that this access token belongs to.
   *
   * 32 hexadecimal digits, as Fluz prints them.
   * @param {AccessToken} token
   */
  refreshTokenFor(token) {
    const value = randomBytes(16).toString("hex");
    this.#refresh.set(value, { family: token.family, spent: false });
    return value;
  }

  /**
   * A new access token for a refresh token, or `undefined` if the refresh token does not count.
   *
   * A single-use refresh token that comes a second time was copied by somebody: the grant's whole family of tokens is
   * revoked, since nobody can tell which of the two presenters is the thief (RFC 9700, section 4.14.2).
   * @param {string} value
   * @param {RefreshPolicy} policy
   * @param {(scopes: readonly string[]) => readonly string[]} narrow
   */
  redeem(value, policy, narrow) {
    const found = this.#refresh.get(value);
    if (!found || found.family.revoked) return undefined;
    if (found.spent) {
      found.family.revoked = true;
      return undefined;
    }
    found.spent = policy === "single-use";
    return this.#issue(found.family, narrow(found.family.grant.scopes));
  }

  /**
   * Whether a single-use refresh token of this value was presented before.
   * @param {string} value
   */
  isSpent(value) {
    return this.#refresh.get(value)?.spent === true;
  }

  /**
   * The access token of this value, if it counts now.
   * @param {string} value
   */
  find(value) {
    const token = this.#access.get(value);
    return token && !token.family.revoked && this.#now() < token.expiresAt ? token : undefined;
  }

  /**
   * Forgets the access or refresh token of this value; says how many that were.
   * @param {string} value
   */
  revoke(value) {
    return Number(this.#access.delete(value)) + Number(this.#refresh.delete(value));
  }

  /** Forgets every token; says how many that were, expired ones included. */
  revokeAll() {
    const count = this.#access.size + this.#refresh.size;
    this.#access.clear();
    this.#refresh.clear();
    return count;
  }

  /**
   * @param {Family} family
   * @param {readonly string[]} scopes
   */
  #issue(family, scopes) {
    const issuedAt = this.#now();
    const lifetimeMs = this.#lifetimeMs;
    const { subject } = family.grant;
    const unwritten = { subject, scopes, issuedAt, expiresAt: issuedAt + lifetimeMs, lifetimeMs };
    const token = Object.freeze({ ...unwritten, value: this.#write(unwritten), family });
    this.#access.set(token.value, token);
    return token;
  }
}

/**
 * The claims `iat` and `exp` (RFC 7519, NumericDate: seconds since the epoch).
 *
 * Whole seconds where the lifetime is a multiple of one second, as libraries write them; rounded down, so the claim
 * never promises more than the server keeps. Fractions otherwise, or a token of 50 ms could not be described.
 * @param {Unwritten} token
 */
export function numericDates({ issuedAt, lifetimeMs }) {
  const iat = lifetimeMs % 1_000 === 0 ? Math.floor(issuedAt / 1_000) : issuedAt / 1_000;
  const exp = lifetimeMs % 1_000 === 0 ? iat + lifetimeMs / 1_000 : (issuedAt + lifetimeMs) / 1_000;
  return { iat, exp };
}

/**
 * A JSON Web Token signed with HS256 (RFC 7519, RFC 7515).
 * @param {Record<string, unknown>} claims
 * @param {Buffer} key
 */
export function signJwt(claims, key) {
  const signed = `${base64UrlJson({ alg: "HS256", typ: "JWT" })}.${base64UrlJson(claims)}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

/** @param {unknown} value */
function base64UrlJson(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
