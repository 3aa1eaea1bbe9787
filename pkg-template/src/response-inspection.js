// Inspects responses and leaves their bodies unread for the caller.
//
// This file decides which responses are inspected, and how much of them is read. The core recognizes rejections.

import { readUpTo, readerOf } from "./body-reading.js";
import { bufferBody, canBuffer, concat, readInto } from "./buffered-response.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { hasProblem, outlined, parsed } from "./response-outline.js";
import { isFailure, matchedRules } from "./rule-functions.js";
import { MAX_JSON_BYTES } from "./tables.js";
import { handled } from "../stores/foreign-promise.js";

/** @typedef {import("./session-handle.js").SessionHandle} SessionHandle */

/**
 * Whether the API accepted the token, rejected it, or rejected it after a part of the operation was executed.
 *
 * @typedef {"accepted" | "rejected" | "partially_rejected"} AuthStatus
 */

/**
 * The result of an inspection.
 *
 * @typedef {object} Inspection
 * @property {string | undefined} text the body, if it was read
 * @property {AuthStatus} authStatus "accepted" also if the response was not inspected
 * @property {Response} [response] the response for the caller, if the original was consumed
 */

/**
 * Inspects a response. The caller can still read its body.
 *
 * @param {SessionHandle} handle
 * @param {Response} response
 * @param {boolean} hadToken whether its request had the token; a response to any other is not inspected
 * @returns {Promise<Inspection> | Inspection}
 */
export function inspectResponse(handle, response, hadToken) {
  if (!hadToken) return NOT_INSPECTED;
  const { rejectionStatuses, rejectsInBody, sessionPaths } = handle.api;
  const mayShowSession = sessionPaths.length > 0 && hasNewToken(handle, response);
  if (!rejectionStatuses.includes(response.status) && !rejectsInBody && !mayShowSession) return NOT_INSPECTED;
  return inspectBody(handle, response);
}

/**
 * @param {SessionHandle} handle
 * @param {Response} response
 * @returns {Promise<Inspection>}
 */
async function inspectBody(handle, response) {
  const { headers } = response;
  if (!JSON_TYPE.test(headers.get("content-type") ?? "")) {
    return { text: undefined, authStatus: authStatusOf(handle, response, undefined) };
  }
  if (canRebuild(response) && !(Number(headers.get("content-length")) > MAX_JSON_BYTES)) {
    const { text, response: same } = await rebuilt(response);
    return { text, authStatus: authStatusOf(handle, response, text), response: same };
  }
  const text = await copied(response);
  return { text, authStatus: authStatusOf(handle, response, text) };
}

/**
 * Returns whether the result of a user-supplied `fetch` is a response.
 *
 * @param {any} response
 */
export function isResponse(response) {
  return typeof response?.headers?.get === "function";
}

/** @type {Inspection} */
const NOT_INSPECTED = { text: undefined, authStatus: "accepted" };

/** The types of the bodies that are read. Multipart, event streams, downloads and untyped bodies may never end. */
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * Returns the core's judgement of a response with this body.
 *
 * @param {SessionHandle} handle
 * @param {Response} response
 * @param {string | undefined} text
 * @returns {AuthStatus}
 */
export function authStatusOf(handle, response, text) {
  const { status } = response;
  const { rejectionStatuses, rejectsInBody, rejectionValues, rules } = handle.api;
  const isListed = rejectionStatuses.includes(status);
  const mayContain = rejectsInBody && mayContainErrors(text);
  const isCalled =
    rules.refused && ((rules.refused.every && text !== undefined) || isFailure(status) || mayContain);
  if (!isListed && !mayContain && rejectionValues.length === 0 && !isCalled) return "accepted";
  /** @type {any} */
  let body;
  const parse = () => (body ??= parsed(text));
  const matched = isCalled ? matchedRules(handle, ["refused"], response, parse(), false) : 0;
  // Passing a response to the core takes longer than all of the above, so it receives only those that may be a rejection.
  if (!isListed && matched === 0 && !hasProblem(parse(), rejectionValues)) return "accepted";
  const paths = rejectionValues.map(([path]) => path);
  const outline = text && outlined(text, parse, paths);
  return handle.withCore((core) => core.checkRejection(status, outline, matched)) ?? "accepted";
}

/**
 * Returns whether a header of a response may contain a newer token.
 *
 * @param {SessionHandle} handle
 * @param {Response} response
 */
export function hasNewToken({ api: { rotationHeaders } }, { headers }) {
  return rotationHeaders.some((name) => headers.get(name) !== null);
}

/**
 * Adopts the newer token of a response, if it is one of the same session, and returns the core's judgement of the token that
 * was sent: the response rejects it if it shows that the session has ended.
 *
 * @param {SessionHandle} handle
 * @param {Response} response
 * @param {string | undefined} text of its body, if it was read
 * @param {import("./access-token.js").AccessToken} token that was sent
 * @param {boolean} isLent whether another session lent it
 * @returns {AuthStatus}
 */
export function adopted(handle, response, text, token, isLent) {
  const { sessionPaths } = handle.api;
  // Of a longer text, the converted values would block the event loop.
  const isRead = sessionPaths.length > 0 && text !== undefined && text.length <= MAX_JSON_BYTES;
  const outline = isRead ? outlined(text, undefined, sessionPaths, 0) : undefined;
  const { value } = token;
  const lent = isLent ? value : undefined;
  return handle.withCore((core) => core.adopt(response, outline, handle, value, lent)) ?? "accepted";
}

/**
 * Returns whether a text contains `"error`, as every rejection outside `data` does. Most responses need not be parsed then.
 *
 * @param {string | undefined} text
 */
function mayContainErrors(text) {
  // In 16 KB of JSON without the word, this takes 4 µs, and `includes` 12: it stops at each quote or "e".
  return text !== undefined && /"error\w*"/.test(text);
}

/**
 * Returns the text of a response; `undefined` if it is longer than 1 MiB, or if its stream fails. The caller
 * receives that error on reading the body.
 *
 * @param {Response} response
 * @returns {Promise<string | undefined>}
 */
async function copied(response) {
  const { headers, body } = response;
  const length = headers.get("content-length");
  if (body === null || response.bodyUsed || Number(length) > MAX_JSON_BYTES) return undefined;
  try {
    if (body !== undefined && typeof body.getReader !== "function") return undefined;
    if (canBuffer(response)) return await bufferBody(response, MAX_JSON_BYTES);
    const copy = response.clone();
    // `Content-Length` does not limit a compressed body, and a cross-origin page cannot read `Content-Encoding`.
    const isLengthKnown = length !== null && !headers.has("content-encoding") && response.type !== "cors";
    return isLengthKnown || !copy.body ? await handled(copy.text()) : await readUpTo(copy.body.getReader());
  } catch {
    return undefined;
  }
}

/**
 * Returns whether a response can be rebuilt after reading: its body is a Node stream, and its class a Response class.
 *
 * @param {any} response
 */
function canRebuild({ body, constructor }) {
  return isNodeStream(body) && typeof constructor?.prototype?.text === "function";
}

/**
 * Returns whether a body is a Node stream, as in responses of node-fetch and cross-fetch.
 *
 * @param {any} body
 */
function isNodeStream(body) {
  return typeof body?.pipe === "function" && typeof body.constructor?.from === "function";
}

/**
 * Reads a response with a Node stream as its body, and builds an equal one with an unread body. A clone is not used,
 * because it delivers data only as fast as the caller reads the original.
 *
 * @param {any} response
 * @returns {Promise<{ text: string | undefined, response: Response }>}
 */
async function rebuilt(response) {
  const { body, url, status, statusText, headers, size, timeout } = response;
  const reader = /** @type {ReadableStreamDefaultReader<Uint8Array>} */ (readerOf(body));
  /** @type {Uint8Array[]} */
  const parts = [];
  /** @type {unknown[]} */
  const failures = [];
  const isWhole = await readInto(parts, reader, MAX_JSON_BYTES).catch((error) => failures.push(error) === 0);
  const text = isWhole ? new TextDecoder().decode(concat(parts)) : undefined;
  const rest = body.constructor.from(restored(parts, isWhole ? undefined : reader, failures));
  const counter = response.redirected ? 1 : 0;
  const init = { url, status, statusText, headers, size, timeout, counter };
  return { text, response: new response.constructor(rest, init) };
}

/**
 * Yields the chunks of a body: those read already, then the error or the rest.
 *
 * @param {Uint8Array[]} parts that were read
 * @param {ReadableStreamDefaultReader<Uint8Array> | undefined} reader of the rest
 * @param {unknown[]} failures the error of the stream, if it failed
 */
async function* restored(parts, reader, failures) {
  yield* parts;
  for (const failure of failures) throw failure;
  while (reader) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/**
 * Releases the connection of a response that is not read any further.
 *
 * @param {Response} response
 */
export function discard(response) {
  const body = /** @type {any} */ (response.body);
  void ignoringErrors(() => (isNodeStream(body) ? body.destroy?.() : body?.cancel?.()));
}
