/**
 * The broker in a Cloudflare Worker, run by workerd, with the entry that its export condition selects.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { startSandbox } from "graphql-token-manager/testing";
import { Miniflare } from "miniflare";
import { braintree } from "../support/setup.js";
import { digestOf } from "./support.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/** Creates manager and broker at the first request, because a Worker does nothing before. */
const WORKER = `
  import { TokenManager } from "graphql-token-manager";
  import { createBroker } from "graphql-token-manager/broker";

  let tokens, broker;
  const CREATE = "mutation Create { createCustomer { customer { id } } }";

  export default {
    async fetch(request, env) {
      tokens ??= new TokenManager(JSON.parse(env.TOKEN_OPTIONS));
      broker ??= createBroker(tokens, {
        authorize: (request) => (request.headers.get("cookie") === "sid=1" ? {} : null),
        allowedOrigins: ["https://other.test"],
      });
      if (new URL(request.url).pathname === "/token") return broker(request);
      const session = tokens.session({ scopes: ["CUSTOMER_FIND"] });
      const { createCustomer } = await session.request(CREATE, {}, { scopes: ["CUSTOMER_CREATE"] });
      return Response.json({ createCustomer, scopes: await session.grantedScopes() });
    },
  };
`;

/** @type {Miniflare} */
let worker;
/** @type {Sandbox} */
let sandbox;
before(async () => {
  sandbox = await startSandbox();
  const { outputFiles } = await build({
    stdin: { contents: WORKER, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    loader: { ".wasm": "copy" },
    outdir: "/",
  });
  worker = new Miniflare({
    modulesRoot: "/",
    modules: outputFiles
      .sort((one, other) => Number(one.path.endsWith(".wasm")) - Number(other.path.endsWith(".wasm")))
      .map(({ path, contents }) => ({
        type: path.endsWith(".wasm") ? /** @type {const} */ ("CompiledWasm") : "ESModule",
        path,
        contents,
      })),
    compatibilityDate: "2026-04-01",
    bindings: { TOKEN_OPTIONS: JSON.stringify(braintree(sandbox)) },
  });
});
after(async () => {
  await worker.dispose();
  await sandbox.close();
});

/** @param {Record<string, string>} headers @param {Record<string, string>} [form] @returns {Promise<any>} */
const ask = (headers, form = {}) =>
  worker.dispatchFetch("https://app.test/token", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: String(new URLSearchParams(form)),
  });

test("a page of a Worker's site receives a token, and another one after a rejection", async () => {
  const headers = { origin: "https://app.test", cookie: "sid=1" };

  const first = await ask(headers);
  const { access_token, expires_in, ...others } = await first.json();
  const same = await (await ask(headers)).json();
  const second = await (await ask(headers, { refused: digestOf(access_token) })).json();

  assert.equal(first.headers.get("cache-control"), "no-store");
  assert.deepEqual(others, { token_type: "Bearer", scope: "TRANSACTION_FIND" });
  assert.ok(expires_in > 60, `${expires_in}`);
  assert.equal(same.access_token, access_token);
  assert.notEqual(second.access_token, access_token);
  assert.equal(sandbox.counts().braintree.grants, 2);
});

test("a session in a Worker requests the scopes that a document needs", async () => {
  const before = sandbox.counts().braintree.grants;

  /** @type {any} */
  const result = await (await worker.dispatchFetch("https://app.test/create")).json();

  assert.ok(result.createCustomer.customer.id);
  assert.ok(result.scopes.includes("CUSTOMER_FIND"));
  assert.ok(sandbox.counts().braintree.grants > before);
});

test("unauthenticated visitors, and pages of other sites, are rejected", async () => {
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
