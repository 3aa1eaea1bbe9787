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

/** Returns whether a value has the type of a private key. @param {unknown} key */
export const isPrivateKey = (key) =>
  (typeof key === "string" && key !== "") || (typeof key === "object" && key !== null);

/**
 * Returns a signed JWT.
 *
 * @param {PrivateKey} key
 * @param {string | undefined} algorithm by default, that of the kind of the key
 * @param {object} header without `alg` and `typ`
 * @param {object} claims
 */
export async function signedJwt(key, algorithm, header, claims) {
  const alg = algorithm ?? algorithmOf(key);
  const privateKey = await imported(key, alg);
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

/**
 * Returns a key for WebCrypto. One that was given as such is used as it is.
 *
 * @param {PrivateKey} key
 * @param {string} alg
 */
function imported(key, alg) {
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
  const body = /-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----/.exec(pem)?.[1];
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
export const encoded = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
