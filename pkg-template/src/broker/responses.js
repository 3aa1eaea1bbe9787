// The broker's responses (RFC 6749 sections 5.1 and 5.2). They never contain the message of an error, which is for the
// operator of the broker.

import { OAuthError, TEMPORARILY_UNAVAILABLE, retryAfter } from "./oauth-error.js";

/** @import { AccessToken } from "../../index.js" */

/** Headers of every response. A token must not be cached or sniffed as another type. */
const HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  pragma: "no-cache",
  "x-content-type-options": "nosniff",
};

/**
 * Returns the response with a token. Throws if its `expires_in`, rounded down, would be 0.
 *
 * @param {AccessToken} token
 * @param {number} remainingMs
 * @param {Record<string, string>} headers
 */
export function granted(token, remainingMs, headers) {
  const expires_in = Math.floor(remainingMs / 1000);
  if (expires_in < 1)
    throw new OAuthError(503, TEMPORARILY_UNAVAILABLE, "the token is about to expire", retryAfter(1_000));
  const { value: access_token, tokenType, scopes } = token;
  const scope = scopes.length > 0 ? { scope: scopes.join(" ") } : {};
  // RFC 6749 section 5.1 requires a type, and pages present the token as they are told to.
  const token_type = tokenType === "" ? "Bearer" : tokenType;
  return answer(200, { access_token, token_type, expires_in, ...scope }, headers);
}

/**
 * Returns the response for a rejected request.
 *
 * @param {OAuthError} oauthError
 * @param {Record<string, string>} headers
 */
export function errorResponse({ status, error, description, headers: own }, headers) {
  return answer(status, { error, error_description: description }, { ...headers, ...own });
}

/** @param {number} status @param {object} body @param {Record<string, string>} headers */
function answer(status, body, headers) {
  return new Response(JSON.stringify(body), { status, headers: { ...HEADERS, ...headers } });
}

/**
 * Returns the response for an error of the manager.
 *
 * @param {any} error
 */
export function failed(error) {
  if (error?.code === "insufficient_scope") {
    return new OAuthError(400, "invalid_scope", "these scopes were not granted");
  }
  // A closed manager belongs to a server that is shutting down, and its replacement can serve the retry.
  if (error?.retryable === true || error?.code === "closed") {
    const waits = error.retryAfterMs === undefined ? {} : retryAfter(error.retryAfterMs);
    return new OAuthError(
      503,
      TEMPORARILY_UNAVAILABLE,
      "there is no token right now; try again later",
      waits,
    );
  }
  return new OAuthError(
    500,
    "server_error",
    "the broker cannot get a token; the reason is reported to its operator",
  );
}
