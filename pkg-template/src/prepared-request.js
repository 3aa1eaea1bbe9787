// A snapshot of a request, which may be sent more than once.
//
// Everything that decides where a request goes and what it carries is read once, when
// `fetch` is called. The objects of the caller are not passed on: they may change while
// the token is awaited, and `fetch` would then send something else than was checked.

import { addressOf } from "./origins.js";
import { handled } from "../stores/foreign-promise.js";

/**
 * A request as it was when `fetch` was called.
 *
 * @typedef {object} Prepared
 * @property {string} url absolute, where the address has a meaning
 * @property {string} origin of `url`; empty where that is not absolute
 * @property {Request | undefined} request a copy of the caller's `Request`; `init` holds what it does not take
 * @property {Record<string, any>} init
 * @property {Headers | Record<string, string>} headers of `request` or `init`
 * @property {AbortSignal | undefined} signal
 * @property {"ours" | "callers"} authorization whose `Authorization` it is sent with
 * @property {"again" | "once"} repeat how often it can be sent
 * @property {boolean} follows whether redirects are followed here and not by `fetch`
 * @property {Promise<any> | undefined} reading of the body of a `Request` of another implementation
 */

/**
 * Takes a snapshot of a request.
 *
 * @param {any} input
 * @param {any} init
 * @returns {Prepared}
 */
export function prepare(input, init) {
  if (isObject(init) && isRequest(init)) {
    const target = isObject(input) && isRequest(input) ? input : addressOf(`${input}`).url;
    return prepareRequest(new Request(target, init), {});
  }
  const members = membersOf(init);
  if (!isObject(input)) return prepareUrl(`${input}`, members);
  if (isRequest(input)) return prepareRequest(copiedRequest(input, members), members);
  const url = /** @type {any} */ (input).url;
  return typeof url === "string" ? prepareForeign(url, input, members) : prepareUrl(`${input}`, members);
}

/**
 * A copy of a `Request` by the platform's own means, whatever its class or its own properties are.
 *
 * @param {Request} request
 * @param {Record<string, any>} members that override its own
 */
function copiedRequest(request, members) {
  // Costs half of what a new one does.
  if (!REQUEST_MEMBERS.some((name) => name in members)) return Request.prototype.clone.call(request);
  if (members.headers !== undefined) members.headers = copiedHeaders(members.headers);
  return new Request(request, members);
}

/**
 * @param {Request} request a copy that nothing else refers to
 * @param {Record<string, any>} members of the `init` that it was made with
 * @returns {Prepared}
 */
function prepareRequest(request, members) {
  const { headers, signal, redirect } = request;
  for (const name of REQUEST_MEMBERS) delete members[name];
  return snapshot(addressOf(request.url), request, members, headers, signal, redirect, "again");
}

/**
 * @param {string} text
 * @param {Record<string, any>} members
 * @returns {Prepared}
 */
function prepareUrl(text, members) {
  const address = addressOf(text);
  const { method, redirect, signal } = members;
  const headers = copiedHeaders(members.headers);
  const body = members.body ?? undefined;
  const copy = copiedBody(body);
  if (body !== undefined) members.body = copy ?? body;
  if (method !== undefined) members.method = `${method}`;
  if (redirect !== undefined) members.redirect = `${redirect}`;
  members.headers = headers;
  const repeat = body === undefined || copy !== undefined ? "again" : "once";
  return snapshot(address, undefined, members, headers, signal ?? undefined, members.redirect, repeat);
}

/**
 * Reads a `Request` of another implementation, such as that of node-fetch or of the npm package undici, by its public
 * members. Its body is read to the end, so that it can be sent again.
 *
 * @param {string} url
 * @param {any} foreign
 * @param {Record<string, any>} members that override its own
 * @returns {Prepared}
 */
function prepareForeign(url, foreign, members) {
  const { method, headers, signal, redirect, credentials, agent } = foreign;
  /** @type {Record<string, any>} */
  const all = { method, headers, signal, redirect, credentials, agent };
  for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
  Object.assign(all, members);
  if (all.body !== undefined || isRead(all.method)) return prepareUrl(url, all);
  if (typeof foreign.arrayBuffer !== "function") return prepareUrl(url, { ...all, body: foreign.body });
  const reading = new Promise((resolve) => resolve(handled(foreign.arrayBuffer())));
  // Reported to the caller when it is awaited, which may be never.
  reading.catch(() => {});
  return { ...prepareUrl(url, all), reading };
}

/**
 * @param {{ url: string, origin: string }} address
 * @param {Request | undefined} request
 * @param {Record<string, any>} init
 * @param {Headers | Record<string, string>} headers
 * @param {AbortSignal | undefined} signal
 * @param {string | undefined} redirect
 * @param {"again" | "once"} repeat
 * @returns {Prepared}
 */
function snapshot({ url, origin }, request, init, headers, signal, redirect, repeat) {
  const authorization = setsAuthorization(headers) ? "callers" : "ours";
  const follows =
    authorization === "ours" && (redirect === undefined || redirect === "follow") && canFollow();
  if (follows) init.redirect = "manual";
  return { url, origin, request, init, headers, signal, authorization, repeat, follows, reading: undefined };
}

/** @type {boolean | undefined} */
let showsRedirects;

/**
 * Whether `fetch` here gives a redirect as it is, so that it can be followed with the token where that may go. Browsers
 * hide it, and follow by themselves.
 */
function canFollow() {
  if (showsRedirects === undefined) {
    const { navigator, process } = /** @type {any} */ (globalThis);
    const isBrowser = /^Mozilla\//.test(navigator?.userAgent ?? "");
    // jsdom calls itself a browser, and is in Node; pages of Electron may have Node's globals.
    const isNode = process?.versions?.node !== undefined && !/^(?:renderer|worker)$/.test(process.type ?? "");
    showsRedirects = isNode || !isBrowser;
  }
  return showsRedirects;
}

/**
 * Returns what to call `fetch` with. Can be called as often as the request can be sent.
 *
 * @param {Prepared} prepared
 * @param {string | undefined} [authorization] to send it with; else it has the caller's, or none
 * @returns {[input: any, init?: any]}
 */
export function sendable({ url, request, init, headers, authorization: whose }, authorization) {
  if (whose === "ours") setAuthorization(headers, authorization);
  if (request === undefined) return [url, init];
  const input = hasBody(request) ? request.clone() : request;
  // Any member, even a useless one, makes `fetch` forget the referrer of a Request.
  return Object.keys(init).length > 0 ? [input, init] : [input];
}

/**
 * Whether a request has a body. Older engines do not show that of a `Request`.
 *
 * @param {Request} request
 */
function hasBody({ body, method }) {
  return body === undefined ? !isRead(method) : body !== null;
}

/** Whether requests of a method have no body. @param {string | undefined} method */
function isRead(method) {
  return method === undefined || /^(?:GET|HEAD)$/i.test(method);
}

/**
 * The request to send where one was redirected, by the rules of the Fetch standard.
 *
 * @param {Prepared} prepared
 * @param {{ url: string, origin: string }} target
 * @param {number} status of the redirect
 * @returns {Promise<Prepared>}
 */
export async function redirected(prepared, { url, origin }, status) {
  if (prepared.repeat === "once" && status !== 303) throw unrepeatable();
  const { request, init } = prepared;
  const headers = new Headers(prepared.headers);
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
  if (request) next.signal = request.signal;
  if (origin !== prepared.origin) for (const name of ORIGIN_HEADERS) headers.delete(name);
  return { ...prepared, url, origin, request: undefined, init: next, headers };
}

/** Headers that describe a body. */
const BODY_HEADERS = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
];

/** Headers that are meant for one origin. */
const ORIGIN_HEADERS = ["authorization", "cookie", "host", "proxy-authorization"];

function unrepeatable() {
  return new TypeError(
    "the request was redirected, and its body is a stream, which cannot be sent again; send to the final address",
  );
}

/** Members of `init` that a `Request` takes. */
const REQUEST_MEMBERS = [
  "method",
  "headers",
  "body",
  "referrer",
  "referrerPolicy",
  "mode",
  "credentials",
  "cache",
  "redirect",
  "integrity",
  "keepalive",
  "signal",
  "duplex",
  "priority",
  "window",
];

/**
 * The members of an `init`, each read once; also those that an instance of a class inherits, which `fetch` reads as well.
 *
 * @param {any} init
 * @returns {Record<string, any>}
 */
function membersOf(init) {
  const members = { ...init };
  if (!isObject(init)) return members;
  if (isPlain(init)) return members;
  for (const name of REQUEST_MEMBERS) {
    const value = Object.hasOwn(members, name) ? undefined : init[name];
    if (value !== undefined) members[name] = value;
  }
  return members;
}

/** @param {any} value @returns {value is any} */
function isObject(value) {
  return typeof value === "object" && value !== null;
}

/** @param {object} value */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** @type {typeof globalThis.Request | undefined} */
let known;
/** The platform's getter, which accepts only what has a request inside. @type {(() => string) | undefined} */
let urlGetter;

/**
 * Whether `fetch` itself takes a value for a `Request`, whatever the value claims.
 *
 * @param {object} value
 */
function isRequest(value) {
  const { Request } = globalThis;
  // Asking the getter in vain costs more than all else: it throws.
  if (typeof Request !== "function" || isPlain(value) || value instanceof URL) return false;
  if (Request !== known) {
    known = Request;
    urlGetter = Object.getOwnPropertyDescriptor(Request.prototype, "url")?.get;
  }
  // A polyfill, as React Native has one, has no getter.
  if (urlGetter === undefined) return value instanceof Request;
  try {
    return typeof urlGetter.call(value) === "string";
  } catch {
    return false;
  }
}

/**
 * A copy of headers, in the form that costs least: most callers give a plain object.
 *
 * @param {any} headers
 * @returns {Headers | Record<string, string>}
 */
function copiedHeaders(headers) {
  if (headers === undefined || headers === null) return {};
  if (Object.getPrototypeOf(headers) !== Object.prototype) return new Headers(headers);
  /** @type {Record<string, any>} */
  const copy = { ...headers };
  for (const name of Object.keys(copy)) {
    const value = copy[name];
    if (typeof value === "string") continue;
    // An Authorization without a value was not meant to be sent.
    if ((value === undefined || value === null) && isAuthorization(name)) delete copy[name];
    else copy[name] = `${value}`;
  }
  return copy;
}

/**
 * A plain copy has strings alone.
 *
 * @param {Headers | Record<string, string>} headers
 * @returns {headers is Headers}
 */
function isHeaders(headers) {
  return typeof headers.set === "function";
}

/** @param {string} name */
function isAuthorization(name) {
  return name.length === 13 && name.toLowerCase() === "authorization";
}

/**
 * Whether the caller has set `Authorization`.
 *
 * @param {Headers | Record<string, string>} headers
 */
function setsAuthorization(headers) {
  return isHeaders(headers) ? headers.has("authorization") : Object.keys(headers).some(isAuthorization);
}

/**
 * Sets the header that carries the token, or removes it.
 *
 * @param {Headers | Record<string, string>} headers
 * @param {string | undefined} value
 */
function setAuthorization(headers, value) {
  if (isHeaders(headers)) {
    if (value === undefined) headers.delete("authorization");
    else headers.set("authorization", value);
  } else if (value === undefined) {
    delete headers.authorization;
  } else {
    headers.authorization = value;
  }
}

/**
 * A copy of a body, as `fetch` takes one when it is called; `undefined` of a stream, which is sent once.
 *
 * @param {any} body
 * @returns {any}
 */
function copiedBody(body) {
  if (!isObject(body)) return body;
  if (ArrayBuffer.isView(body)) {
    // Of a shared buffer as well: `fetch` takes none, and another thread may write to it.
    return new Uint8Array(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  }
  const kind = Object.prototype.toString.call(body);
  if (kind === "[object ArrayBuffer]" || kind === "[object SharedArrayBuffer]") {
    return new Uint8Array(new Uint8Array(/** @type {any} */ (body)));
  }
  if (STREAM_MEMBERS.some((name) => name in body)) return undefined;
  if (kind === "[object URLSearchParams]") return new URLSearchParams(/** @type {any} */ (body));
  // That of another implementation may hold files which the platform's does not take.
  if (typeof FormData === "function" && body instanceof FormData) return copiedForm(body);
  const isBytes =
    typeof (/** @type {any} */ (body).arrayBuffer) === "function" || kind === "[object FormData]";
  // A plain object has no text of its own; a `fetch` given as option may know what to make of it.
  const hasText = typeof body.toString === "function" && body.toString !== Object.prototype.toString;
  return hasText && !isBytes ? `${body}` : body;
}

const STREAM_MEMBERS = ["getReader", "pipe", "next", Symbol.asyncIterator];

/** @param {FormData} form */
function copiedForm(form) {
  const copy = new FormData();
  for (const [name, value] of form) copy.append(name, /** @type {any} */ (value));
  return copy;
}
