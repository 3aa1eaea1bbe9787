// Client assertions: signatures, claims, and their use at a token endpoint.

import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { describe, test } from "node:test";

import { clientAssertion, oauth2 } from "graphql-token-manager/providers";

import { managerFor } from "../support/setup.js";

const AUDIENCE = "https://id.test/token";
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const base = { clientId: "reports", audience: AUDIENCE };

/** @param {import("node:crypto").KeyObject} key */
const pem = (key) => `${key.export({ type: "pkcs8", format: "pem" })}`;

/** @param {import("node:crypto").KeyObject} key */
const pkcs1 = (key) => `${key.export({ type: "pkcs1", format: "pem" })}`;

/** @param {string} jwt */
function read(jwt) {
  const [header, claims, signature] = jwt.split(".").map((part) => Buffer.from(part, "base64url"));
  return {
    header: JSON.parse(`${header}`),
    claims: JSON.parse(`${claims}`),
    signature: /** @type {Buffer} */ (signature),
    input: Buffer.from(jwt.slice(0, jwt.lastIndexOf("."))),
  };
}

const imported = crypto.subtle.importKey(
  "pkcs8",
  ec.privateKey.export({ type: "pkcs8", format: "der" }),
  { name: "ECDSA", namedCurve: "P-256" },
  false,
  ["sign"],
);

describe("a client assertion", () => {
  for (const [form, pair, key] of /** @type {const} */ ([
    ["an RSA key in PEM", rsa, pem(rsa.privateKey)],
    ["an RSA key in PEM of PKCS#1", rsa, pkcs1(rsa.privateKey)],
    ["an RSA key whose line breaks are escaped", rsa, pkcs1(rsa.privateKey).replaceAll("\n", "\\n")],
    ["an EC key in PEM", ec, pem(ec.privateKey)],
    ["an RSA key as JWK", rsa, { ...rsa.privateKey.export({ format: "jwk" }), use: "sig", alg: "PS256" }],
    ["an EC key as JWK", ec, ec.privateKey.export({ format: "jwk" })],
    ["a key of WebCrypto", ec, () => imported],
    ["a function that returns a key", rsa, async () => pem(rsa.privateKey)],
  ])) {
    test(`is signed with ${form}`, async () => {
      const assertion = clientAssertion({ ...base, key: /** @type {any} */ (key), keyId: "k1" });

      const { header, claims, signature, input } = read(await assertion());

      const alg = pair === rsa ? "RS256" : "ES256";
      assert.deepEqual(header, { alg, typ: "JWT", kid: "k1" });
      const { iss, sub, aud, iat, exp } = claims;
      assert.deepEqual([iss, sub, aud, exp - iat], ["reports", "reports", AUDIENCE, 60]);
      const publicKey = createPublicKey(pair.publicKey.export({ type: "spki", format: "pem" }));
      assert.ok(verify("sha256", input, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature));
      assert.notEqual(read(await assertion()).claims.jti, claims.jti);
    });
  }

  test("is signed with a longer key in PEM of PKCS#1", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });

    const jwt = await clientAssertion({ ...base, key: pkcs1(privateKey) })();

    const { input, signature } = read(jwt);
    assert.ok(verify("sha256", input, publicKey, signature));
  });

  test("replaces the client's secret at a token endpoint", async (t) => {
    /** @type {URLSearchParams[]} */
    const forms = [];
    const fetch = async (/** @type {string} */ _url, /** @type {RequestInit} */ { body }) => {
      forms.push(new URLSearchParams(`${body}`));
      return Response.json({ access_token: `token-${forms.length}`, expires_in: 3600 });
    };
    const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    const client_assertion = clientAssertion({ ...base, key: pem(ec.privateKey) });
    const provider = oauth2({
      endpoint: "https://api.test/graphql",
      tokenEndpoint: AUDIENCE,
      clientId: "reports",
      parameters: { client_assertion_type: type, client_assertion },
    });
    const tokens = managerFor(t, { provider, fetch });

    assert.equal(await tokens.getToken(), "token-1");
    await tokens.refresh();

    const [first, second] = forms.map((form) => form.get("client_assertion"));
    assert.equal(forms[0]?.get("client_assertion_type"), type);
    assert.equal(read(`${first}`).claims.sub, "reports");
    assert.notEqual(first, second);
  });

  test("requires valid options", async () => {
    const key = pem(ec.privateKey);
    for (const options of [
      undefined,
      { ...base },
      { ...base, key: "" },
      { key, audience: AUDIENCE },
      { ...base, key, audience: "" },
      { ...base, key, keyId: 7 },
      { ...base, key, algorithm: "HS256" },
      { ...base, key, algorithm: "RS256" },
      { ...base, key, lifetimeMs: 999 },
      { ...base, key, lifetimeMs: Number.NaN },
      { ...base, key, lifetimeMs: "60000" },
      { ...base, key, issuer: "x" },
    ]) {
      assert.throws(() => clientAssertion(/** @type {any} */ (options)), TypeError);
    }
  });

  test("rejects a text that is not a private key in PEM, and does not quote it", async () => {
    const passphrase = { cipher: "aes-128-cbc", passphrase: "x" };
    for (const wrong of [
      "planted",
      "-----BEGIN PRIVATE KEY-----\nplanted!\n-----END PRIVATE KEY-----",
      "-----BEGIN RSA PRIVATE KEY-----\n\n-----END RSA PRIVATE KEY-----",
      pkcs1(rsa.privateKey).replace("END RSA", "END"),
      `${ec.privateKey.export({ type: "sec1", format: "pem" })}`,
      `${rsa.privateKey.export({ type: "pkcs1", format: "pem", ...passphrase })}`,
      `${rsa.privateKey.export({ type: "pkcs8", format: "pem", ...passphrase })}`,
    ]) {
      assert.throws(
        () => clientAssertion({ ...base, key: wrong }),
        (/** @type {any} */ error) => error instanceof TypeError && !error.stack?.includes("planted"),
      );
      await assert.rejects(clientAssertion({ ...base, key: () => wrong })(), TypeError);
    }
    await assert.rejects(clientAssertion({ ...base, key: { kty: "oct" } })(), TypeError);
    for (const returned of [null, undefined, 7, ""]) {
      const key = () => /** @type {any} */ (returned);
      await assert.rejects(clientAssertion({ ...base, key })(), TypeError);
    }
    // PKCS#8 under the name of PKCS#1.
    const mislabelled = pem(rsa.privateKey).replaceAll("PRIVATE", "RSA PRIVATE");
    await assert.rejects(clientAssertion({ ...base, key: mislabelled })());
  });

  test("is not signed with a key of another size, curve or hash than its algorithm", async () => {
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
    const { privateKey: other } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const publicExponent = new Uint8Array([1, 0, 1]);
    const generated = [
      { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent, hash: "SHA-512" },
      { name: "ECDSA", namedCurve: "P-384" },
    ].map(async (parameters) => crypto.subtle.generateKey(parameters, false, ["sign", "verify"]));
    const [sha512, p384] = /** @type {CryptoKeyPair[]} */ (await Promise.all(generated));
    for (const [key, algorithm] of [
      [pem(weak)],
      [pem(other)],
      [other.export({ format: "jwk" })],
      [sha512?.privateKey],
      [p384?.privateKey],
      [ec.publicKey.export({ format: "jwk" })],
      [pem(ec.privateKey), "RS256"],
      [pem(rsa.privateKey), "ES256"],
      [[], "ES256"],
    ]) {
      const options = /** @type {any} */ ({ ...base, key, algorithm });
      await assert.rejects(async () => clientAssertion(options)(), TypeError);
    }
  });
});
