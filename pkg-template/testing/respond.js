/**
 * The steps of processing one request, and the effect of each fault at its step.
 *
 * At each step, only the oldest active fault that matches is applied:
 *
 * 1. `delay` with `when: "before"`
 * 2. `drop` with `when: "before"`
 * 3. `status` or `html`: replaces the response, and the operation is not executed
 * 4. the operation is executed, with `narrow`
 * 5. `no-token` or `bad-token`, if the response contains an access token
 * 6. `oversize` or `invalid-json`
 * 7. `date` or `omit-date`
 * 8. `delay` with `when: "after"`
 * 9. `drop` with `when: "after"`
 * 10. `truncate`
 *
 * @module
 */

/** @import { Asked, Faults } from "./faults.js" */
/** @import { Outline } from "./document.js" */
/** @import { RequestLog } from "./log.js" */
/** @import { HttpAnswer, HttpRequest, Service } from "./service.js" */

/**
 * The response as it is sent.
 * @typedef {object} Reply
 * @property {number} status
 * @property {Record<string, string>} headers
 * @property {string} body
 * @property {"whole" | "half"} sent The part of the body that is sent before the connection is closed.
 */

/**
 * @typedef {object} SandboxState
 * @property {Faults} faults
 * @property {RequestLog} log
 * @property {() => number} now
 * @property {(ms: number) => Promise<unknown>} sleep Resolves after a delay, and rejects when the sandbox is closed.
 */

/**
 * @param {Service} service
 * @param {HttpRequest} request
 * @param {SandboxState} state
 * @returns {Promise<Reply | undefined>} Undefined if the connection must be closed without a response.
 */
export async function answerRequest(service, request, { faults, log, now, sleep }) {
  const { name: provider } = service.provider;
  const outline = service.outline(request);
  const asked = { provider, rootFields: outline.rootFields };
  const entry = log.arrived({ at: now(), provider, operation: outline.rootFields.join(",") });
  /** @type {typeof faults.take} */
  const take = (...matching) => {
    const fault = faults.take(...matching);
    if (fault) entry.fault = entry.fault ? `${entry.fault}+${fault.kind}` : fault.kind;
    return fault;
  };

  const before = take(asked, ["delay"], ({ when = "before" }) => when === "before");
  if (before) await sleep(before.ms);
  if (take(asked, ["drop"], ({ when = "before" }) => when === "before")) return undefined;

  const answer = instead(take, asked) ?? (await execute(service, request, outline, asked, take));
  corruptBody(answer, take, asked);
  const reply = {
    status: answer.status,
    headers: answer.headers,
    body: text(answer),
    sent: /** @type {const} */ ("whole"),
  };
  stampDate(reply.headers, now(), take, asked);

  const after = take(asked, ["delay"], ({ when }) => when === "after");
  if (after) await sleep(after.ms);
  if (take(asked, ["drop"], ({ when }) => when === "after")) return undefined;
  entry.status = reply.status;
  return take(asked, ["truncate"]) ? { ...reply, sent: "half" } : reply;
}

/** @typedef {Faults["take"]} Take */

/**
 * Returns the response of a fault that replaces the provider's.
 * @param {Take} take
 * @param {Asked} asked
 * @returns {HttpAnswer | undefined}
 */
function instead(take, asked) {
  const fault = take(asked, ["status", "html"]);
  if (!fault) return undefined;
  if (fault.kind === "html")
    return { status: 200, headers: { "content-type": HTML }, body: htmlPage("Sign in to this network") };
  const { status, retryAfter, body = htmlPage(`${status} ${REASONS[status] ?? ""}`.trim()) } = fault;
  return {
    status,
    headers: {
      "content-type": /^\s*[{[]/.test(body) ? "application/json; charset=utf-8" : HTML,
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    },
    body,
  };
}

const HTML = "text/html; charset=utf-8";

/** Reason phrases of common statuses (RFC 9110, section 15; RFC 6585). @type {Record<number, string>} */
const REASONS = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  413: "Content Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** @param {string} title */
function htmlPage(title) {
  return `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
}

/**
 * @param {Service} service
 * @param {HttpRequest} request
 * @param {Outline} outline
 * @param {Asked} asked
 * @param {Take} take
 */
async function execute(service, request, outline, asked, take) {
  const { grantFields, grantsHold } = service.provider;
  const mayGrant = grantsHold === "scopes" && outline.rootFields.some((field) => grantFields.includes(field));
  const narrow = mayGrant ? take(asked, ["narrow"]) : undefined;
  const { answer, granted } = await service.answer(request, outline, narrow?.scopes);
  const fault = granted.length > 0 ? take(asked, ["no-token", "bad-token"]) : undefined;
  return fault ? withTokens(answer, granted, fault.kind === "bad-token" ? fault.value : null) : answer;
}

/**
 * Replaces or removes the given tokens wherever they occur in a response: under any alias, in the body or in a header.
 * @param {HttpAnswer} answer
 * @param {readonly string[]} tokens
 * @param {string | null} value
 * @returns {HttpAnswer}
 */
function withTokens({ status, headers, body }, tokens, value) {
  /** @type {Record<string, string>} */
  const replaced = {};
  for (const [name, header] of Object.entries(headers)) {
    const token = tokens.find((token) => header.endsWith(token));
    if (token === undefined) replaced[name] = header;
    else if (value !== null) replaced[name] = header.slice(0, -token.length) + value;
  }
  const text = JSON.stringify(body, (_key, member) => (tokens.includes(member) ? value : member));
  return { status, headers: replaced, body: JSON.parse(text) };
}

/**
 * Makes the body too large, or invalid JSON.
 * @param {HttpAnswer} answer
 * @param {Take} take
 * @param {Asked} asked
 */
function corruptBody(answer, take, asked) {
  const fault = take(asked, ["oversize", "invalid-json"]);
  if (fault?.kind === "oversize") {
    const { bytes = DEFAULT_OVERSIZE } = fault;
    const original = typeof answer.body === "string" ? {} : answer.body;
    // The response remains valid otherwise, so that a client can reject it only for its size.
    answer.body = { ...original, extensions: { ...original.extensions, padding: "x".repeat(bytes) } };
  }
  if (fault?.kind === "invalid-json") answer.body = `${text(answer)}}`;
}

/** 2 MiB, twice the size that the client of this package inspects. */
const DEFAULT_OVERSIZE = 2 * 1024 * 1024;

/**
 * @param {Record<string, string>} headers
 * @param {number} now
 * @param {Take} take
 * @param {Asked} asked
 */
function stampDate(headers, now, take, asked) {
  const fault = take(asked, ["date", "omit-date"]);
  if (fault?.kind === "omit-date") return;
  headers.date = new Date(now + (fault?.kind === "date" ? fault.offsetMs : 0)).toUTCString();
}

/** @param {HttpAnswer} answer */
function text({ body }) {
  return typeof body === "string" ? body : JSON.stringify(body);
}
