// Client assertions: JWTs that a client signs with its private key, `private_key_jwt` of OpenID Connect.
//
// Sources: RFC 7523 sections 2.2 and 3; RFC 7518 section 3.1 for the algorithms.

/** @import { ClientAssertionOptions, PrivateKey } from "./index.js" */

/** The algorithms by their names in a JWT, as WebCrypto names them. @type {Record<string, EcKeyImportParams & EcdsaParams>} */
const ALGORITHMS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", namedCurve: "" },
  ES256: { name: "ECDSA", hash: "SHA-256", namedCurve: "P-256" },
};

/** The identifiers of the kinds of keys in DER: `rsaEncryption` and `id-ecPublicKey`. */
const KINDS = { RS256: "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", ES256: "\x2a\x86\x48\xce\x3d\x02\x01" };

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
    const given = typeof key === "function" ? await key() : key;
    if (!isKey(given)) throw new TypeError("the function `key` of clientAssertion() returned no private key");
    const alg = algorithm ?? algorithmOf(given);
    const privateKey = await signingKey(given, alg);
    const now = Math.floor(Date.now() / 1000);
    const header = { alg, typ: "JWT", kid: keyId };
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: audience,
      jti: encoded(crypto.getRandomValues(new Uint8Array(16))),
      iat: now,
      exp: now + Math.floor(lifetimeMs / 1000),
    };
    const input = [header, claims].map((part) => encoded(utf8(JSON.stringify(part)))).join(".");
    const signature = await crypto.subtle.sign(parametersOf(alg), privateKey, utf8(input));
    return `${input}.${encoded(new Uint8Array(signature))}`;
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
  if (typeof key !== "function" && !isKey(key)) {
    throw new TypeError(
      "option `key` of clientAssertion() must be a private key, or a function that returns one",
    );
  }
  if (algorithm !== undefined && !Object.hasOwn(ALGORITHMS, algorithm)) {
    throw new TypeError('option `algorithm` of clientAssertion() must be "RS256" or "ES256"');
  }
  if (typeof lifetimeMs !== "number" || !(lifetimeMs >= 1000 && lifetimeMs <= MAX_LIFETIME_MS)) {
    throw new TypeError("option `lifetimeMs` of clientAssertion() must be a number from 1,000 to 3,600,000");
  }
}

/** Returns whether a value may be a private key. @param {unknown} key @returns {key is PrivateKey} */
const isKey = (key) => (typeof key === "string" ? key !== "" : typeof key === "object" && key !== null);

/** @param {any} options @param {string} name */
function requireText(options, name) {
  if (typeof options[name] !== "string" || options[name] === "") {
    throw new TypeError(`option \`${name}\` of clientAssertion() must be a string that is not empty`);
  }
}

/**
 * Returns the algorithm for a key.
 *
 * @param {PrivateKey} key
 */
function algorithmOf(key) {
  const found = Object.keys(ALGORITHMS).find((alg) => {
    if (typeof key === "string")
      return der(key)
        .slice(0, 40)
        .includes(KINDS[/** @type {"RS256"} */ (alg)]);
    if ("kty" in key) return key.kty === (alg === "RS256" ? "RSA" : "EC");
    return /** @type {CryptoKey} */ (key).algorithm?.name === ALGORITHMS[alg]?.name;
  });
  if (found === undefined) {
    throw new TypeError("the private key is neither an RSA nor an EC key; give one for RS256 or ES256");
  }
  return found;
}

/** The keys that an algorithm signs with (RFC 7518 sections 3.3 and 3.4). @type {Record<string, string>} */
const KEYS = {
  RS256: "an RSA key of at least 2048 bits, in WebCrypto with SHA-256",
  ES256: "an EC key with the curve P-256",
};

/**
 * Returns a private key that signs by an algorithm. With any other, WebCrypto may make a signature that is not the one that the
 * header of the assertion states.
 *
 * @param {PrivateKey} key
 * @param {string} alg
 */
async function signingKey(key, alg) {
  /** @type {any} */
  let found;
  try {
    found = await imported(key, alg);
  } catch (error) {
    // One of WebCrypto for an unfit key is a `DOMException`.
    if (error instanceof TypeError) throw error;
  }
  const { name, hash, namedCurve, modulusLength } = found?.algorithm ?? {};
  const isFit = alg === "RS256" ? hash?.name === "SHA-256" && modulusLength >= 2048 : namedCurve === "P-256";
  if (name !== ALGORITHMS[alg]?.name || !isFit || !found.usages?.includes("sign")) {
    throw new TypeError(`the private key does not sign by ${alg}, which needs ${KEYS[alg]}; give such a key`);
  }
  return /** @type {CryptoKey} */ (found);
}

/**
 * Returns a key for WebCrypto. One that was given as such is used as it is.
 *
 * @param {PrivateKey} key
 * @param {string} alg
 */
async function imported(key, alg) {
  const parameters = parametersOf(alg);
  if (typeof key === "string") {
    const bytes = Uint8Array.from(der(key), (character) => character.charCodeAt(0));
    return crypto.subtle.importKey("pkcs8", bytes, parameters, false, ["sign"]);
  }
  if (!("kty" in key)) return /** @type {CryptoKey} */ (key);
  // Members of the key that WebCrypto would compare with its purpose here.
  const { use, key_ops, alg: _, ...jwk } = /** @type {JsonWebKey} */ (key);
  return crypto.subtle.importKey("jwk", jwk, parameters, false, ["sign"]);
}

/** @param {string} alg */
const parametersOf = (alg) => /** @type {EcKeyImportParams & EcdsaParams} */ (ALGORITHMS[alg]);

/**
 * Returns the bytes of a PEM text (PKCS#8, RFC 7468 section 10), as characters.
 *
 * @param {string} pem
 */
function der(pem) {
  const body = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(pem)?.[1];
  if (body === undefined) {
    throw new TypeError(
      "the private key is not PKCS#8 in PEM (`BEGIN PRIVATE KEY`); convert it with `openssl pkcs8 -topk8 -nocrypt`",
    );
  }
  return atob(body.replace(/\s/g, ""));
}

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text);

/**
 * Returns base64url without padding.
 *
 * @param {Uint8Array} bytes
 */
const encoded = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
