// Where the token may be sent.

import { TokenError } from "./token-error.js";

/** @typedef {import("./desk.js").Desk} Desk */

/**
 * Whether the token may be sent to an address. The last one is remembered: most callers ask one endpoint.
 *
 * @param {Desk} desk
 * @param {string} url
 */
export function isAccepted(desk, url) {
  if (url === desk.office.acceptedUrl) return true;
  if (!desk.traits.origins.includes(originOf(url))) return false;
  desk.office.acceptedUrl = url;
  return true;
}

/** @param {string} url @returns {string} empty where it is none */
function originOf(url) {
  try {
    return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).origin;
  } catch {
    return "";
  }
}

/**
 * @param {Desk} desk
 * @param {string} url
 */
export function foreign(desk, url) {
  const origin = originOf(url);
  if (origin === "") {
    return new TokenError(
      "invalid_options",
      "tokens.fetch was called with an address that is no absolute URL; give it in full",
    );
  }
  return new TokenError(
    "invalid_options",
    `tokens.fetch sends the token to ${desk.traits.origins.join(", ")} alone, and was asked to send it to ${origin}; ` +
      "add that to the option `origins` if it may have the token",
  );
}

/**
 * Whether an answer comes from where the token may not be sent.
 *
 * @param {Desk} desk
 * @param {Response} response
 */
export function isElsewhere(desk, response) {
  return response.redirected && !isAccepted(desk, response.url);
}
