/**
 * The APIs of the sandbox: the options of a manager, a call that requires a token, and the request that a hand-written
 * cache sends for one.
 *
 * @module
 */

/** @import { TokenManagerOptions } from "graphql-token-manager" */

/** @typedef {"fluz" | "toggle" | "braintree" | "acme"} ApiName */
/** @typedef {{ endpoint: string, [name: string]: string }} Account */
/** @typedef {(request: { query: string, variables?: object, authorization?: string }) => Promise<{ data: any, headers: Headers }>} Send */
/** @typedef {{ value: string, expiresAt: number }} Token */

/**
 * @typedef {object} Api
 * @property {string} label
 * @property {boolean} hasUsers Whether a grant is for one of several users.
 * @property {(account: any, lifetimeMs: number) => TokenManagerOptions} options
 * @property {Record<string, string>} headers Headers of each call, in addition to the token.
 * @property {string} call
 * @property {(account: any, send: Send, user: { userId: string, lifetimeMs: number }) => Promise<Token>} logIn
 */

const FLUZ = `mutation ($userId: UUID!, $accountId: UUID!, $scopes: [ScopeType!]!) {
  generateUserAccessToken(userId: $userId, accountId: $accountId, scopes: $scopes) { token }
}`;
const TOGGLE = `query ($username: String, $password: String!) {
  loginUser(username: $username, password: $password) { id }
}`;
const BRAINTREE = `mutation ($input: CreateOAuthAccessTokenFromClientCredentialsInput!) {
  createOAuthAccessTokenFromClientCredentials(input: $input) { accessToken { accessToken expiresAt } }
}`;
const ACME = "mutation ($id: ID!, $secret: String!) { login(id: $id, secret: $secret) { jwt renewal ttl } }";
const ACME_RENEW = "mutation ($refresh: String!) { renew(refresh: $refresh) { jwt renewal ttl } }";
const VERSION = { "Braintree-Version": "2025-01-01" };

/** @type {Readonly<Record<ApiName, Api>>} */
export const APIS = Object.freeze({
  fluz: {
    label: "Fluz",
    hasUsers: true,
    // Fluz does not state a lifetime. The default is the real one, which is longer than that of the playground.
    options: (account, lifetimeMs) => ({ provider: "fluz", ...account, scopes: ["LIST_OFFERS"], lifetimeMs }),
    headers: {},
    call: "{ getOffers { offerId } }",
    logIn: async ({ apiKey, accountId }, send, { userId, lifetimeMs }) => {
      const variables = { userId, accountId, scopes: ["LIST_OFFERS"] };
      const { data } = await send({ query: FLUZ, variables, authorization: `Basic ${apiKey}` });
      return { value: data.generateUserAccessToken.token, expiresAt: Date.now() + lifetimeMs };
    },
  },
  toggle: {
    label: "Toggle",
    hasUsers: false,
    options: ({ endpoint, username, password }) => ({ provider: "toggle", endpoint, username, password }),
    headers: {},
    call: "{ Products(account_id: 1) { id name } }",
    logIn: async ({ username, password }, send, { lifetimeMs }) => {
      const { headers } = await send({ query: TOGGLE, variables: { username, password } });
      return { value: headers.get("x-authorization") ?? "", expiresAt: Date.now() + lifetimeMs };
    },
  },
  braintree: {
    label: "Braintree",
    hasUsers: false,
    options: (account) => ({ provider: "braintree", ...account, scopes: ["CUSTOMER_CREATE"] }),
    headers: VERSION,
    call: 'mutation { createCustomer(input: { customer: { email: "ada@example.com" } }) { customer { id } } }',
    logIn: async ({ clientId, clientSecret }, send) => {
      const { data } = await send({
        query: BRAINTREE,
        variables: { input: { scopes: ["CUSTOMER_CREATE"] } },
        authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}`,
      });
      const { accessToken, expiresAt } = data.createOAuthAccessTokenFromClientCredentials.accessToken;
      return { value: accessToken, expiresAt: Date.parse(expiresAt) };
    },
  },
  acme: {
    label: "Acme, a described API",
    hasUsers: false,
    options: ({ endpoint, id, secret }) => ({
      provider: {
        name: "acme",
        endpoint,
        authenticate: { document: ACME, variables: { id, secret: () => secret } },
        renew: { document: ACME_RENEW, variables: { refresh: "$refreshToken" } },
        token: { data: ["login.jwt", "renew.jwt"] },
        refreshToken: { data: ["login.renewal", "renew.renewal"] },
        expiry: { expiresIn: ["login.ttl", "renew.ttl"], unit: "seconds" },
      },
    }),
    headers: {},
    call: "{ me { id } }",
    logIn: async ({ id, secret }, send) => {
      const { data } = await send({ query: ACME, variables: { id, secret } });
      return { value: data.login.jwt, expiresAt: Date.now() + data.login.ttl * 1_000 };
    },
  },
});
