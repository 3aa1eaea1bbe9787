// `tokens.fetch`: sends a request with the token, and once more with a new token if the API rejects the first.
//
// The core decides whether a response is a rejection, and whether the rejection makes the token invalid.

import { discard, isAnswer, lookInto } from "./response-inspection.js";
import {
  foreign,
  holdsUserInfo,
  isAccepted,
  isEndpoint,
  leftOrigin,
  resolved,
  withUserInfo,
} from "./origins.js";
import { prepare, redirected, sendable } from "./request-snapshot.js";

/** @typedef {import("./access-token.js").AccessToken} AccessToken */
/** @typedef {import("./session-handle.js").Desk} Desk */
/** @typedef {import("./response-inspection.js").Seen} Seen */
/** @typedef {import("./request-snapshot.js").Prepared} Prepared */

/**
 * The outcome of a request. `text` is the body of the response, if it was read.
 *
 * @typedef {object} Outcome
 * @property {Response} response
 * @property {string | undefined} text
 * @property {boolean} rejected whether the API rejected the last token; a partial rejection of a repeatable request
 *   does not count
 * @property {string | undefined} token the last token that was sent
 */

/**
 * The last response to a request, after redirects.
 *
 * @typedef {object} Sent
 * @property {Response} response
 * @property {string} origin of the server that sent the response
 * @property {AccessToken} token
 * @property {boolean} isLent whether the token is lent by another session, with all scopes of this one
 * @property {boolean} isOurs whether the server received the token; otherwise the response does not concern the token
 */

/**
 * Inspects a response. `isOurs` is `true` if its request had the token.
 *
 * @typedef {(desk: Desk, response: Response, isOurs: boolean) => Promise<Seen> | Seen} Look
 */

/**
 * Calls `fetch` with the token.
 *
 * @param {Desk} desk
 * @param {unknown} owner the public object, kept reachable while the call is pending
 * @param {any} input
 * @param {any} init
 * @returns {Promise<Response>}
 */
export async function fetchWithToken(desk, owner, input, init) {
  const prepared = prepare(input, init);
  if (desk.traits === undefined || desk.closed) await desk.ready();
  if (prepared.reading) prepared.init.body = await prepared.reading;
  if (prepared.authorization === "callers") return desk.fetch(...sendable(prepared));
  if (!isAccepted(desk, prepared.origin)) throw foreign(desk, prepared.origin);
  if (holdsUserInfo(prepared.url)) throw withUserInfo();
  const options = prepared.signal && { signal: prepared.signal };
  const { response } = await exchange(desk, owner, prepared, options, lookInto);
  return response;
}

/**
 * Sends a request with the cached token and, if that is rejected, with the next one.
 *
 * @param {Desk} desk
 * @param {unknown} owner
 * @param {Prepared} prepared
 * @param {import("../index.js").GetTokenOptions | undefined} options of the call for a token
 * @param {Look} look
 * @returns {Promise<Outcome>}
 */
export async function exchange(desk, owner, prepared, options, look) {
  const first = (options?.scopes ? undefined : desk.handOut()) ?? (await ask(desk, owner, options));
  const sent = await deliver(desk, prepared, first);
  const seen = await look(desk, sent.response, sent.isOurs);
  const { response = sent.response } = seen;
  if (seen.ruling === undefined) {
    adopt(desk, sent);
    return { response, text: seen.text, rejected: false, token: first.value };
  }
  const isOnce = prepared.repeat === "once";
  const last = isOnce || seen.ruling === "part";
  desk.tell((core) =>
    last ? core.lastTokenRejected(desk, first.value) : core.tokenRejected(desk, first.value),
  );
  if (last) return { response, text: seen.text, rejected: isOnce, token: first.value };
  const next = await ask(desk, owner, options).catch((reason) => {
    discard(response);
    throw reason;
  });
  // The core kept the token because its predecessor was rejected too, or the provider granted the same token again.
  if (next.value === first.value) {
    desk.tell((core) => core.replacementRejected(desk, first.value));
    return { response, text: seen.text, rejected: true, token: first.value };
  }
  discard(response);
  return resend(desk, prepared, next, look);
}

/**
 * Sends a request again, with the token that replaced a rejected one. A further rejection is final.
 *
 * @param {Desk} desk
 * @param {Prepared} prepared
 * @param {AccessToken} token
 * @param {Look} look
 * @returns {Promise<Outcome>}
 */
async function resend(desk, prepared, token, look) {
  const sent = await deliver(desk, prepared, token);
  const { ruling, text, response = sent.response } = await look(desk, sent.response, sent.isOurs);
  if (ruling === undefined) adopt(desk, sent);
  else desk.tell((core) => core.replacementRejected(desk, token.value));
  return { response, text, rejected: ruling === "whole", token: token.value };
}

/**
 * Requests a token from the core.
 *
 * @param {Desk} desk
 * @param {unknown} owner
 * @param {object | undefined} options
 * @returns {Promise<AccessToken>}
 */
function ask(desk, owner, options) {
  return desk.ask("getToken", options, whole, owner);
}

const whole = (/** @type {AccessToken} */ token) => token;

/**
 * Sends a request and follows redirects to the last response.
 *
 * @param {Desk} desk
 * @param {Prepared} prepared
 * @param {AccessToken} token
 * @returns {Promise<Sent>}
 */
async function deliver(desk, prepared, token) {
  const isLent = token !== desk.held;
  const response = await send(desk, prepared, token);
  const { origin, follows } = prepared;
  // Reading a member of a response is slow, so `status` is read only where redirects are followed here.
  const status = follows ? response?.status : undefined;
  if (status !== undefined && REDIRECTS.has(status))
    return follow(desk, prepared, { response, token, isLent, status });
  if (status === 0 && response.type === "opaqueredirect") throw hiddenRedirect();
  return { response, origin, token, isLent, isOurs: isAnswer(response) && !leftOrigin(response, origin) };
}

/**
 * Follows redirects by the Fetch standard, with one difference: the token is sent to every allowed origin. After a
 * redirect to an origin that is not allowed, the token is not sent again, because that origin chose all further
 * targets.
 *
 * @param {Desk} desk
 * @param {Prepared} prepared
 * @param {{ response: Response, token: AccessToken, isLent: boolean, status: number }} first
 * @returns {Promise<Sent>}
 */
async function follow(desk, prepared, { response, token, isLent, status }) {
  let isKept = true;
  for (let count = 0; REDIRECTS.has(status); count++) {
    const target = targetOf(response, prepared.url);
    if (target === undefined) break;
    discard(response);
    if (count === MOST_REDIRECTS) throw new TypeError(`the request was redirected more than ${count} times`);
    prepared = await redirected(prepared, target, status);
    isKept &&= isAccepted(desk, target.origin);
    response = await send(desk, prepared, isKept ? token : undefined);
    quietly(() => Object.defineProperty(response, "redirected", { value: true }));
    status = response?.status;
  }
  const { origin } = prepared;
  const isOurs = isKept && isAnswer(response) && !leftOrigin(response, origin);
  return { response, origin, token, isLent, isOurs };
}

/** Redirect statuses of the Fetch standard. */
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The limit of the Fetch standard. */
const MOST_REDIRECTS = 20;

/**
 * Returns the target of a redirect; `undefined` if it has no `Location` header.
 *
 * @param {Response} response
 * @param {string} url of the request
 */
function targetOf({ headers }, url) {
  const location = headers.get("location");
  if (location === null || location === undefined) return undefined;
  const target = resolved(location, url);
  if (target.origin !== "" && !holdsUserInfo(target.url)) return target;
  throw new TypeError(
    "the request was redirected to an address that cannot be followed; see its `Location` header",
  );
}

/** @param {() => unknown} action */
function quietly(action) {
  try {
    action();
  } catch {
    // The response comes from a user-supplied `fetch` and may be frozen.
  }
}

function hiddenRedirect() {
  return new TypeError(
    "the request was redirected, and `fetch` does not show where to here; send to the final address, or give `redirect`",
  );
}

/**
 * Sends a request once, without following redirects here.
 *
 * @param {Desk} desk
 * @param {Prepared} prepared
 * @param {AccessToken | undefined} token
 */
function send(desk, prepared, token) {
  const [input, init] = sendable(prepared, token && `${token.tokenType} ${token.value}`);
  return desk.fetch(input, init);
}

/**
 * Adopts a newer token from the headers of a response, or emits a warning if the page cannot read these headers.
 *
 * @param {Desk} desk
 * @param {Sent} sent
 */
function adopt(desk, { response, origin, token, isLent, isOurs }) {
  const { sliding, name, readable } = desk.traits;
  if (sliding.length === 0 || !isOurs) return;
  // Other allowed origins receive the token but must not replace it.
  if (!isEndpoint(desk, origin)) return;
  if (sliding.some((header) => response.headers.get(header) !== null)) {
    desk.office.warned = true;
    desk.tell((core) => core.adopt(response, desk, isLent ? token.value : undefined));
    return;
  }
  // Some APIs send a new token only when the old one is about to expire, so a missing header means nothing in the first
  // half of its lifetime.
  const isLate = Date.now() > desk.validUntil - (token.expiresAt - token.issuedAt) / 2;
  if (readable || desk.office.warned || response.type !== "cors" || !response.ok) return;
  if (token !== desk.held || !isLate) return;
  desk.office.warned = true;
  const message =
    `the answers of ${name} bring no new token that this page can read: if it sends one, the server must list ` +
    `\`${sliding.join("` or `")}\` in \`Access-Control-Expose-Headers\`; until then each token is asked for`;
  desk.notify({ type: "warning", code: "header_not_exposed", message });
}
