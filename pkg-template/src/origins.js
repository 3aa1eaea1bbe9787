// The origins to which the token may be sent.

import { resolveAddress } from "./addresses.js";
import { TokenError } from "./token-error.js";

/** @typedef {import("./session-handle.js").SessionHandle} SessionHandle */

/**
 * Returns whether the token may be sent to an origin.
 *
 * @param {SessionHandle} handle
 * @param {string} origin
 */
export function isAllowedOrigin({ api }, origin) {
  return origin !== "" && api.origins.includes(origin);
}

/**
 * @param {SessionHandle} handle
 * @param {string} origin
 */
export function originError({ api }, origin) {
  if (origin === "") {
    return new TokenError(
      "invalid_options",
      "tokens.fetch was called with an address that is not an absolute http: or https: URL; give it in full",
    );
  }
  return new TokenError(
    "invalid_options",
    `tokens.fetch sends the token to ${api.origins.join(", ")} alone, and was asked to send it to ${origin}; ` +
      "add that to the option `origins` if it may have the token",
  );
}

/**
 * Returns whether a URL contains a user name or a password.
 *
 * @param {string} url as serialized by the `URL` class
 */
export function hasUserInfo(url) {
  return /^https?:\/\/[^/?#]*@/.test(url);
}

/** The message does not repeat the address, because it contains a secret. */
export function userInfoError() {
  return new TokenError(
    "invalid_options",
    "tokens.fetch was called with an address that holds a user name or a password; leave them out, since the token is " +
      "sent in the same header",
  );
}

/**
 * Returns whether `fetch` itself followed a redirect to another origin, on which it removed the token.
 *
 * @param {Response} response
 * @param {string} origin that the request was sent to
 */
export function isCrossOriginRedirect(response, origin) {
  return response.redirected === true && resolveAddress(response.url, undefined).origin !== origin;
}
