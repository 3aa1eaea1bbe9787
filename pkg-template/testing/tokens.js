/**
 * The access and refresh tokens that a provider's sandbox has issued, and their validity.
 *
 * The provider defines the format of tokens by its `write` function.
 *
 * @module
 */

import { BoundedMap } from "./bounded-map.js";
import { base64Url, randomHex } from "./portable.js";

/**
 * The subject of a grant, and its scopes.
 * @typedef {object} Grant
 * @property {string} subject
 * @property {readonly string[]} scopes
 */

/**
 * All tokens that descend from one grant, by refresh or rotation.
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
 * @property {number} expiresAt Milliseconds since the Unix epoch, exclusive.
 * @property {number} lifetimeMs
 * @property {Family} family
 */

/** @typedef {Omit<AccessToken, "value" | "family">} Unwritten */

/** @typedef {"single-use" | "reusable"} RefreshPolicy */

/**
 * Maximum number of tokens of each kind.
 *
 * More than any test needs. A sandbox that runs for days under load removes its oldest tokens, and then rejects them.
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
   * Issues the first access token of a new grant.
   * @param {Grant} grant
   */
  grant(grant) {
    return this.#issue({ grant, revoked: false }, grant.scopes);
  }

  /**
   * Issues a newer access token with the subject and scopes of the given one.
   * @param {AccessToken} token
   */
  extend(token) {
    return this.#issue(token.family, token.scopes);
  }

  /**
   * Issues a refresh token for the grant of this access token.
   *
   * 32 hexadecimal digits, as in Fluz's documentation.
   * @param {AccessToken} token
   */
  refreshTokenFor(token) {
    const value = randomHex(16);
    this.#refresh.set(value, { family: token.family, spent: false });
    return value;
  }

  /**
   * Issues an access token for a refresh token, or returns `undefined` if the refresh token is invalid.
   *
   * If a single-use refresh token is presented a second time, it was copied, and it is unknown which of the two
   * clients is legitimate. All tokens of the grant are therefore revoked (RFC 9700, section 4.14.2).
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
   * Returns whether a single-use refresh token with this value was already presented.
   * @param {string} value
   */
  isSpent(value) {
    return this.#refresh.get(value)?.spent === true;
  }

  /**
   * Returns the access token with this value, if it is valid.
   * @param {string} value
   */
  find(value) {
    const token = this.#access.get(value);
    return token && !token.family.revoked && this.#now() < token.expiresAt ? token : undefined;
  }

  /**
   * Removes the access or refresh token with this value, and returns the number of tokens removed.
   * @param {string} value
   */
  revoke(value) {
    return Number(this.#access.delete(value)) + Number(this.#refresh.delete(value));
  }

  /** Removes all tokens, and returns their number, including expired ones. */
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
 * Returns the claims `iat` and `exp` (RFC 7519, NumericDate: seconds since the epoch).
 *
 * If the lifetime is a multiple of a second, they are integers, as libraries write them, rounded down, so that the
 * claim never exceeds the actual expiry. Otherwise they have fractions, which a token of 50 ms requires.
 * @param {Unwritten} token
 */
export function numericDates({ issuedAt, lifetimeMs }) {
  const iat = lifetimeMs % 1_000 === 0 ? Math.floor(issuedAt / 1_000) : issuedAt / 1_000;
  const exp = lifetimeMs % 1_000 === 0 ? iat + lifetimeMs / 1_000 : (issuedAt + lifetimeMs) / 1_000;
  return { iat, exp };
}

/**
 * Returns a JSON Web Token with the header of HS256 (RFC 7519, RFC 7515).
 *
 * The sandbox identifies a token by its value, and its key would not leave it, so no one can verify the signature: random
 * digits stand for it, because HMAC is not available synchronously in a page.
 *
 * @param {Record<string, unknown>} claims
 */
export function signJwt(claims) {
  const [header, payload] = [{ alg: "HS256", typ: "JWT" }, claims].map((it) => base64Url(JSON.stringify(it)));
  return `${header}.${payload}.${base64Url(randomHex(16))}`;
}
