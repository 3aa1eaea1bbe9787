/**
 * The checks of the endpoint: reachable, GraphQL, and its clock beside that of this machine.
 *
 * @module
 */

import { failure, ok, warning } from "./checks.js";
import { isHtml, send, shown, unreachable } from "./network.js";

/** @import { Check } from "./checks.js" */
/** @import { Answer } from "./network.js" */

/** Headers of firewalls and delivery networks that answer in place of a server. */
const FIREWALLS = [
  ["cf-mitigated", "Cloudflare"],
  ["cf-ray", "Cloudflare"],
  ["x-amzn-waf-action", "AWS WAF"],
  ["x-amz-cf-id", "CloudFront"],
  ["x-akamai-request-id", "Akamai"],
  ["akamai-grn", "Akamai"],
  ["x-sucuri-id", "Sucuri"],
  ["x-iinfo", "Imperva"],
  ["x-azure-ref", "Azure Front Door"],
];

/** Differences in ms that a header with whole seconds and a slow network do not explain, and that break protocols. */
const NOTABLE_MS = 30_000;
const HARMFUL_MS = 5 * 60_000;

/**
 * Sends a query without credentials.
 *
 * @param {string} url
 * @returns {Promise<{ checks: Check[], isGraphql: boolean }>}
 */
export async function checkEndpoint(url) {
  /** @type {Answer} */
  let answer;
  try {
    answer = await send(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query: "{ __typename }" }),
    });
  } catch (error) {
    return { checks: [unreachable("endpoint", url, error)], isGraphql: false };
  }
  const found = classify(url, answer);
  return { checks: [found, ...checkClock(answer)], isGraphql: found.status === "ok" };
}

/**
 * @param {string} url
 * @param {Answer} answer
 * @returns {Check}
 */
function classify(url, answer) {
  const { status, headers, type, text } = answer;
  const where = shown(url);
  const details = { code: "protocol", retryable: false };
  const location = headers.get("location");
  if (status >= 300 && status < 400) {
    const target = location === null ? "" : ` to ${hostOf(location, url)}`;
    return failure(
      "endpoint",
      `${where} redirects (HTTP ${status})${target}, and is not GraphQL`,
      "correct the endpoint; in a hotel or an office, sign in to the network in a browser first",
      details,
    );
  }
  if (isHtml(answer)) return html(where, answer);
  if (isGraphqlText(text)) {
    const took = answer.receivedAt - answer.sentAt;
    return ok("endpoint", `${where} answers as GraphQL (HTTP ${status}, ${took} ms)`);
  }
  if (status >= 500) {
    return failure("endpoint", `${where} answers HTTP ${status}`, "try again later", {
      code: "server",
      retryable: true,
    });
  }
  if (status === 429) {
    return failure("endpoint", `${where} limits the rate of requests (HTTP 429)`, "try again later", {
      code: "rate_limited",
      retryable: true,
    });
  }
  return failure(
    "endpoint",
    `${where} answers HTTP ${status} with ${type || "no content type"}, and is not GraphQL`,
    "correct the path of the endpoint",
    details,
  );
}

/**
 * @param {string} where
 * @param {Answer} answer
 * @returns {Check}
 */
function html(where, { status, headers }) {
  const firewall = FIREWALLS.find(([header = ""]) => headers.has(header))?.[1];
  const details = { code: "protocol", retryable: true };
  if (status === 403 || status === 429 || status === 503) {
    return failure(
      "endpoint",
      `${where} answers with an HTML page (HTTP ${status}${firewall ? `, by ${firewall}` : ""}): a firewall blocks this machine; the credentials were not judged`,
      "have the provider admit the address of this machine, or leave the VPN or the proxy",
      details,
    );
  }
  if (status >= 400) {
    return failure(
      "endpoint",
      `${where} answers with an HTML page (HTTP ${status}), and is not GraphQL`,
      "correct the host and the path of the endpoint",
      details,
    );
  }
  return failure(
    "endpoint",
    `${where} answers with an HTML page (HTTP ${status}), not with GraphQL: a website, or the sign-in page of a network`,
    "correct the endpoint; in a hotel or an office, sign in to the network in a browser first",
    details,
  );
}

/** Returns whether a body is a GraphQL response, also one that rejects the query. @param {string} text */
function isGraphqlText(text) {
  try {
    const body = JSON.parse(text);
    return typeof body === "object" && body !== null && ("data" in body || Array.isArray(body.errors));
  } catch {
    return false;
  }
}

/** @param {string} location @param {string} base */
function hostOf(location, base) {
  return URL.canParse(location, base) ? new URL(location, base).host : "an invalid address";
}

/**
 * Compares the clocks. A response from a cache has the date at which it was stored.
 *
 * @param {Answer} answer
 * @returns {Check[]}
 */
export function checkClock({ headers, sentAt, receivedAt }) {
  const date = Date.parse(headers.get("date") ?? "");
  if (Number.isNaN(date) || headers.has("age")) return [];
  // The header has whole seconds, rounded down, and was written between the two points in time.
  const ahead = sentAt > date + 1_000 ? sentAt - date - 1_000 : Math.min(0, receivedAt - date);
  const size = Math.abs(ahead);
  if (size < NOTABLE_MS) return [ok("clock", "agrees with the server's")];
  const message = `this machine's clock is ${spanText(size)} ${ahead > 0 ? "ahead of" : "behind"} the server's`;
  const remedy =
    "set the clock of this machine (`timedatectl set-ntp true`); if it is right, that of the server is wrong";
  if (size < HARMFUL_MS) return [warning("clock", message, remedy)];
  return [
    failure(
      "clock",
      `${message}: certificates, and tokens whose expiry is a point in time, are judged wrongly`,
      remedy,
    ),
  ];
}

/** @param {number} ms */
function spanText(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 2) return `${Math.round(ms / 1000)} s`;
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  return [days && `${days} d`, hours && `${hours} h`, rest && `${rest} min`].filter(Boolean).join(" ");
}
