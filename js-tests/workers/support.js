/**
 * Workers with one manager and one broker in module scope, run by workerd.
 *
 * @module
 */

import "../support/guard.js";
import { build } from "esbuild";
import { startSandbox } from "graphql-token-manager/testing";
import { Miniflare } from "miniflare";

import { TEST_TIMEOUT_MS } from "../support/timeouts.js";

/** @import { TestContext } from "node:test" */
/** @import { Sandbox, SandboxOptions } from "graphql-token-manager/testing" */

/**
 * Compatibility dates under test: the oldest supported, the last before and the first since the runtime handles
 * promises across requests, and a recent one.
 */
export const DATES = ["2023-01-01", "2024-10-13", "2024-10-14", "2026-04-01"];

/**
 * A timeout that never elapses in a test: a lost request must be detected by other means. The tests wait for responses
 * for less time.
 */
export const LONG = `timeoutMs: ${10 * TEST_TIMEOUT_MS}`;

/** Source of the Worker; `%OPTIONS%`, `%IMPORTS%` and `%STATEMENTS%` are replaced. */
const WORKER = `
  import { TokenManager } from "graphql-token-manager";
  import { createBroker } from "graphql-token-manager/broker";
  %IMPORTS%

  const tokens = new TokenManager({ ...%OPTIONS% });
  const broker = createBroker(tokens, { authorize: () => ({}), rateLimit: false });
  const events = [];
  for (const type of ["token", "retry", "error", "warning"]) tokens.on(type, (event) => events.push(event.reason ?? type));
  %STATEMENTS%

  const routes = {
    "/token": (request) => broker(request),
    "/status": () => Response.json({ ...tokens.status(), events, leases: globalThis.leases?.size }),
    // The request ends while its grant is on the wire, or with a store while it acquires the lease.
    "/leave": async () => {
      void tokens.getToken().catch(() => {});
      while (globalThis.leases?.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return new Response("left");
    },
    "/invalidate": async () => (tokens.invalidate(await tokens.getToken()), new Response("invalidated")),
    "/data": async () => Response.json(await tokens.request("{ __typename }")),
    "/clear": async () => (await tokens.clear(), new Response("cleared")),
    "/close": async () => (await tokens.close(), new Response("closed")),
    "/other": async (request) => {
      const scopes = new URL(request.url).searchParams.getAll("scope");
      return new Response(await tokens.session({ scopes }).getToken());
    },
  };

  export default {
    async fetch(request) {
      try {
        const { pathname, searchParams } = new URL(request.url);
        if (searchParams.has("now")) globalThis.now = Number(searchParams.get("now"));
        const route = routes[pathname];
        return route ? await route(request) : new Response(await tokens.getToken());
      } catch (error) {
        return new Response(error.code + ": " + error.message, { status: 500 });
      }
    },
  };
`;

/** Statements for `imports` that set a Worker's clocks to the parameter `now` of the last request. */
export const SIMULATED_CLOCK = `
  globalThis.now = 0;
  Date.now = () => globalThis.now;
  Object.defineProperty(performance, "now", { value: () => globalThis.now });
`;

/**
 * @typedef {object} WorkerOptions
 * @property {string} [compatibilityDate]
 * @property {string[]} [compatibilityFlags]
 * @property {SandboxOptions} [sandbox]
 * @property {string} [imports] statements
 * @property {string} [statements] run in module scope, after the manager was created
 * @property {string} [extra] more options of the manager, as text
 */

/**
 * Starts a Worker and the sandbox of its manager, both until the end of the test.
 *
 * @param {TestContext} t
 * @param {WorkerOptions} [options]
 */
export async function workerFor(
  t,
  { compatibilityDate = "2026-04-01", compatibilityFlags = [], ...options } = {},
) {
  const sandbox = await startSandbox(options.sandbox);
  t.after(() => sandbox.close());
  const { endpoint, apiKey, userId, accountId } = sandbox.fluz;
  const given = JSON.stringify({
    provider: "fluz",
    environment: "sandbox",
    ...{ endpoint, apiKey, userId, accountId },
    scopes: ["LIST_OFFERS"],
  });
  const text = `${given.slice(0, -1)}${options.extra ? `, ${options.extra}` : ""} }`;
  const contents = WORKER.replace("%OPTIONS%", () => text)
    .replace("%IMPORTS%", options.imports ?? "")
    .replace("%STATEMENTS%", options.statements ?? "");
  const worker = new Miniflare({
    modulesRoot: "/",
    modules: await bundled(contents),
    compatibilityDate,
    compatibilityFlags,
  });
  t.after(() => worker.dispose());
  const url = await worker.ready;
  return { worker, sandbox, url };
}

/**
 * Bundles as wrangler does: with esbuild, with WebAssembly modules left to workerd.
 *
 * @param {string} contents
 */
async function bundled(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:workers"],
    loader: { ".wasm": "copy" },
    outdir: "/",
  });
  const isWasm = (/** @type {string} */ path) => path.endsWith(".wasm");
  return outputFiles
    .sort((one, other) => Number(isWasm(one.path)) - Number(isWasm(other.path)))
    .map(({ path, contents }) => ({
      type: isWasm(path) ? /** @type {const} */ ("CompiledWasm") : /** @type {const} */ ("ESModule"),
      path,
      contents,
    }));
}

/**
 * Returns the status and text of a response, or status 0 and the reason if there is none.
 *
 * @param {{ url: URL }} worker
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<{ status: number, text: string }>}
 */
export async function ask({ url }, path = "/", init = {}) {
  try {
    const response = await fetch(new URL(path, url), {
      signal: AbortSignal.timeout(TEST_TIMEOUT_MS),
      ...init,
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (init.signal?.aborted) throw error;
    return { status: 0, text: `${error}: ${/** @type {any} */ (error).cause}` };
  }
}

/**
 * Sends a request to the broker as a page does.
 *
 * @param {{ url: URL }} worker
 * @param {string} [path]
 */
export async function askBroker(worker, path = "/token") {
  const headers = { "content-type": "application/x-www-form-urlencoded", origin: worker.url.origin };
  const { status, text } = await ask(worker, path, { method: "POST", headers, body: "" });
  return { status, text: status === 200 ? JSON.parse(text).access_token : text };
}

/**
 * Returns the number of token requests to the sandbox.
 *
 * @param {Sandbox} sandbox
 */
export const grants = (sandbox) =>
  sandbox.requests().filter(({ operation }) => /UserAccessToken$/.test(operation)).length;
