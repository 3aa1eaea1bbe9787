// The origins to which the token may be sent.

import { TokenError } from "./token-error.js";

/** @typedef {import("./session-handle.js").SessionHandle} SessionHandle */
/**
 * An absolute URL and its origin, which is empty if it is not an http: or https: URL.
 *
 * @typedef {{ url: string, origin: string }} Address
 */

/** The last resolved address, cached because most callers use one endpoint. */
let last = {
  text: "",
  base: /** @type {string | undefined} */ (undefined),
  address: { url: "", origin: "" },
};

/**
 * Resolves an address as `fetch` does when it is called.
 *
 * @param {string} text
 * @returns {Address}
 */
export function addressOf(text) {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  if (text !== last.text || base !== last.base) last = { text, base, address: resolveAddress(text, base) };
  return last.address;
}

/**
 * @param {string} text
 * @param {string | undefined} base
 * @returns {Address}
 */
export function resolveAddress(text, base) {
  try {
    const { href, origin, protocol } = new URL(text, base);
    // The origin of a `blob:` URL is its creator's, not the target of the request.
    return { url: href, origin: /^https?:$/.test(protocol) ? origin : "" };
  } catch {
    return { url: text, origin: "" };
  }
}

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
 * Returns whether an origin is that of the API's endpoint. Only its response headers may replace the token.
 *
 * @param {SessionHandle} handle
 * @param {string} origin
 */
export function isEndpointOrigin({ api }, origin) {
  return origin !== "" && resolveAddress(api.endpoint, undefined).origin === origin;
}

/**
 * Returns whether a user-supplied response may replace the token: its URL has the endpoint's origin, or it has no URL.
 *
 * @param {SessionHandle} handle
 * @param {any} response
 */
export function mayReplaceToken(handle, response) {
  try {
    const { url } = response;
    return (
      !url || handle.api === undefined || isEndpointOrigin(handle, resolveAddress(`${url}`, undefined).origin)
    );
  } catch {
    return false;
  }
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
