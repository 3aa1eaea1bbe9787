/**
 * Fixtures for tests of the public API: a sandbox, and managers that are closed after their test.
 *
 * @module
 */

import "./guard.js";
import { after } from "node:test";
import { TokenManager } from "graphql-token-manager";
import { startSandbox } from "graphql-token-manager/testing";
import { freePort } from "./server.js";

/** @import { TestContext } from "node:test" */
/** @import { Sandbox, SandboxOptions } from "graphql-token-manager/testing" */

/** Options, valid or invalid. @typedef {Record<string, any>} Options */

/** Short backoffs, for fast tests. */
export const QUICK = { baseMs: 1, maxMs: 5 };

/**
 * Starts a sandbox until the end of the test.
 * @param {TestContext} t
 * @param {SandboxOptions} [options]
 */
export async function sandboxFor(t, options) {
  const sandbox = await startSandbox(options);
  t.after(() => sandbox.close());
  return sandbox;
}

/**
 * Returns a sandbox that all tests of a file share, to save startup time. Its requests and faults are reset for each
 * test; its counts are those of the file.
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
 * Creates a manager that is closed after the test.
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
 * @param {Options} [options] Replace or extend the required options; `undefined` removes one.
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
 * Returns a profile for the sandbox's acme.
 * @param {Sandbox} sandbox
 * @param {Options} [parts] Replace or extend the required parts.
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
 * Returns an HTTP endpoint without a server: its port was just released.
 */
export async function unreachable() {
  return `http://127.0.0.1:${await freePort()}/graphql`;
}

/**
 * Returns the operations that the sandbox received, oldest first.
 * @param {Sandbox} sandbox
 */
export const operations = (sandbox) => sandbox.requests().map(({ operation }) => operation);

/**
 * Returns the claims of a JWT.
 * @param {string} token
 * @returns {Record<string, any>}
 */
export const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

/**
 * Sends a query to an API of the sandbox with a token.
 * @param {string} endpoint
 * @param {string} token
 * @param {string} query
 */
export function call(endpoint, token, query) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  return fetch(endpoint, { method: "POST", headers, body: JSON.stringify({ query }) });
}

/**
 * Returns a `fetch` that records its arguments and calls the real one.
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
