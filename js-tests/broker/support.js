/**
 * Brokers for the sandbox's Fluz, and requests as pages send them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { createBroker } from "graphql-token-manager/broker";
import { fluz, managerFor, sharedSandbox } from "../support/setup.js";

export { listening } from "../support/server.js";

/** @import { TestContext } from "node:test" */
/** @import { BrokerOptions, Broker } from "graphql-token-manager/broker" */
/** @import { Options } from "../support/setup.js" */

export const ORIGIN = "https://app.test";

/** Authorizes each request for the manager's default session. @type {BrokerOptions} */
export const OPEN = { authorize: () => ({}) };

/**
 * @param {TestContext} t
 * @param {Partial<BrokerOptions>} [options]
 * @param {Options} [managers] Options of the manager.
 */
export async function brokerFor(t, options, managers) {
  const sandbox = await sharedSandbox(t);
  const tokens = managerFor(t, fluz(sandbox, managers));
  return { sandbox, tokens, broker: createBroker(tokens, { ...OPEN, ...options }) };
}

/**
 * Sends a request as a page of the broker's own origin does.
 * @param {Broker} broker
 * @param {Record<string, string> | string} [form]
 * @param {{ method?: string, url?: string, headers?: Record<string, string | undefined>, signal?: AbortSignal }} [how]
 */
export function ask(
  broker,
  form = {},
  { method = "POST", url = `${ORIGIN}/token`, headers = {}, signal } = {},
) {
  const given = { origin: ORIGIN, "content-type": "application/x-www-form-urlencoded", ...headers };
  const init = {
    method,
    headers: /** @type {[string, string][]} */ (
      Object.entries(given).filter(([, value]) => value !== undefined)
    ),
    ...(method !== "GET" && method !== "OPTIONS" && { body: String(new URLSearchParams(form)) }),
    ...(signal && { signal }),
  };
  return broker(new Request(url, init));
}

/**
 * Returns the status and the error code of a response, and the token if it contains one, which is an error.
 * @param {Response | Promise<Response>} response
 */
export async function outcome(response) {
  const { status, headers } = await response;
  const { error, access_token } = await json(response);
  const retryAfter = headers.get("retry-after");
  return [
    status,
    error,
    ...(retryAfter === null ? [] : [Number(retryAfter)]),
    ...(access_token ? [access_token] : []),
  ];
}

/**
 * @param {Response | Promise<Response>} response
 * @returns {Promise<any>}
 */
export const json = async (response) => (await response).json();

/** @param {string} token */
export const digestOf = (token) => createHash("sha256").update(token).digest("base64url");
