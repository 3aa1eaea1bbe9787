/**
 * The three APIs of the demo: the options of each, and one ordinary call that requires a token.
 *
 * @module
 */

/** @import { FetchLike, TokenManagerOptions } from "graphql-token-manager" */
/** @import { Sandbox } from "graphql-token-manager/testing" */

/** @typedef {"fluz" | "toggle" | "braintree"} ApiName */

/**
 * @typedef {object} Api
 * @property {ApiName} name
 * @property {string} label
 * @property {string} endpoint
 * @property {number} lifetimeMs Token lifetime in the demo.
 * @property {(fetch: FetchLike) => TokenManagerOptions} options
 * @property {Record<string, string>} headers Headers of each call, in addition to the token.
 * @property {string} call A GraphQL document that is rejected without a token.
 */

/**
 * Token lifetimes in milliseconds: long enough for a loaded machine, short enough for several refreshes.
 *
 * @type {Readonly<Record<ApiName, number>>}
 */
export const LIFETIMES = Object.freeze({ fluz: 5_000, toggle: 7_000, braintree: 6_000 });

/**
 * Token lifetimes of the real APIs.
 *
 * Source: docs.fluz.app (production), developers.usetoggle.com; Braintree's documentation does not state a lifetime.
 */
export const REAL_LIFETIMES = Object.freeze({
  fluz: "instead of 3 minutes",
  toggle: "instead of 60 minutes",
  braintree: "(Braintree's own lifetime comes with each token)",
});

/** The operations that return a token. */
export const GRANTS = Object.freeze([
  "generateUserAccessToken",
  "refreshUserAccessToken",
  "loginUser",
  "createOAuthAccessTokenFromClientCredentials",
]);

/**
 * @param {Sandbox} sandbox
 * @returns {Api[]}
 */
export function apisOf(sandbox) {
  return [fluz(sandbox), toggle(sandbox), braintree(sandbox)];
}

/**
 * @param {Sandbox} sandbox
 * @returns {Api}
 */
function fluz({ fluz: { endpoint, apiKey, userId, accountId } }) {
  return {
    name: "fluz",
    label: "Fluz",
    endpoint,
    lifetimeMs: LIFETIMES.fluz,
    options: (fetch) => ({
      provider: "fluz",
      endpoint,
      apiKey,
      userId,
      accountId,
      scopes: ["LIST_OFFERS"],
      // Fluz does not return a lifetime: the package has the real one as its default, which is longer than that of the
      // demo.
      lifetimeMs: LIFETIMES.fluz,
      fetch,
    }),
    headers: {},
    call: "{ getOffers { offerId merchant } }",
  };
}

/**
 * @param {Sandbox} sandbox
 * @returns {Api}
 */
function toggle({ toggle: { endpoint, username, password } }) {
  return {
    name: "toggle",
    label: "Toggle",
    endpoint,
    lifetimeMs: LIFETIMES.toggle,
    options: (fetch) => ({ provider: "toggle", endpoint, username, password, fetch }),
    headers: {},
    call: "{ Products(account_id: 1) { id name } }",
  };
}

/**
 * @param {Sandbox} sandbox
 * @returns {Api}
 */
function braintree({ braintree: { endpoint, clientId, clientSecret } }) {
  return {
    name: "braintree",
    label: "Braintree",
    endpoint,
    lifetimeMs: LIFETIMES.braintree,
    options: (fetch) => ({
      provider: "braintree",
      endpoint,
      clientId,
      clientSecret,
      scopes: ["CUSTOMER_CREATE"],
      fetch,
    }),
    headers: { "Braintree-Version": "2025-01-01" },
    call: 'mutation { createCustomer(input: { customer: { email: "ada@example.com" } }) { customer { id } } }',
  };
}
