/**
 * What the tests of the public contract start with: a sandbox, and managers that end with their test.
 *
 * @module
 */

import "./guard.js";
import { once } from "node:events";
import { createServer } from "node:net";
import { after } from "node:test";
import { TokenManager } from "graphql-token-manager";
import { startSandbox } from "graphql-token-manager/testing";

/** @import { TestContext } from "node:test" */
/** @import { Sandbox, SandboxOptions } from "graphql-token-manager/testing" */

/** Options as JavaScript allows them: right and wrong ones. @typedef {Record<string, any>} Options */

/** Retries that a test need not wait for. */
export const QUICK = { baseMs: 1, maxMs: 5 };

/**
 * A sandbox that ends with the test.
 * @param {TestContext} t
 * @param {SandboxOptions} [options]
 */
export async function sandboxFor(t, options) {
  const sandbox = await startSandbox(options);
  t.after(() => sandbox.close());
  return sandbox;
}

/**
 * The sandbox that a file's tests share, which spares a start: each test sees its own requests alone, and its faults end
 * with it. Its counts are those of the file.
 * @param {TestContext} t
 * @returns {Promise<Sandbox>}
 */
export async function sharedSandbox(t) {
  shared ??= startSandbox();
  const sandbox = await shared;
  const before = sandbox.requests().length;
  return {
    ...sandbox,
    requests: () => sandbox.requests().slice(before),
    fault: (spec) => {
      const end = sandbox.fault(spec);
      t.after(end);
      return end;
    },
  };
}

/** @type {Promise<Sandbox> | undefined} */
let shared;

after(async () => (await shared)?.close());

/**
 * A manager that is closed after the test.
 * @param {TestContext} t
 * @param {unknown} options
 */
export function managerFor(t, options) {
  const tokens = new TokenManager(/** @type {any} */ (options));
  t.after(() => tokens.close());
  return tokens;
}

/**
 * @param {Sandbox} sandbox
 * @param {Options} [options] Instead of or besides what is needed; `undefined` takes one out.
 * @returns {Options}
 */
export function fluz({ fluz }, options) {
  const { endpoint, apiKey, userId, accountId } = fluz;
  const ids = { provider: "fluz", environment: "sandbox", endpoint, apiKey, userId, accountId };
  return { ...ids, scopes: ["LIST_OFFERS"], retry: QUICK, ...options };
}

/**
 * @param {Sandbox} sandbox
 * @param {Options} [options]
 * @returns {Options}
 */
export function toggle({ toggle: { endpoint, username, password } }, options) {
  return { provider: "toggle", endpoint, username, password, retry: QUICK, ...options };
}

/**
 * @param {Sandbox} sandbox
 * @param {Options} [options]
 * @returns {Options}
 */
export function braintree({ braintree: { endpoint, clientId, clientSecret } }, options) {
  const client = { provider: "braintree", environment: "sandbox", endpoint, clientId, clientSecret };
  return { ...client, scopes: ["TRANSACTION_FIND"], retry: QUICK, ...options };
}

/**
 * A profile of the sandbox's acme.
 * @param {Sandbox} sandbox
 * @param {Options} [parts] Instead of or besides what is needed.
 * @returns {Options}
 */
export function acmeProfile({ acme: { endpoint, id, secret } }, parts) {
  return {
    name: "acme",
    endpoint,
    authenticate: {
      document:
        "mutation ($id: ID!, $secret: String!) { login(id: $id, secret: $secret) { jwt renewal ttl } }",
      variables: { id, secret: () => secret },
    },
    renew: {
      document: "mutation ($refresh: String!) { renew(refresh: $refresh) { jwt renewal ttl } }",
      variables: { refresh: "$refreshToken" },
    },
    token: { data: ["login.jwt", "renew.jwt"] },
    refreshToken: { data: ["login.renewal", "renew.renewal"] },
    expiry: { expiresIn: ["login.ttl", "renew.ttl"], unit: "seconds" },
    refused: { statuses: [401], codes: ["UNAUTHENTICATED"] },
    ...parts,
  };
}

/**
 * An HTTP endpoint where nobody listens: its port was free a moment ago.
 */
export async function unreachable() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}/graphql`;
}

/**
 * What the sandbox was asked, oldest first.
 * @param {Sandbox} sandbox
 */
export const operations = (sandbox) => sandbox.requests().map(({ operation }) => operation);

/**
 * The claims of a JWT.
 * @param {string} token
 * @returns {Record<string, any>}
 */
export const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

/**
 * Asks an API of the sandbox with a token.
 * @param {string} endpoint
 * @param {string} token
 * @param {string} query
 */
export function call(endpoint, token, query) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  return fetch(endpoint, { method: "POST", headers, body: JSON.stringify({ query }) });
}

/**
 * A `fetch` that asks the real one and remembers what it was called with.
 */
export function recordingFetch() {
  /** @type {{ url: string, init: RequestInit, headers: Headers, body: any }[]} */
  const requests = [];
  /** @type {(url: string, init: RequestInit) => Promise<Response>} */
  const recording = (url, init) => {
    requests.push({ url, init, headers: new Headers(init.headers), body: JSON.parse(`${init.body}`) });
    return fetch(url, init);
  };
  return Object.assign(recording, { requests });
}
