// Validates the options of a broker when it is created, before the first request.

/** @import { BrokerOptions } from "../../broker.js" */

const KNOWN = ["authorize", "allowedOrigins", "origin", "subject", "rateLimit", "onError"];

/** The default limit for each subject: enough for one request a second, and low enough to stop a page in a loop. */
const RATE_LIMIT = { requests: 60, perMs: 60_000 };

/**
 * @param {unknown} tokens
 * @param {unknown} options
 * @returns {{ allowedOrigins: string[], origin: string | undefined, rateLimit: typeof RATE_LIMIT | undefined }}
 */
export function checkOptions(tokens, options) {
  if (typeof Object(tokens).getAccessToken !== "function") {
    throw wrong("takes a TokenManager: createBroker(tokens, { authorize })");
  }
  const { authorize, allowedOrigins = [], origin, subject, onError } = Object(options);
  const unknown = Object.keys(Object(options)).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) {
    throw wrong(`does not know an option that was given; known are \`${KNOWN.join("`, `")}\``);
  }
  if (typeof authorize !== "function") {
    throw wrong(
      "needs `authorize`, a function: (request) => selector, {} for the manager's own session, or null",
    );
  }
  for (const [name, value] of Object.entries({ subject, onError })) {
    if (value !== undefined && typeof value !== "function") throw wrong(`takes a function as \`${name}\``);
  }
  if (!Array.isArray(allowedOrigins) || !allowedOrigins.every(isOrigin)) {
    throw wrong(
      'takes `allowedOrigins` as an array such as ["https://app.example.com"], without paths, `*` and "null"',
    );
  }
  if (origin !== undefined && !isOrigin(origin)) {
    throw wrong('takes `origin` as the broker\'s own, such as "https://app.example.com", without a path');
  }
  return { allowedOrigins, origin, rateLimit: rateLimit(Object(options).rateLimit) };
}

/** @param {any} given */
function rateLimit(given = RATE_LIMIT) {
  if (given === false) return undefined;
  const { requests, perMs, ...others } = { ...RATE_LIMIT, ...Object(given) };
  const isSpan = Number.isFinite(perMs) && perMs >= 1;
  if (Object(given) === given && Number.isInteger(requests) && requests >= 1 && isSpan && isEmpty(others)) {
    return { requests, perMs };
  }
  throw wrong(
    "takes `rateLimit` as { requests: 60, perMs: 60_000 }, a whole number and milliseconds, or false",
  );
}

/** @param {object} object */
const isEmpty = (object) => Object.keys(object).length === 0;

/** @param {unknown} text */
function isOrigin(text) {
  try {
    const { origin, protocol } = new URL(/** @type {string} */ (text));
    // An origin with `*` is a pattern, which does not equal the origin of any page.
    return origin === text && protocol.startsWith("http") && !origin.includes("*");
  } catch {
    return false;
  }
}

/** @param {string} what */
const wrong = (what) => new TypeError(`createBroker ${what}`);
