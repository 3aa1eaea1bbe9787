// Looks into answers without taking them from the caller.
//
// Decides which are looked into, and how far; what they say, the core says.

import { LARGEST, readUpTo } from "./outside.js";
import { canReadAhead, readAhead } from "./read-ahead.js";

/** @typedef {import("./desk.js").Desk} Desk */

/**
 * What an answer says of the token: `undefined`, or that it refuses it.
 *
 * @typedef {{ text: string | undefined, ruling: string | undefined }} Seen
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
  const text = JSON_TYPE.test(response.headers.get("content-type") ?? "")
    ? await copied(response)
    : undefined;
  return { text, ruling: judged(desk, response.status, text) };
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
  return RULINGS[desk.tell((core) => core.judge(status, text)) ?? 0];
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
  // A replacement for `fetch` whose bodies are Node's streams: a copy comes only as fast as the caller reads.
  if (body !== undefined && typeof body.getReader !== "function") return undefined;
  try {
    if (canReadAhead(response)) return await readAhead(response, LARGEST);
    const copy = response.clone();
    // What is compressed may be of any length; pages of other origins are not told whether it is.
    const isTold = length !== null && !headers.has("content-encoding") && response.type !== "cors";
    return isTold || !copy.body ? await copy.text() : await readUpTo(copy.body.getReader());
  } catch {
    return undefined;
  }
}

/**
 * Frees the connection of an answer that nobody will read.
 *
 * @param {Response} response
 */
export function discard(response) {
  response.body?.cancel?.().catch(() => {});
}
