// The arguments of `fetch` for a request of which a snapshot was taken, and for the requests that follow redirects.

import { isHeaders, isRead } from "./request-snapshot.js";

/** @typedef {import("./request-snapshot.js").RequestSnapshot} RequestSnapshot */

/**
 * Returns the arguments for `fetch`. Called once for each time that the request is sent.
 *
 * @param {RequestSnapshot} snapshot
 * @param {string | undefined} [value] of the header with the token; without it, the caller's header or none is sent
 * @returns {[input: any, init?: any]}
 */
export function fetchArguments({ url, request, init, headers, tokenHeader, takesToken }, value) {
  if (takesToken) {
    if (isHeaders(headers)) setHeader(headers, tokenHeader, value);
    // The token comes first: a header that is added to the copy takes 0.3 µs more.
    else init.headers = value === undefined ? headers : { [tokenHeader]: value, ...headers };
  }
  if (request === undefined) return [url, init];
  const input = hasBody(request) ? request.clone() : request;
  // Any member of `init`, even one without effect, resets the referrer of a Request.
  return Object.keys(init).length > 0 ? [input, init] : [input];
}

/**
 * Returns whether a request has a body. Older engines do not expose the `body` of a `Request`.
 *
 * @param {Request} request
 */
function hasBody({ body, method }) {
  return body === undefined ? !isRead(method) : body !== null;
}

/**
 * Returns the request that follows a redirect, by the rules of the Fetch standard.
 *
 * @param {RequestSnapshot} snapshot
 * @param {{ url: string, origin: string }} target
 * @param {number} status of the redirect
 * @returns {Promise<RequestSnapshot>}
 */
export async function redirected(snapshot, { url, origin }, status) {
  if (!snapshot.isReplayable && status !== 303) throw notReplayableError();
  const { request, init } = snapshot;
  const headers = new Headers(snapshot.headers);
  /** @type {Record<string, any>} */
  const next = { ...init, method: request?.method ?? init.method, headers };
  if (status === 303 ? !isRead(next.method) : status < 303 && /^POST$/i.test(next.method)) {
    next.method = "GET";
    delete next.body;
    delete next.duplex;
    for (const name of BODY_HEADERS) headers.delete(name);
  } else if (request && hasBody(request)) {
    next.body = await request.clone().arrayBuffer();
  }
  if (request) next.signal = snapshot.signal;
  if (origin !== snapshot.origin) for (const name of ORIGIN_HEADERS) headers.delete(name);
  return { ...snapshot, url, origin, request: undefined, init: next, headers };
}

/** Headers that describe a body. */
const BODY_HEADERS = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
];

/** Headers that must not be sent to another origin. */
const ORIGIN_HEADERS = ["authorization", "cookie", "host", "proxy-authorization"];

function notReplayableError() {
  return new TypeError(
    "the request was redirected, and its body is a stream, which cannot be sent again; send to the final address",
  );
}

/**
 * Sets or removes a header.
 *
 * @param {Headers} headers
 * @param {string} name
 * @param {string | undefined} value
 */
function setHeader(headers, name, value) {
  if (value === undefined) headers.delete(name);
  else headers.set(name, value);
}
