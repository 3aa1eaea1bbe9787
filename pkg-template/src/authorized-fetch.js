// `tokens.fetch`: sends a request with the token, and once more with a new token if the API rejects the first.
//
// The core decides whether a response is a rejection, and whether the rejection makes the token invalid.

import { isEndpointOrigin, resolveAddress } from "./addresses.js";
import { fetchArguments, redirected } from "./fetch-arguments.js";
import { headerValue } from "./header-value.js";
import { ignoringErrors } from "./ignoring-errors.js";
import {
  hasUserInfo,
  isAllowedOrigin,
  isCrossOriginRedirect,
  originError,
  userInfoError,
} from "./origins.js";
import { isQuery } from "./query-check.js";
import { presentIn } from "./request-snapshot.js";
import { adopted, discard, hasNewToken, inspectResponse, isResponse } from "./response-inspection.js";

/** @typedef {import("./access-token.js").AccessToken} AccessToken */
/** @typedef {import("./session-handle.js").SessionHandle} SessionHandle */
/** @typedef {import("./response-inspection.js").Inspection} Inspection */
/** @typedef {import("./request-snapshot.js").RequestSnapshot} RequestSnapshot */

/**
 * The outcome of a request. `text` is the body of the response, if it was read.
 *
 * @typedef {object} Outcome
 * @property {Response} response
 * @property {string | undefined} text
 * @property {boolean} rejected whether the API rejected the last token; a partial rejection of a repeatable request
 *   does not count
 * @property {string | undefined} token the last token that was sent
 * @property {boolean} [isSignedOut] whether the token was rejected after a sign-out, so that the request is not repeated
 */

/**
 * The last response to a request, after redirects.
 *
 * @typedef {object} Sent
 * @property {Response} response
 * @property {string} origin of the server that sent the response
 * @property {AccessToken} token
 * @property {boolean} isLent whether the token is lent by another session, with all scopes of this one
 * @property {boolean} hadToken whether the server received the token; otherwise the response does not concern the token
 */

/**
 * Inspects a response. `hadToken` is `true` if its request had the token.
 *
 * @typedef {(handle: SessionHandle, response: Response, hadToken: boolean) => Promise<Inspection> | Inspection} Inspect
 */

/**
 * Calls `fetch` with the token. The core is running.
 *
 * @param {SessionHandle} handle
 * @param {unknown} publicObject the public object, kept reachable while the call is pending
 * @param {RequestSnapshot} request
 * @returns {Promise<Response>}
 */
export async function authorizedFetch(handle, publicObject, request) {
  if (request.reading) request.init.body = await request.reading;
  presentIn(request, handle.api.tokenHeader);
  if (!request.takesToken) return handle.fetch(...fetchArguments(request));
  if (!isAllowedOrigin(handle, request.origin)) throw originError(handle, request.origin);
  if (hasUserInfo(request.url)) throw userInfoError();
  const options = request.signal && { signal: request.signal };
  const { response } = await sendWithReplay(handle, publicObject, request, options, inspectResponse);
  return response;
}

/**
 * Sends a request with the cached token and, if that is rejected, with the next one.
 *
 * @param {SessionHandle} handle
 * @param {unknown} publicObject
 * @param {RequestSnapshot} request
 * @param {import("../index.js").GetTokenOptions | undefined} options of the call for a token
 * @param {Inspect} inspect
 * @returns {Promise<Outcome>}
 */
export async function sendWithReplay(handle, publicObject, request, options, inspect) {
  let { signOuts } = handle;
  // A call that waits during a sign-out gets a token of after it.
  const noteSignOuts = (/** @type {AccessToken} */ token) => {
    ({ signOuts } = handle);
    return token;
  };
  const first =
    (options?.scopes ? undefined : handle.takeCached()) ??
    (await requestToken(handle, publicObject, options, noteSignOuts));
  // After a sign-out the next token may be another user's: the request is not sent with it, and does not replace it.
  const isSignedOut = () => handle.signOuts !== signOuts;
  const sent = await sendFollowingRedirects(handle, request, first);
  const inspection = await inspect(handle, sent.response, sent.hadToken);
  const { response = sent.response } = inspection;
  let { authStatus } = inspection;
  if (authStatus === "accepted" && !isSignedOut()) authStatus = adopt(handle, sent, inspection.text);
  if (authStatus === "accepted")
    return { response, text: inspection.text, rejected: false, token: first.value };
  const afterSignOut = () => ({
    response,
    text: inspection.text,
    rejected: authStatus === "rejected",
    token: first.value,
    isSignedOut: true,
  });
  if (isSignedOut()) return afterSignOut();
  const { isReplayable } = request;
  report(handle, "rejected", response);
  const isPartial = authStatus === "partially_rejected";
  const isFinal = !isReplayable || (isPartial && !isQuery(request));
  handle.withCore((core) =>
    isFinal ? core.rejectedWithoutReplay(handle, first.value) : core.tokenRejected(handle, first.value),
  );
  if (isFinal) return { response, text: inspection.text, rejected: !isReplayable, token: first.value };
  const next = await requestToken(handle, publicObject, options, unchanged).catch((reason) => {
    // The data of the part that was executed is more than an error of the grant.
    if (isPartial && !options?.signal?.aborted) return undefined;
    discard(response);
    throw reason;
  });
  if (next === undefined) return { response, text: inspection.text, rejected: false, token: first.value };
  if (isSignedOut()) return afterSignOut();
  // The core kept the token because its predecessor was rejected too, or the provider granted the same token again.
  if (next.value === first.value) {
    handle.withCore((core) => core.rejectedAfterRenewal(handle, first.value));
    return { response, text: inspection.text, rejected: true, token: first.value };
  }
  discard(response);
  return replay(handle, request, next, inspect, isSignedOut);
}

/**
 * Sends a request again, with the token that replaced a rejected one. A further rejection is final.
 *
 * @param {SessionHandle} handle
 * @param {RequestSnapshot} request
 * @param {AccessToken} token
 * @param {Inspect} inspect
 * @param {() => boolean} isSignedOut
 * @returns {Promise<Outcome>}
 */
async function replay(handle, request, token, inspect, isSignedOut) {
  const sent = await sendFollowingRedirects(handle, request, token);
  const {
    text,
    response = sent.response,
    ...inspection
  } = await inspect(handle, sent.response, sent.hadToken);
  let { authStatus } = inspection;
  if (isSignedOut())
    return { response, text, rejected: authStatus === "rejected", token: token.value, isSignedOut: true };
  report(handle, "replayed", response);
  if (authStatus === "accepted") authStatus = adopt(handle, sent, text);
  if (authStatus !== "accepted") handle.withCore((core) => core.rejectedAfterRenewal(handle, token.value));
  return { response, text, rejected: authStatus === "rejected", token: token.value };
}

/**
 * Reports a rejection, or the replay after it, to observers.
 *
 * @param {SessionHandle} handle
 * @param {"rejected" | "replayed"} name
 * @param {Response} response
 */
function report({ runtime, selector }, name, { status }) {
  runtime.trace?.point(name, { status }, selector);
}

/**
 * Requests a token from the core.
 *
 * @param {SessionHandle} handle
 * @param {unknown} publicObject
 * @param {object | undefined} options
 * @param {(token: AccessToken) => AccessToken} toResult called when the core returns the token
 * @returns {Promise<AccessToken>}
 */
function requestToken(handle, publicObject, options, toResult) {
  return handle.startCall("getToken", options, toResult, publicObject);
}

const unchanged = (/** @type {AccessToken} */ token) => token;

/**
 * Sends a request and follows redirects to the last response.
 *
 * @param {SessionHandle} handle
 * @param {RequestSnapshot} request
 * @param {AccessToken} token
 * @returns {Promise<Sent>}
 */
async function sendFollowingRedirects(handle, request, token) {
  const isLent = token !== handle.token;
  const response = await send(handle, request, token);
  const { origin, follows } = request;
  // Reading a member of a response is slow, so `status` is read only where redirects are followed here.
  const status = follows ? response?.status : undefined;
  if (status !== undefined && REDIRECTS.has(status))
    return followRedirects(handle, request, { response, token, isLent, status });
  if (status === 0 && response.type === "opaqueredirect") throw hiddenRedirect();
  return {
    response,
    origin,
    token,
    isLent,
    hadToken: isResponse(response) && !isCrossOriginRedirect(response, origin),
  };
}

/**
 * Follows redirects by the Fetch standard, with one difference: the token is sent to every allowed origin. After a
 * redirect to an origin that is not allowed, the token is not sent again, because that origin chose all further
 * targets.
 *
 * @param {SessionHandle} handle
 * @param {RequestSnapshot} request
 * @param {{ response: Response, token: AccessToken, isLent: boolean, status: number }} first
 * @returns {Promise<Sent>}
 */
async function followRedirects(handle, request, { response, token, isLent, status }) {
  let isKept = true;
  for (let count = 0; REDIRECTS.has(status); count++) {
    const target = targetOf(response, request.url);
    if (target === undefined) break;
    discard(response);
    if (count === MAX_REDIRECTS) throw new TypeError(`the request was redirected more than ${count} times`);
    request = await redirected(request, target, status);
    isKept &&= isAllowedOrigin(handle, target.origin);
    response = await send(handle, request, isKept ? token : undefined);
    // A response of a user-supplied `fetch` may be frozen.
    void ignoringErrors(() => void Object.defineProperty(response, "redirected", { value: true }));
    status = response?.status;
  }
  const { origin } = request;
  const hadToken = isKept && isResponse(response) && !isCrossOriginRedirect(response, origin);
  return { response, origin, token, isLent, hadToken };
}

/** Redirect statuses of the Fetch standard. */
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The limit of the Fetch standard. */
const MAX_REDIRECTS = 20;

/**
 * Returns the target of a redirect; `undefined` if it has no `Location` header.
 *
 * @param {Response} response
 * @param {string} url of the request
 */
function targetOf({ headers }, url) {
  const location = headers.get("location");
  if (location === null || location === undefined) return undefined;
  const target = resolveAddress(location, url);
  if (target.origin !== "" && !hasUserInfo(target.url)) return target;
  throw new TypeError(
    "the request was redirected to an address that cannot be followed; see its `Location` header",
  );
}

function hiddenRedirect() {
  return new TypeError(
    "the request was redirected, and `fetch` does not show where to here; send to the final address, or give `redirect`",
  );
}

/**
 * Sends a request once, without following redirects here.
 *
 * @param {SessionHandle} handle
 * @param {RequestSnapshot} request
 * @param {AccessToken | undefined} token
 */
function send(handle, request, token) {
  const [input, init] = fetchArguments(request, token && headerValue(token));
  return handle.fetch(input, init);
}

/**
 * Adopts a newer token from the headers of a response, or emits a warning if the page cannot read these headers. Returns
 * whether the response rejects the token that was sent.
 *
 * @param {SessionHandle} handle
 * @param {Sent} sent
 * @param {string | undefined} text of the body, if it was read
 * @returns {import("./response-inspection.js").AuthStatus}
 */
function adopt(handle, { response, origin, token, isLent, hadToken }, text) {
  // Other allowed origins receive the token but must not replace it.
  if (handle.api.rotationHeaders.length === 0 || !hadToken || !isEndpointOrigin(handle, origin))
    return "accepted";
  if (hasNewToken(handle, response)) {
    handle.runtime.isExposureKnown = true;
    return adopted(handle, response, text, token, isLent);
  }
  warnOfHiddenHeader(handle, response, token);
  return "accepted";
}

/**
 * Emits a warning if a page probably cannot read the headers in which new tokens are.
 *
 * @param {SessionHandle} handle
 * @param {Response} response
 * @param {AccessToken} token
 */
function warnOfHiddenHeader(handle, response, token) {
  const { rotationHeaders, name, tokenInHeader } = handle.api;
  // Some APIs send a new token only when the old one is about to expire, so a missing header means nothing in the first
  // half of its lifetime.
  const isLate = Date.now() > handle.validUntil - (token.expiresAt - token.issuedAt) / 2;
  if (tokenInHeader || handle.runtime.isExposureKnown || response.type !== "cors" || !response.ok) return;
  if (token !== handle.token || !isLate) return;
  handle.runtime.isExposureKnown = true;
  const message =
    `responses of ${name} contain no new token that this page can read: if the API sends one, the server must list ` +
    `\`${rotationHeaders.join("` or `")}\` in \`Access-Control-Expose-Headers\`; until then each renewal is a grant`;
  handle.notify({ type: "warning", code: "header_not_exposed", message });
}
