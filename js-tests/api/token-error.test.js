// The error class `TokenError`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { createContext, runInContext } from "node:vm";

import "../support/guard.js";
import { TokenError } from "graphql-token-manager";

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve("graphql-token-manager/package.json"));

const CODES = /** @type {const} */ ({
  invalid_options: false,
  invalid_credentials: false,
  credentials_unavailable: true,
  insufficient_scope: false,
  token_rejected: false,
  rate_limited: true,
  network: true,
  timeout: true,
  server: true,
  protocol: false,
  store: true,
  closed: false,
  unsupported: false,
  wasm_blocked: false,
});

/** @typedef {keyof typeof CODES} Code */

describe("a TokenError", () => {
  test("is an Error with a name, a code and a message", () => {
    const error = new TokenError("network", "it is dark");

    assert.ok(error instanceof Error);
    assert.ok(error instanceof TokenError);
    assert.equal(error.name, "TokenError");
    assert.equal(error.code, "network");
    assert.equal(error.message, "it is dark");
    assert.equal(String(error), "TokenError: it is dark");
    assert.match(`${error.stack}`, /^TokenError: it is dark|^Error: it is dark/);
  });

  test("is retryable or not by its code, unless specified", () => {
    for (const [code, retryable] of /** @type {[Code, boolean][]} */ (Object.entries(CODES))) {
      assert.equal(new TokenError(code, "x").retryable, retryable, code);
      assert.equal(new TokenError(code, "x", { retryable: !retryable }).retryable, !retryable, code);
    }
  });

  test("has the details that it was constructed with, and no others", () => {
    const details = {
      provider: "acme",
      status: 503,
      requestId: "r-1",
      retryAfterMs: 5,
      missingScopes: ["A"],
      attempts: 2,
    };

    const bare = new TokenError("server", "x");
    const full = new TokenError("server", "x", /** @type {any} */ ({ ...details, token: "planted" }));

    assert.deepEqual(Object.keys(bare).sort(), ["code", "name", "retryable"]);
    assert.deepEqual({ ...full }, { name: "TokenError", code: "server", retryable: true, ...details });
    assert.equal("cause" in bare, false);
  });

  test("with the code `insufficient_scope` always has a list of scopes", () => {
    const unknown = new TokenError("insufficient_scope", "x");
    const known = new TokenError("insufficient_scope", "x", { missingScopes: ["A"] });
    const other = new TokenError("network", "x");

    assert.deepEqual(
      [unknown.missingScopes, known.missingScopes, other.missingScopes],
      [[], ["A"], undefined],
    );
  });

  test("keeps its cause, if one was given", () => {
    const cause = new Error("before");

    const error = new TokenError("server", "x", { cause });

    assert.equal(error.cause, cause);
    assert.ok(!Object.keys(error).includes("cause"));
  });

  test("is serialized to JSON and printed with its code", () => {
    const error = new TokenError("server", "x", { status: 503 });

    assert.deepEqual(JSON.parse(JSON.stringify(error)), {
      name: "TokenError",
      code: "server",
      retryable: true,
      status: 503,
    });
    assert.match(inspect(error), /TokenError: x[^]*code: 'server'[^]*status: 503/);
  });

  test("can be subclassed", () => {
    class Special extends TokenError {}

    assert.ok(TokenError.is(new Special("server", "x")));
  });
});

describe("TokenError.is", () => {
  test("accepts instances of its class, and nothing else", () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error("no");
        },
      },
    );

    assert.equal(TokenError.is(new TokenError("server", "x")), true);
    for (const other of [
      undefined,
      null,
      0,
      "x",
      {},
      new Error("x"),
      { code: "server", name: "TokenError" },
      hostile,
    ]) {
      assert.equal(TokenError.is(other), false);
    }
  });

  test("accepts the errors of another copy of the package, both ways", async () => {
    const { href } = new URL(`file://${join(folder, "dist", "index.js")}`);
    const [one, other] = await Promise.all([import(`${href}?copy=1`), import(`${href}?copy=2`)]);
    const cjs = require(join(folder, "dist", "index.cjs"));

    for (const copy of [one, other, cjs]) {
      const foreign = new copy.TokenError("server", "x");

      assert.notEqual(copy.TokenError, TokenError);
      assert.equal(foreign instanceof TokenError, false);
      assert.equal(TokenError.is(foreign), true);
      assert.equal(copy.TokenError.is(new TokenError("server", "x")), true);
    }
  });

  test("accepts the errors of another realm, both ways", () => {
    const context = createContext({ module: { exports: {} } });
    runInContext(readFileSync(join(folder, "dist", "index.cjs"), "utf8"), context);
    const { TokenError: Foreign } = context.module.exports;

    const foreign = new Foreign("server", "x");

    assert.equal(foreign instanceof Error, false);
    assert.equal(TokenError.is(foreign), true);
    assert.equal(Foreign.is(new TokenError("server", "x")), true);
    assert.equal(Foreign.is(new Error("x")), false);
  });
});
