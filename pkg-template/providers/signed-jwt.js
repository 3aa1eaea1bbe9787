// JWTs that are signed with a private key of the program, by WebCrypto.
//
// Sources: RFC 7515 and 7518 section 3.1 for the signature; RFC 5958 (PKCS#8) and RFC 8017 appendix A.1.2 (PKCS#1) for keys.

/** @import { PrivateKey } from "./index.js" */

/** The algorithms by their names in a JWT, as WebCrypto names them. @type {Record<string, EcKeyImportParams & EcdsaParams>} */
const ALGORITHMS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", namedCurve: "" },
  ES256: { name: "ECDSA", hash: "SHA-256", namedCurve: "P-256" },
};

/** The identifiers of the kinds of keys in DER: `rsaEncryption` and `id-ecPublicKey`. */
const KINDS = { RS256: "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", ES256: "\x2a\x86\x48\xce\x3d\x02\x01" };

/** @param {unknown} name */
export const isAlgorithm = (name) => typeof name === "string" && Object.hasOwn(ALGORITHMS, name);

/**
 * Rejects an option that is not a private key, and a text that is not one in PEM. A function is called for each grant.
 *
 * @param {string} name of the function with the option
 * @param {string} option
 * @param {any} key
 * @param {string} [algorithm] that the key is for; by default any
 */
export function checkPrivateKey(name, option, key, algorithm) {
  if (typeof key === "string" && key !== "") {
    const found = algorithmOf(key);
    if (found !== (algorithm ?? found)) {
      throw new TypeError(
        `option \`${option}\` of ${name}() must be a key for ${algorithm}, not for ${found}`,
      );
    }
  } else if (typeof key !== "function" && !isKey(key)) {
    throw new TypeError(
      `option \`${option}\` of ${name}() must be a private key, or a function that returns one`,
    );
  }
}

/** @param {any} value @returns {value is PrivateKey} */
const isKey = (value) =>
  (typeof value === "string" && value !== "") || (typeof value === "object" && value !== null);

/**
 * Returns a signed JWT.
 *
 * @param {PrivateKey} key
 * @param {string | undefined} algorithm by default, that of the kind of the key
 * @param {object} header without `alg` and `typ`
 * @param {object} claims
 */
export async function signedJwt(key, algorithm, header, claims) {
  if (!isKey(key)) throw new TypeError("the function for the private key returned none");
  const alg = algorithm ?? algorithmOf(key);
  const privateKey = await signingKey(key, alg);
  const parts = [{ alg, typ: "JWT", ...header }, claims];
  const input = parts.map((part) => encoded(utf8(JSON.stringify(part)))).join(".");
  const signature = await crypto.subtle.sign(parametersOf(alg), privateKey, utf8(input));
  return `${input}.${encoded(new Uint8Array(signature))}`;
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
 * Returns a private key that signs by an algorithm. With any other, WebCrypto may make a signature that is not the one that
 * the header states.
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
 * Returns the bytes of a PEM text as characters, in the form of PKCS#8, which is the only one that WebCrypto reads.
 *
 * Line breaks may be the two characters `\n`, as in environment variables.
 *
 * @param {string} pem
 */
function der(pem) {
  const [, kind, body = ""] =
    /-----BEGIN (RSA )?PRIVATE KEY-----([^-]+)-----END \1PRIVATE KEY-----/.exec(pem) ?? [];
  const bytes = decoded(body.replace(/\\[rn]|\s/g, ""));
  if (bytes === "") {
    throw new TypeError(
      "the private key is not in PEM as PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1 (`BEGIN RSA PRIVATE KEY`), without a passphrase; convert it with `openssl pkcs8 -topk8 -nocrypt`",
    );
  }
  return kind === undefined ? bytes : pkcs8(bytes);
}

/** Returns the characters of a text in base64; none if it is not base64. @param {string} text */
function decoded(text) {
  try {
    return atob(text);
  } catch {
    return "";
  }
}

/**
 * Returns PKCS#8 of an RSA key in PKCS#1: version 0, the algorithm with its parameter NULL, and the key (RFC 5958 section 2).
 *
 * @param {string} pkcs1
 */
function pkcs8(pkcs1) {
  const algorithm = element(0x30, `${element(0x06, KINDS.RS256)}\x05\x00`);
  return element(0x30, `\x02\x01\x00${algorithm}${element(0x04, pkcs1)}`);
}

/**
 * Returns an element of DER: its tag, the length of its content, and the content (X.690 section 8.1.3).
 *
 * @param {number} tag
 * @param {string} content
 */
function element(tag, content) {
  const length = [];
  for (let rest = content.length; rest > 0; rest >>= 8) length.unshift(rest & 0xff);
  if (content.length > 0x7f) length.unshift(0x80 | length.length);
  return String.fromCharCode(tag, ...length) + content;
}

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text);

/**
 * Returns base64url without padding.
 *
 * @param {Uint8Array} bytes
 */
export const encoded = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
