/**
 * The four APIs of the sandbox, and their differences in case of failures.
 *
 * @module
 */

import { acmeProfile, braintree, fluz, toggle } from "../support/setup.js";

/** @import { ProviderName, Sandbox } from "graphql-token-manager/testing" */
/** @import { Options } from "../support/setup.js" */

/** Short backoffs, for fast tests. */
export const RETRY = { baseMs: 1, maxMs: 20 };

/**
 * @typedef {object} Api
 * @property {(sandbox: Sandbox, options?: Options) => Options} options
 * @property {string} grant The operation that takes the credentials.
 * @property {string} [refresh] The operation that takes a refresh token, where there is one.
 * @property {string} query An ordinary operation, which requires a token.
 */

/** @type {Record<ProviderName, Api>} */
export const APIS = {
  fluz: {
    options: fluz,
    grant: "generateUserAccessToken",
    refresh: "refreshUserAccessToken",
    query: "{ getOffers { offerId } }",
  },
  toggle: { options: toggle, grant: "loginUser", query: "{ Products(account_id: 1) { id } }" },
  braintree: {
    options: braintree,
    grant: "createOAuthAccessTokenFromClientCredentials",
    query: "{ ping }",
  },
  acme: { options: acme, grant: "login", refresh: "renew", query: "{ me { id } }" },
};

export const NAMES = /** @type {ProviderName[]} */ (Object.keys(APIS));

/**
 * @param {Sandbox} sandbox
 * @param {Options} [options]
 * @returns {Options}
 */
export function acme(sandbox, options) {
  return { provider: acmeProfile(sandbox), retry: RETRY, ...options };
}

/**
 * Returns the operations that one API received, oldest first.
 * @param {Sandbox} sandbox
 * @param {ProviderName} name
 */
export const asked = (sandbox, name) =>
  sandbox
    .requests()
    .filter(({ provider }) => provider === name)
    .map(({ operation }) => operation);

/**
 * Returns true if an API accepts a token in an ordinary operation.
 * @param {Sandbox} sandbox
 * @param {ProviderName} name
 * @param {string} token
 */
export async function accepts(sandbox, name, token) {
  const headers = {
    "content-type": "application/json",
    authorization: `Bearer ${token}`,
    "braintree-version": "2019-01-01",
  };
  const body = JSON.stringify({ query: APIS[name].query });
  const response = await fetch(sandbox[name].endpoint, { method: "POST", headers, body });
  const answer = await response.json();
  return answer.errors === undefined && answer.error === undefined;
}
