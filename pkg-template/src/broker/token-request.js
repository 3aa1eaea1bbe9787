// Parses the request of a page: a form (RFC 6749 appendix B) of limited size.

import { OAuthError, malformed } from "./oauth-error.js";

/** @import { BrokerSelector } from "../../broker.js" */

/** The longest body in bytes. The scopes of both providers together have 1,500. */
const MAX_BODY_BYTES = 8 * 1024;

const FORM = "application/x-www-form-urlencoded";

/** Parameters that OAuth clients send and that have no effect here. */
const OF_OAUTH = ["grant_type", "client_id", "client_secret"];

/** SHA-256 in base64url. */
const DIGEST = /^[\w-]{43}$/;

/** A list of scopes (RFC 6749 section 3.3) of any length. Several spaces between scopes are accepted. */
const SCOPES = /^[\x21\x23-\x5b\x5d-\x7e]+( +[\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** The parsed request of a page. */
export class TokenRequest {
  /** @type {string[] | undefined} */
  scopes;
  /** The digest of a token that the API rejected. @type {string | undefined} */
  refused;
  /** All other parameters. Ignoring one could return a token of another identity. @type {Record<string, string>} */
  fields = {};

  /** @returns {BrokerSelector} */
  selector() {
    return { ...this.fields, ...(this.scopes && { scopes: [...this.scopes] }) };
  }
}

/**
 * Reads and parses the body of a request.
 *
 * @param {Request} request
 * @returns {Promise<TokenRequest>}
 */
export async function read(request) {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== FORM) throw new OAuthError(415, "invalid_request", `the body must be ${FORM}`);
  if (request.bodyUsed) {
    throw new TypeError("the body of the request was read before the broker got it; hand it over unread");
  }
  return parsed(await bodyOf(request));
}

/** @param {string} body */
function parsed(body) {
  const tokenRequest = new TokenRequest();
  const seen = new Set();
  for (const [key, value] of new URLSearchParams(body)) {
    // RFC 6749 section 3.2: a parameter must not be repeated, and one without a value counts as omitted.
    if (seen.has(key)) throw malformed("a parameter is given twice");
    seen.add(key);
    if (value === "") continue;
    if (key === "scope") tokenRequest.scopes = scopes(value);
    else if (key === "refused") tokenRequest.refused = digest(value);
    else if (key === "grant_type" && value !== "client_credentials") {
      throw new OAuthError(400, "unsupported_grant_type", "leave grant_type out");
    } else if (!OF_OAUTH.includes(key)) {
      // Not by assignment, because a page may name a parameter `__proto__`.
      Object.defineProperty(tokenRequest.fields, key, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
  }
  return tokenRequest;
}

/** @param {string} text */
function scopes(text) {
  if (!SCOPES.test(text)) throw malformed("scope is no list of scopes with spaces between them");
  return [...new Set(text.split(/ +/))];
}

/** @param {string} text */
function digest(text) {
  if (!DIGEST.test(text)) throw malformed("refused is not a SHA-256 digest in base64url");
  return text;
}

/** @param {Request} request */
async function bodyOf(request) {
  if (Number(request.headers.get("content-length")) > MAX_BODY_BYTES) throw bodyTooLong();
  /** @type {Uint8Array[]} */
  const chunks = [];
  let length = 0;
  try {
    for (const reader = request.body?.getReader(); reader;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > MAX_BODY_BYTES) {
        reader.cancel().catch(() => {});
        throw bodyTooLong();
      }
      chunks.push(value);
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    // The body was truncated or is not UTF-8.
    throw error instanceof OAuthError ? error : malformed("the body cannot be read");
  }
}

const bodyTooLong = () =>
  new OAuthError(413, "invalid_request", `the body must not be longer than ${MAX_BODY_BYTES} bytes`);
