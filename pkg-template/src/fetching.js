// `tokens.fetch`: a request with the token, and once more where the API refuses it.
//
// Decides nothing about tokens and answers: what is a refusal, and whether one is
// believed, the core says. Sending a request twice, and reading an answer without
// taking it from the caller, is done here.

import { TokenError } from "./token-error.js";
import { lazyTextDecoder } from "./utf8.js";

/** @typedef {import("./access-token.js").AccessToken} AccessToken */
/** @typedef {import("./desk.js").Desk} Desk */

/**
 * A request as it was when `fetch` was called: what the caller does to its parts
 * afterwards changes neither the first nor the second time that it is sent.
 *
 * @typedef {object} Prepared
 * @property {any} input
 * @property {Record<string, any>} init
 * @property {Headers | Record<string, any>} headers
 * @property {string} url
 * @property {AbortSignal | undefined} signal
 * @property {"ours" | "callers"} authorization who says what it identifies with
 * @property {"again" | "once"} repeat how often it can be sent
 */

/**
 * What came of a request. `text` is the answer's body as far as it was read.
 *
 * @typedef {object} Outcome
 * @property {Response} response
 * @property {string | undefined} text
 * @property {boolean} rejected whether a token was refused that could not be replaced by a better one
 */

/**
 * What an answer says of the token: `undefined`, or that it refuses it.
 *
 * @typedef {{ text: string | undefined, ruling: string | undefined }} Seen
 */

/**
 * `fetch` with the token.
 *
 * @param {Desk} desk
 * @param {unknown} owner the public object, kept alive while its caller waits
 * @param {any} input
 * @param {any} init
 * @returns {Promise<Response>}
 */
export async function fetchWithToken(desk, owner, input, init) {
  const prepared = prepare(input, init);
  if (desk.traits === undefined || desk.closed) await desk.ready();
  if (prepared.authorization === "callers") return desk.fetch(input, init);
  if (!isAccepted(desk, prepared.url)) throw foreign(desk, prepared.url);
  const options = prepared.signal && { signal: prepared.signal };
  const { response } = await exchange(desk, owner, prepared, options, lookInto);
  return response;
}

/**
 * Sends a request with the token held and, where that is refused, with the next one.
 *
 * @param {Desk} desk
 * @param {unknown} owner
 * @param {Prepared} prepared
 * @param {import("../index.js").GetTokenOptions | undefined} options of the call for a token
 * @param {(desk: Desk, response: Response) => Promise<Seen> | Seen} look
 * @returns {Promise<Outcome>}
 */
export async function exchange(desk, owner, prepared, options, look) {
  const first = (options?.scopes ? undefined : desk.handOut()) ?? (await ask(desk, owner, options));
  const again = kept(prepared);
  const response = await send(desk, prepared, first);
  const seen = await look(desk, response);
  if (seen.ruling === undefined) {
    adopt(desk, response, first);
    return { response, text: seen.text, rejected: false };
  }
  const last = again === undefined || seen.ruling === "part";
  desk.tell((core) => core.refused(first.value, last ? "final" : "first"));
  if (last) return { response, text: seen.text, rejected: again === undefined };
  const next = await ask(desk, owner, options).catch((reason) => {
    discard(response);
    throw reason;
  });
  // It was kept, since one before it was refused as well; or granted a second time.
  if (next.value === first.value) {
    desk.tell((core) => core.refused(first.value, "again"));
    return { response, text: seen.text, rejected: true };
  }
  discard(response);
  return resend(desk, again, next, look);
}

/**
 * @param {Desk} desk
 * @param {Prepared} prepared
 * @param {AccessToken} token
 * @param {(desk: Desk, response: Response) => Promise<Seen> | Seen} look
 * @returns {Promise<Outcome>}
 */
async function resend(desk, prepared, token, look) {
  const response = await send(desk, prepared, token);
  const { ruling, text } = await look(desk, response);
  if (ruling === undefined) adopt(desk, response, token);
  else desk.tell((core) => core.refused(token.value, ruling === "part" ? "final" : "again"));
  return { response, text, rejected: ruling === "whole" };
}

/**
 * @param {Desk} desk
 * @param {unknown} owner
 * @param {object | undefined} options
 * @returns {Promise<AccessToken>}
 */
function ask(desk, owner, options) {
  return desk.ask("request", options, whole, owner);
}

const whole = (/** @type {AccessToken} */ token) => token;

/**
 * @param {Desk} desk
 * @param {Prepared} prepared
 * @param {AccessToken} token
 */
function send(desk, { input, init, headers }, token) {
  const value = `${token.tokenType} ${token.value}`;
  if (headers instanceof Headers) headers.set("authorization", value);
  else headers.authorization = value;
  return desk.fetch(input, init);
}

/**
 * Takes a request as it is now.
 *
 * @param {any} input
 * @param {any} init
 * @returns {Prepared}
 */
export function prepare(input, init) {
  if (isRequest(init)) {
    // Its parts are no properties of its own, so that a copy would be empty.
    input = new Request(input, init);
    init = undefined;
  }
  const request = isRequest(input) ? input : undefined;
  const headers = copiedHeaders(init?.headers ?? request?.headers);
  const body = init?.body ?? undefined;
  const copy = copiedBody(body);
  const signal = init?.signal === undefined ? request?.signal : init.signal;
  /** @type {Record<string, any>} */
  const own = { ...init, headers };
  if (body !== undefined) own.body = copy ?? body;
  // `fetch` forgets a Request's referrer where it is given anything besides.
  if (init === undefined && request?.referrer && request.referrer !== "about:client")
    own.referrer = request.referrer;
  return {
    input,
    init: own,
    headers,
    url: request?.url ?? `${input}`,
    signal: signal ?? undefined,
    authorization: names(headers) ? "callers" : "ours",
    repeat: body === undefined || copy !== undefined ? "again" : "once",
  };
}

/**
 * What to send the second time; `undefined` where it can be sent only once.
 *
 * @param {Prepared} prepared
 * @returns {Prepared | undefined}
 */
function kept(prepared) {
  if (prepared.repeat === "once") return undefined;
  const { input, init } = prepared;
  // A Request is used up by being sent. Older engines do not show whether it has a body.
  const isUsedUp =
    isRequest(input) && init.body === undefined && input.body !== null && !/^(GET|HEAD)$/.test(input.method);
  return isUsedUp ? { ...prepared, input: input.clone() } : prepared;
}

/** @param {any} value */
function isRequest(value) {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof value.url === "string" &&
    typeof value.clone === "function"
  );
}

/**
 * A copy of its own, in the form that costs least: most callers give a plain object.
 *
 * @param {any} headers
 * @returns {Headers | Record<string, any>}
 */
function copiedHeaders(headers) {
  if (headers === undefined || headers === null) return {};
  return Object.getPrototypeOf(headers) === Object.prototype ? { ...headers } : new Headers(headers);
}

/**
 * Whether the caller has set `Authorization`. One without a value was not meant to be sent.
 *
 * @param {Headers | Record<string, any>} headers
 */
function names(headers) {
  if (headers instanceof Headers) return headers.has("authorization");
  let found = false;
  for (const name of Object.keys(headers)) {
    if (name.length !== 13 || name.toLowerCase() !== "authorization") continue;
    if (headers[name] === undefined || headers[name] === null) delete headers[name];
    else found = true;
  }
  return found;
}

/**
 * A copy of a body, as `fetch` takes one when it is called; `undefined` of a stream, which is sent once.
 *
 * @param {any} body
 * @returns {any}
 */
function copiedBody(body) {
  if (typeof body !== "object") return body;
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  }
  switch (Object.prototype.toString.call(body)) {
    case "[object ArrayBuffer]":
      return body.slice(0);
    case "[object URLSearchParams]":
      return new URLSearchParams(body);
    case "[object FormData]": {
      const copy = new FormData();
      for (const [name, value] of body) copy.append(name, value);
      return copy;
    }
    default: {
      const isStream = ["getReader", "pipe", "next", Symbol.asyncIterator].some((name) => name in body);
      return isStream ? undefined : body;
    }
  }
}

/**
 * Whether the token may be sent to an address. The last one is remembered: most callers ask one endpoint.
 *
 * @param {Desk} desk
 * @param {string} url
 */
function isAccepted(desk, url) {
  if (url === desk.acceptedUrl) return true;
  if (!desk.traits.origins.includes(originOf(url))) return false;
  desk.acceptedUrl = url;
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
function foreign(desk, url) {
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
 * Looks into a copy of an answer, so that the caller has it whole.
 *
 * @param {Desk} desk
 * @param {Response} response
 * @returns {Promise<Seen>}
 */
async function lookInto(desk, response) {
  if (!isAnswer(response)) return NOTHING;
  const { statuses, speaks } = desk.traits;
  const refusing = statuses.includes(response.status);
  // What another address says of the token means nothing: it did not get it.
  if ((!refusing && !speaks) || isElsewhere(desk, response)) return NOTHING;
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
  // No sign of a refusal is without this word, so that most answers are not taken apart.
  if (!statuses.includes(status) && !(speaks && text?.includes('"error'))) return undefined;
  return desk.tell((core) => core.judge(status, text));
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
    const copy = response.clone();
    // What is compressed may be of any length; pages of other origins are not told whether it is.
    const isTold = length !== null && !headers.has("content-encoding") && response.type !== "cors";
    return isTold || !copy.body ? await copy.text() : await readUpTo(copy.body.getReader());
  } catch {
    return undefined;
  }
}

/** A MiB: refusals have some hundred bytes. */
export const LARGEST = 1024 * 1024;

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
async function readUpTo(reader) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.byteLength;
    if (size > LARGEST) {
      // Not waited for: it ends when the caller has read its own.
      reader.cancel().catch(() => {});
      return undefined;
    }
  }
  const bytes = new Uint8Array(size);
  for (const part of parts.reverse()) bytes.set(part, (size -= part.byteLength));
  return decoder.decode(bytes);
}

const decoder = lazyTextDecoder();

/**
 * @param {Desk} desk
 * @param {Response} response
 */
function isElsewhere(desk, response) {
  return response.redirected && !isAccepted(desk, response.url);
}

/**
 * Takes a newer token out of an answer, or says why a page cannot.
 *
 * @param {Desk} desk
 * @param {Response} response
 * @param {AccessToken} token that was sent
 */
function adopt(desk, response, token) {
  const { sliding, name, readable } = desk.traits;
  if (sliding.length === 0 || !isAnswer(response) || isElsewhere(desk, response)) return;
  if (sliding.some((header) => response.headers.get(header) !== null)) {
    desk.warned = true;
    desk.tell((core) => core.adopt(response));
    return;
  }
  // Some APIs bring a new token only when the old one nears its end: in the first half of
  // its life, that none is there means nothing.
  const isLate = Date.now() > desk.validUntil - (token.expiresAt - token.issuedAt) / 2;
  if (readable || desk.warned || response.type !== "cors" || !response.ok) return;
  if (token !== desk.held || !isLate) return;
  desk.warned = true;
  const message =
    `the answers of ${name} bring no new token that this page can read: if it sends one, the server must list ` +
    `\`${sliding.join("` or `")}\` in \`Access-Control-Expose-Headers\`; until then each token is asked for`;
  desk.notify({ type: "warning", code: "header_not_exposed", message });
}

/**
 * Frees the connection of an answer that nobody will read.
 *
 * @param {Response} response
 */
function discard(response) {
  response.body?.cancel?.().catch(() => {});
}
