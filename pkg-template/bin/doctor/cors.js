/**
 * The checks of what a page of an origin may request: a broker, and the API.
 *
 * @module
 */

import { failure, ok, warning } from "./checks.js";
import { isHtml, send, shown, unreachable } from "./network.js";

/** @import { Check } from "./checks.js" */
/** @import { Answer } from "./network.js" */

/**
 * Requests a token as a page of the origin would, without cookies. The token of a response is not used.
 *
 * @param {string} url
 * @param {string} origin
 * @returns {Promise<Check[]>}
 */
export async function checkBroker(url, origin) {
  const own = new URL(url).origin === origin;
  const headers = { origin, "sec-fetch-site": own ? "same-origin" : "cross-site", "sec-fetch-mode": "cors" };
  const ask = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
  };
  try {
    const preflight = own
      ? undefined
      : await send(url, { method: "OPTIONS", headers: { ...headers, ...ask } });
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const answer = await send(url, { method: "POST", headers: { ...headers, ...form }, body: "" });
    const checks = [classify(url, origin, answer)];
    if (checks[0]?.status !== "failure" && preflight)
      checks.push(...checkResponseCors(url, origin, preflight, answer));
    return checks;
  } catch (error) {
    return [unreachable("broker", url, error)];
  }
}

/**
 * @param {string} url
 * @param {string} origin
 * @param {Answer} answer
 * @returns {Check}
 */
function classify(url, origin, answer) {
  const { status, headers } = answer;
  const where = shown(url);
  const error = errorOf(answer);
  if (error === "unauthorized_client") {
    return failure(
      "broker",
      `${where} refuses pages of ${origin} (HTTP ${status})`,
      `add "${origin}" to allowedOrigins of createBroker; if it is the broker's own origin, behind a proxy, set its option origin`,
      { code: "cors" },
    );
  }
  if (status === 401) return ok("broker", `${where} requires a signed-in user (HTTP 401)`);
  if (status >= 200 && status < 300 && headers.get("content-type")?.includes("json")) {
    if (!/no-store/.test(headers.get("cache-control") ?? "")) {
      return failure("broker", `${where} lets caches store tokens`, "answer with Cache-Control: no-store");
    }
    return warning(
      "broker",
      `${where} gives a token to a request without a cookie or another proof of a user`,
      "if that is not meant, let authorize return null unless somebody is signed in",
    );
  }
  if (status === 429)
    return warning("broker", `${where} limits the rate of requests`, "see its option rateLimit");
  if (status >= 500 && error !== undefined) {
    return failure(
      "broker",
      `${where} has no token to give (HTTP ${status}, ${error})`,
      "the cause is reported to onError of createBroker, on the server",
      { code: "server", retryable: status === 503 },
    );
  }
  const what = isHtml(answer) ? "an HTML page" : answer.type || "no content type";
  return failure(
    "broker",
    `${where} answers HTTP ${status} with ${what}, which is not that of a broker`,
    "correct the path, and route POST and OPTIONS of it to the broker",
    { code: "protocol" },
  );
}

/** Returns the code of an OAuth error, RFC 6749 section 5.2. @param {Answer} answer */
function errorOf({ text }) {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" && /^\w{1,40}$/.test(error) ? error : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} url
 * @param {string} origin
 * @param {Answer} preflight
 * @param {Answer} answer
 * @returns {Check[]}
 */
function checkResponseCors(url, origin, preflight, answer) {
  const allowed = answer.headers.get("access-control-allow-origin");
  if (allowed !== origin && allowed !== "*") {
    const found =
      allowed === null ? "no Access-Control-Allow-Origin" : "the Access-Control-Allow-Origin of another";
    return [
      failure(
        "cors",
        `${shown(url)} answers pages of ${origin} with ${found}, so the browser withholds the response`,
        `add "${origin}" to allowedOrigins of createBroker, and let no proxy remove the header`,
        { code: "cors" },
      ),
    ];
  }
  if (preflight.status >= 300 || preflight.headers.get("access-control-allow-origin") === null) {
    return [
      warning(
        "cors",
        `${shown(url)} does not answer preflights (HTTP ${preflight.status})`,
        "route OPTIONS to the broker as well; requests with headers of their own need it",
      ),
    ];
  }
  if (answer.headers.get("access-control-allow-credentials") !== "true") {
    return [
      warning(
        "cors",
        `${shown(url)} does not accept cookies of pages of ${origin}`,
        "add Access-Control-Allow-Credentials: true if users are recognised by a cookie",
      ),
    ];
  }
  return [ok("cors", `pages of ${origin} may request tokens`)];
}

/**
 * Checks by a preflight whether pages of an origin may send a token to the API.
 *
 * @param {string} url
 * @param {string} origin
 * @returns {Promise<Check>}
 */
export async function checkApiCors(url, origin) {
  const name = "api cors";
  if (new URL(url).origin === origin) return ok(name, "the API has the origin of the page");
  try {
    const { status, headers } = await send(url, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
      },
    });
    const allowed = headers.get("access-control-allow-origin");
    const accepted = headers.get("access-control-allow-headers")?.toLowerCase() ?? "";
    if (status >= 300 || (allowed !== origin && allowed !== "*")) {
      return failure(
        name,
        `${shown(url)} does not accept requests of pages of ${origin} (HTTP ${status})`,
        "have the API admit the origin, or send the requests through a server of yours",
        { code: "cors" },
      );
    }
    // A star does not stand for Authorization.
    if (!/\bauthorization\b/.test(accepted)) {
      return failure(
        name,
        `${shown(url)} does not accept the header Authorization from pages`,
        "have the API list it in Access-Control-Allow-Headers, or send the requests through a server of yours",
        { code: "cors" },
      );
    }
    return ok(name, `pages of ${origin} may send tokens to ${shown(url)}`);
  } catch (error) {
    return unreachable(name, url, error);
  }
}
