/**
 * Requests of `doctor`, and explanations of those that fail.
 *
 * @module
 */

import { failure } from "./checks.js";

/** @import { Check } from "./checks.js" */

/** Limit of a request in ms, headers and body together. */
const LIMIT_MS = 10_000;

/** The most bytes of a body that are read: a page's policy is in its head. */
const MAX_BODY = 262_144;

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {Headers} headers
 * @property {string} type The media type, in lower case and without parameters.
 * @property {string} text The start of the body.
 * @property {number} sentAt
 * @property {number} receivedAt
 */

/**
 * Sends a request, and does not follow redirects unless `init` requests it.
 *
 * @param {string | URL} url
 * @param {RequestInit} [init]
 * @returns {Promise<Answer>}
 */
export async function send(url, init) {
  const sentAt = Date.now();
  const signal = AbortSignal.timeout(LIMIT_MS);
  const response = await fetch(url, { redirect: "manual", ...init, signal });
  const receivedAt = Date.now();
  const { status, headers } = response;
  const [type = ""] = (headers.get("content-type") ?? "").toLowerCase().split(";");
  return { status, headers, type: type.trim(), text: await startOf(response), sentAt, receivedAt };
}

/** @param {Response} response */
async function startOf({ body }) {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > MAX_BODY) break;
  }
  return text;
}

/** Returns an address without credentials, query and fragment. @param {string | URL} url */
export function shown(url) {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** @param {Answer} answer */
export const isHtml = ({ type, text }) =>
  type === "text/html" || /^\s*<(?:!doctype|html|head|body)\b/i.test(text);

const CERTIFICATE = "the certificate is not signed by an authority that Node trusts";
const INTERCEPTED =
  "a proxy that inspects TLS needs its certificate in NODE_EXTRA_CA_CERTS=FILE; elsewhere, do not send secrets there";
const UNREACHABLE = "check the network, a VPN, and that a firewall lets this machine through";

/** What a code of Node means, and what to do. @type {Readonly<Record<string, readonly [string, string]>>} */
const CODES = {
  ENOTFOUND: ["DNS has no such host", "correct the host name, or check the DNS server of this network"],
  EAI_AGAIN: ["DNS does not answer", "check the network of this machine and its DNS server"],
  ECONNREFUSED: [
    "nothing listens at this host and port",
    "start the server, or correct the host and the port",
  ],
  ECONNRESET: ["the connection was closed before a response", UNREACHABLE],
  UND_ERR_SOCKET: ["the connection was closed before a response", UNREACHABLE],
  EPIPE: ["the connection was closed before a response", UNREACHABLE],
  ETIMEDOUT: ["the host cannot be reached", UNREACHABLE],
  UND_ERR_CONNECT_TIMEOUT: ["the host cannot be reached", UNREACHABLE],
  EHOSTUNREACH: ["the host cannot be reached", UNREACHABLE],
  ENETUNREACH: ["the network cannot be reached", UNREACHABLE],
  CERT_HAS_EXPIRED: ["the certificate has expired", "check the clock of this machine first: `date -u`"],
  CERT_NOT_YET_VALID: [
    "the certificate is not valid yet",
    "check the clock of this machine first: `date -u`",
  ],
  SELF_SIGNED_CERT_IN_CHAIN: [CERTIFICATE, INTERCEPTED],
  DEPTH_ZERO_SELF_SIGNED_CERT: [CERTIFICATE, INTERCEPTED],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [CERTIFICATE, INTERCEPTED],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [CERTIFICATE, INTERCEPTED],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "the certificate is that of another host",
    "correct the host name in the address",
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: [
    "the server does not use TLS",
    "correct the port, or the scheme of the address",
  ],
};

/**
 * Explains why no response arrived.
 *
 * @param {string} name The check.
 * @param {string | URL} url
 * @param {unknown} error
 * @returns {Check}
 */
export function unreachable(name, url, error) {
  const { cause, name: kind, code: own } = /** @type {Error & { code?: string }} */ (error);
  const { code: inner, message } = /** @type {{ code?: string, message?: string }} */ (cause ?? {});
  const code = inner ?? (typeof own === "string" ? own : undefined);
  const where = shown(url);
  const details = { code: "network", retryable: true };
  if (kind === "TimeoutError") {
    return failure(name, `${where} did not answer within ${LIMIT_MS / 1000} s`, UNREACHABLE + proxies(), {
      ...details,
      code: "timeout",
    });
  }
  const [meaning, remedy] = CODES[code ?? ""] ?? [message ?? "no response", UNREACHABLE];
  return failure(
    name,
    `${where} did not answer: ${meaning}${code ? ` (${code})` : ""}`,
    remedy + proxies(),
    details,
  );
}

/** Node's `fetch` ignores the proxy variables unless an option enables them. */
function proxies() {
  const { env } = process;
  const isSet = env.HTTPS_PROXY || env.https_proxy || env.HTTP_PROXY || env.http_proxy;
  return isSet && !env.NODE_USE_ENV_PROXY
    ? "; HTTPS_PROXY is set, which Node 24 uses only with NODE_USE_ENV_PROXY=1, and older Nodes never do"
    : "";
}
