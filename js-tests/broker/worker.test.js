/**
 * The broker in a Cloudflare Worker, as workerd runs it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { digestOf } from "./support.js";

/**
 * Stands for a manager: workerd compiles no WebAssembly at run time, and this is about the broker's own code.
 * `Date` and `crypto` are the Worker's.
 */
const WORKER = `
  import { createBroker } from "graphql-token-manager/broker";

  let number = 1;
  const held = () => ({
    value: "token-" + number, tokenType: "Bearer", scopes: ["a"], issuedAt: 0, expiresAt: Date.now() + 60_500,
  });
  const tokens = {
    getAccessToken: async () => held(),
    peek: held,
    status: () => ({}),
    invalidate: (token) => void (token === held().value && number++),
  };
  export default {
    fetch: createBroker(tokens, {
      authorize: (request) => (request.headers.get("cookie") === "sid=1" ? {} : null),
      allowedOrigins: ["https://other.test"],
    }),
  };
`;

/** @type {Miniflare} */
let worker;
before(async () => {
  const { outputFiles } = await build({
    stdin: { contents: WORKER, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: "esm",
    conditions: ["workerd", "worker"],
  });
  // As it is: the code for Node 18, which imports, is never reached.
  const contents = outputFiles[0]?.text ?? "";
  worker = new Miniflare({
    modules: [{ type: "ESModule", path: "worker.js", contents }],
    compatibilityDate: "2026-04-01",
  });
});
after(() => worker.dispose());

/** @param {Record<string, string>} headers @param {Record<string, string>} [form] @returns {Promise<any>} */
const ask = (headers, form = {}) =>
  worker.dispatchFetch("https://app.test/token", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: String(new URLSearchParams(form)),
  });

test("a page of a Worker's site is given a token, and another one when that was refused", async () => {
  const headers = { origin: "https://app.test", cookie: "sid=1" };

  const first = await ask(headers);
  const second = await ask(headers, { refused: digestOf("token-1") });

  assert.equal(first.headers.get("cache-control"), "no-store");
  assert.deepEqual(await first.json(), {
    access_token: "token-1",
    token_type: "Bearer",
    expires_in: 60,
    scope: "a",
  });
  assert.equal((await second.json()).access_token, "token-2");
});

test("who is not signed in, and pages of other sites, are refused", async () => {
  const cookie = "sid=1";
  for (const [headers, status, allowed] of /** @type {[Record<string, string>, number, string | null][]} */ ([
    [{ origin: "https://app.test" }, 401, null],
    [{ origin: "https://evil.test", cookie }, 403, null],
    [{ origin: "https://other.test", cookie }, 200, "https://other.test"],
  ])) {
    const response = await ask(headers);
    await response.text();

    assert.equal(response.status, status);
    assert.equal(response.headers.get("access-control-allow-origin"), allowed);
  }
});
