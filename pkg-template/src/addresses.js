// The addresses of requests and responses.

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
