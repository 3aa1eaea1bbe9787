// Looks into answers without taking them from the caller.
//
// Decides which are looked into, and how far; what they say, the core says.

import { outlined } from "./answer-outline.js";
import { ignoringErrors } from "./ignoring-errors.js";
import { LARGEST, readUpTo, readerOf } from "./outside.js";
import { handled } from "../stores/foreign-promise.js";
import { bufferBody, canBuffer, concat, readInto } from "./buffered-response.js";

/** @typedef {import("./desk.js").Desk} Desk */

/**
 * What an answer says of the token: `undefined`, or that it refuses it.
 *
 * @typedef {object} Seen
 * @property {string | undefined} text
 * @property {string | undefined} ruling
 * @property {Response} [response] the answer for the caller, where it is another
 */

/**
 * Looks into a copy of an answer, so that the caller has it whole.
 *
 * @param {Desk} desk
 * @param {Response} response
 * @param {boolean} isOurs whether it is to a request with the token; else what it says of that means nothing
 * @returns {Promise<Seen>}
 */
export async function lookInto(desk, response, isOurs) {
  if (!isOurs) return NOTHING;
  const { statuses, speaks } = desk.traits;
  const refusing = statuses.includes(response.status);
  if (!refusing && !speaks) return NOTHING;
  const { status, headers } = response;
  if (!JSON_TYPE.test(headers.get("content-type") ?? "")) {
    return { text: undefined, ruling: judged(desk, status, undefined) };
  }
  if (canRebuild(response) && !(Number(headers.get("content-length")) > LARGEST)) {
    const { text, response: same } = await rebuilt(response);
    return { text, ruling: judged(desk, status, text), response: same };
  }
  const text = await copied(response);
  return { text, ruling: judged(desk, status, text) };
}

/**
 * Whether what a `fetch` of the user's gave is an answer at all.
 *
 * @param {any} response
 */
export function isAnswer(response) {
  return typeof response?.headers?.get === "function";
}

/** @type {Seen} */
const NOTHING = { text: undefined, ruling: undefined };

/** What is looked into. Not parts, events, downloads, or what tells no type: they may never end. */
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * @param {Desk} desk
 * @param {number} status
 * @param {string | undefined} text
 */
export function judged(desk, status, text) {
  const { statuses, speaks } = desk.traits;
  if (!statuses.includes(status) && !(speaks && mayTellErrors(text))) return undefined;
  const outline = text && outlined(text);
  return RULINGS[desk.tell((core) => core.judge(status, outline)) ?? 0];
}

/** What the core rules: that the token was taken, or refused, or refused after some was carried out. */
const RULINGS = [undefined, "whole", "part"];

/**
 * Whether a text has the word that no sign of a refusal is without, so that most answers are not taken apart.
 *
 * @param {string | undefined} text
 */
function mayTellErrors(text) {
  // First without the quote, of which JSON is full: the search stops at each.
  return text !== undefined && text.includes("error") && text.includes('"error');
}

/**
 * The text of a copy; `undefined` if it is longer than a MiB, or breaks off, as the caller will find.
 *
 * @param {Response} response
 * @returns {Promise<string | undefined>}
 */
async function copied(response) {
  const { headers, body } = response;
  const length = headers.get("content-length");
  if (body === null || response.bodyUsed || Number(length) > LARGEST) return undefined;
  try {
    if (body !== undefined && typeof body.getReader !== "function") return undefined;
    if (canBuffer(response)) return await bufferBody(response, LARGEST);
    const copy = response.clone();
    // What is compressed may be of any length; pages of other origins are not told whether it is.
    const isTold = length !== null && !headers.has("content-encoding") && response.type !== "cors";
    return isTold || !copy.body ? await handled(copy.text()) : await readUpTo(copy.body.getReader());
  } catch {
    return undefined;
  }
}

/**
 * Whether an answer can be read and made anew: its body is one of Node's streams, and its class makes answers.
 *
 * @param {any} response
 */
function canRebuild({ body, constructor }) {
  return isNodeStream(body) && typeof constructor?.prototype?.text === "function";
}

/**
 * Whether a body is one of Node's streams, which node-fetch and cross-fetch give.
 *
 * @param {any} body
 */
function isNodeStream(body) {
  return typeof body?.pipe === "function" && typeof body.constructor?.from === "function";
}

/**
 * Reads an answer whose body is one of Node's streams, and makes another that still has it: a clone comes only as fast as
 * the caller reads.
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
  const isWhole = await readInto(parts, reader, LARGEST).catch((error) => failures.push(error) === 0);
  const text = isWhole ? new TextDecoder().decode(concat(parts)) : undefined;
  const rest = body.constructor.from(restored(parts, isWhole ? undefined : reader, failures));
  const counter = response.redirected ? 1 : 0;
  const init = { url, status, statusText, headers, size, timeout, counter };
  return { text, response: new response.constructor(rest, init) };
}

/**
 * @param {Uint8Array[]} parts that were read
 * @param {ReadableStreamDefaultReader<Uint8Array> | undefined} reader of what follows
 * @param {unknown[]} failures of the reading
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
 * Frees the connection of an answer that nobody will read.
 *
 * @param {Response} response
 */
export function discard(response) {
  const body = /** @type {any} */ (response.body);
  void ignoringErrors(() => (isNodeStream(body) ? body.destroy?.() : body?.cancel?.()));
}
