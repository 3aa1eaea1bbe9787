// The parts of Content Security Policy that `doctor` judges.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";

import { PACKAGE } from "./support.js";

const { allowsConnection, allowsWasm, parsePolicies, policiesOfPage } = await import(
  pathToFileURL(join(PACKAGE, "bin/doctor/csp.js")).href
);

/** @param {string} text */
const policy = (text) => parsePolicies(text)[0];

describe("WebAssembly", () => {
  for (const [text, expected] of /** @type {const} */ ([
    ["script-src 'self' 'wasm-unsafe-eval'", true],
    ["SCRIPT-SRC 'WASM-UNSAFE-EVAL'", true],
    ["script-src 'unsafe-eval'", true],
    ["default-src 'self' 'wasm-unsafe-eval'", true],
    ["img-src 'none'", true],
    ["script-src 'self'", false],
    ["default-src 'none'", false],
    ["script-src", false],
    ["default-src 'wasm-unsafe-eval'; script-src 'self'", false],
    ["script-src 'self'; script-src 'wasm-unsafe-eval'", false],
    ["script-src wasm-unsafe-eval", false],
  ])) {
    test(`is ${expected ? "allowed" : "forbidden"} by ${text}`, () => {
      assert.equal(allowsWasm(policy(text)), expected);
    });
  }
});

describe("a request to https://api.example/graphql from https://shop.example", () => {
  for (const [sources, expected] of /** @type {const} */ ([
    ["*", true],
    ["https:", true],
    ["http:", true],
    ["https://api.example", true],
    ["http://api.example", true],
    ["api.example", true],
    ["API.example", true],
    ["api.example:443", true],
    ["api.example:*", true],
    ["https://api.example/", true],
    ["https://api.example/graphql", true],
    ["'self' *.example", true],
    ["'self'", false],
    ["'none'", false],
    ["", false],
    ["wss:", false],
    ["https://api.example/graphql/", false],
    ["https://api.example/other", false],
    ["https://api.example:8443", false],
    ["https://example", false],
    ["*.api.example", false],
    ["https://evil-api.example", false],
  ])) {
    test(`is ${expected ? "allowed" : "forbidden"} by connect-src ${sources}`, () => {
      const url = new URL("https://api.example/graphql");
      const page = new URL("https://shop.example/");
      assert.equal(allowsConnection(policy(`connect-src ${sources}`), url, page), expected);
    });
  }
});

test("a request to another port of the page's host needs a source of its own", () => {
  const page = new URL("http://127.0.0.1:3000/");
  const url = new URL("http://127.0.0.1:4000/graphql");

  const allowed = ["'self'", "http://127.0.0.1:4000", "127.0.0.1:4000", "127.0.0.1"].map((source) =>
    allowsConnection(policy(`connect-src ${source}`), url, page),
  );

  assert.deepEqual(allowed, [false, true, true, false]);
});

test("a header with several policies has all of them", () => {
  const policies = parsePolicies("script-src 'unsafe-eval', script-src 'self', ");

  assert.deepEqual(policies.map(allowsWasm), [true, false]);
});

test("a page's policies are read from its meta elements, not from its comments", () => {
  const policies = policiesOfPage(`<!doctype html>
    <!-- <meta http-equiv="Content-Security-Policy" content="script-src 'none'"> -->
    <META content='default-src &#39;self&#39;' HTTP-EQUIV=content-security-policy >
    <meta http-equiv="content-security-policy-report-only" content="script-src 'none'">
    <meta name="description" content="content-security-policy">`);

  assert.equal(policies.length, 1);
  assert.deepEqual(policies[0].get("default-src"), ["'self'"]);
});
