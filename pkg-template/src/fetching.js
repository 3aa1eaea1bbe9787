// `tokens.fetch`: a request with the token, and once more where the API refuses it.
//
// Decides nothing about tokens and answers: what is a refusal, and whether one is
// believed, the core says.

import { discard, isAnswer, lookInto } from "./answers.js";
import { foreign, isAccepted, isElsewhere } from "./origins.js";
import { kept, prepare } from "./prepared-request.js";
import { TELL } from "./words.js";

/** @typedef {import("./access-token.js").AccessToken} AccessToken */
/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./answers.js").Seen} Seen */
/** @typedef {import("./prepared-request.js").Prepared} Prepared */

/**
 * What came of a request. `text` is the answer's body as far as it was read.
 *
 * @typedef {object} Outcome
 * @property {Response} response
 * @property {string | undefined} text
 * @property {boolean} rejected whether a token was refused that could not be replaced by a better one
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
  desk.tell((core) => core.tell(last ? TELL.refusedAtLast : TELL.refused, desk, first.value));
  if (last) return { response, text: seen.text, rejected: again === undefined };
  const next = await ask(desk, owner, options).catch((reason) => {
    discard(response);
    throw reason;
  });
  // It was kept, since one before it was refused as well; or granted a second time.
  if (next.value === first.value) {
    desk.tell((core) => core.tell(TELL.refusedAgain, desk, first.value));
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
  else desk.tell((core) => core.tell(TELL.refusedAgain, desk, token.value));
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
    desk.office.warned = true;
    desk.tell((core) => core.adopt(response, desk));
    return;
  }
  // Some APIs bring a new token only when the old one nears its end: in the first half of
  // its life, that none is there means nothing.
  const isLate = Date.now() > desk.validUntil - (token.expiresAt - token.issuedAt) / 2;
  if (readable || desk.office.warned || response.type !== "cors" || !response.ok) return;
  if (token !== desk.held || !isLate) return;
  desk.office.warned = true;
  const message =
    `the answers of ${name} bring no new token that this page can read: if it sends one, the server must list ` +
    `\`${sliding.join("` or `")}\` in \`Access-Control-Expose-Headers\`; until then each token is asked for`;
  desk.notify({ type: "warning", code: "header_not_exposed", message });
}
