// Client assertions: JWTs that a client signs with its private key, `private_key_jwt` of OpenID Connect.
//
// Source: RFC 7523 sections 2.2 and 3.

import { checkPrivateKey, encoded, isAlgorithm, signedJwt } from "./signed-jwt.js";

/** @import { ClientAssertionOptions } from "./index.js" */

const DEFAULT_LIFETIME_MS = 60_000;
const MAX_LIFETIME_MS = 3_600_000;

/**
 * Returns a function that returns a new assertion at each call.
 *
 * @param {ClientAssertionOptions} options
 * @returns {() => Promise<string>}
 */
export function clientAssertion(options) {
  check(options);
  const { key, keyId, clientId, audience, algorithm, lifetimeMs = DEFAULT_LIFETIME_MS } = options;
  return async () => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: audience,
      jti: encoded(crypto.getRandomValues(new Uint8Array(16))),
      iat: now,
      exp: now + Math.floor(lifetimeMs / 1000),
    };
    return signedJwt(typeof key === "function" ? await key() : key, algorithm, { kid: keyId }, claims);
  };
}

const NAMES = "key keyId clientId audience algorithm lifetimeMs";

/** @param {any} options */
function check(options) {
  const known = NAMES.split(" ");
  if (
    typeof options !== "object" ||
    options === null ||
    Object.keys(options).some((key) => !known.includes(key))
  ) {
    throw new TypeError(`clientAssertion() takes an object with the options \`${known.join("`, `")}\``);
  }
  for (const name of ["clientId", "audience"]) requireText(options, name);
  if (options.keyId !== undefined) requireText(options, "keyId");
  const { key, algorithm, lifetimeMs = DEFAULT_LIFETIME_MS } = options;
  if (algorithm !== undefined && !isAlgorithm(algorithm)) {
    throw new TypeError('option `algorithm` of clientAssertion() must be "RS256" or "ES256"');
  }
  checkPrivateKey("clientAssertion", "key", key, algorithm);
  if (typeof lifetimeMs !== "number" || !(lifetimeMs >= 1000 && lifetimeMs <= MAX_LIFETIME_MS)) {
    throw new TypeError("option `lifetimeMs` of clientAssertion() must be a number from 1,000 to 3,600,000");
  }
}

/** @param {any} options @param {string} name */
function requireText(options, name) {
  if (typeof options[name] !== "string" || options[name] === "") {
    throw new TypeError(`option \`${name}\` of clientAssertion() must be a string that is not empty`);
  }
}
