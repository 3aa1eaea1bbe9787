/**
 * The clients under comparison: each is set up as its documentation shows, and measured against the same client without
 * authorization.
 *
 * @module
 */

import { OAuth2Client, OAuth2Fetch } from "@badgateway/oauth2-client";
import { Client, fetchExchange, gql } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import axios from "axios";
import { createAuthRefresh } from "axios-auth-refresh";
import { TokenManager } from "graphql-token-manager";

/**
 * @typedef {object} Api
 * @property {string} endpoint
 * @property {() => Promise<Grant>} grant requests a token
 */

/** @typedef {{ accessToken: string, expiresInMs: number }} Grant */

/** Sends one request to the API and resolves to the `data` of its response. @typedef {() => Promise<any>} Call */

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string | undefined} over the name of the baseline client that it is compared with; undefined for a
 *   baseline
 * @property {(api: Api) => Promise<{ call: Call, close: () => unknown }>} start
 */

const OURS = "`tokens.fetch`";

/** This package's contestants. The first does what the others do: it recognizes a rejected token by the HTTP status. */
export const OWN = [OURS, `${OURS}, also finding refusals inside HTTP 200`, "`tokens.request`, finding both"];

const BY_STATUS = { statuses: [401] };
const ALSO_INSIDE = { ...BY_STATUS, codes: ["UNAUTHENTICATED"], messages: ["Unauthorized"] };

/** @type {Contestant[]} */
export const CONTESTANTS = [
  { name: "bare `fetch`", over: undefined, start: bare },
  { name: "urql", over: undefined, start: plainUrql },
  { name: "axios", over: undefined, start: plainAxios },
  { name: OWN[0], over: "bare `fetch`", start: (api) => tokensFetch(api, BY_STATUS) },
  { name: OWN[1], over: "bare `fetch`", start: (api) => tokensFetch(api, ALSO_INSIDE) },
  { name: OWN[2], over: "bare `fetch`", start: (api) => tokensRequest(api, ALSO_INSIDE) },
  { name: "`OAuth2Fetch` of @badgateway/oauth2-client", over: "bare `fetch`", start: badgateway },
  { name: "urql with @urql/exchange-auth", over: "urql", start: urql },
  { name: "axios with axios-auth-refresh", over: "axios", start: refreshingAxios },
];

const QUERY = "query Items($page: Int) { items(page: $page) { id name price { amount currency } } rest }";

/** Makes each call different, because urql deduplicates identical concurrent queries. */
const nextPage = (
  (page) => () =>
    page++
)(0);

const body = () => ({ query: QUERY, variables: { page: nextPage() } });

/**
 * Returns a call that sends with a function like `fetch`.
 *
 * @param {string} endpoint
 * @param {(url: string, init: RequestInit) => Promise<Response>} fetch
 * @returns {Call}
 */
const callBy = (endpoint, fetch) => async () => {
  const headers = { "content-type": "application/json" };
  const response = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify(body()) });
  return /** @type {any} */ (await response.json()).data;
};

const nothing = () => {};

/** @type {Contestant["start"]} */
async function bare({ endpoint, grant }) {
  const authorization = `Bearer ${(await grant()).accessToken}`;
  const call = async () => {
    const headers = { "content-type": "application/json", authorization };
    const response = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify(body()) });
    return /** @type {any} */ (await response.json()).data;
  };
  return { call, close: nothing };
}

/**
 * @param {Api} api
 * @param {typeof BY_STATUS} refused
 */
async function tokensFetch({ endpoint, grant }, refused) {
  const manager = await managerOf({ endpoint, grant }, refused);
  return { call: callBy(endpoint, manager.fetch), close: () => manager.close() };
}

/**
 * @param {Api} api
 * @param {typeof BY_STATUS} refused
 */
async function tokensRequest(api, refused) {
  const manager = await managerOf(api, refused);
  const call = () => manager.request(QUERY, { page: nextPage() });
  return { call, close: () => manager.close() };
}

/**
 * @param {Api} api
 * @param {typeof BY_STATUS} refused
 */
async function managerOf({ endpoint, grant }, refused) {
  const manager = new TokenManager({ provider: { name: "acme", endpoint, grant, refused } });
  await manager.ready();
  return manager;
}

/** @type {Contestant["start"]} */
async function badgateway({ endpoint, grant }) {
  const client = new OAuth2Client({ server: endpoint, clientId: "bench" });
  const wrapper = new OAuth2Fetch({
    client,
    getNewToken: async () => {
      const { accessToken, expiresInMs } = await grant();
      return { accessToken, expiresAt: Date.now() + expiresInMs, refreshToken: null };
    },
  });
  return { call: callBy(endpoint, (url, init) => wrapper.fetch(url, init)), close: nothing };
}

/**
 * @param {string} url
 * @param {import("@urql/core").Exchange[]} exchanges
 * @param {RequestInit} [fetchOptions]
 */
function urqlCall(url, exchanges, fetchOptions) {
  // No cache: each call must reach the API.
  const client = new Client({
    url,
    exchanges,
    fetchOptions,
    preferGetMethod: false,
    requestPolicy: "network-only",
  });
  const query = gql(QUERY);
  return async () => {
    const { data, error } = await client.query(query, { page: nextPage() }).toPromise();
    if (error) throw error;
    return data;
  };
}

/** @type {Contestant["start"]} */
async function plainUrql({ endpoint, grant }) {
  const headers = { authorization: `Bearer ${(await grant()).accessToken}` };
  return { call: urqlCall(endpoint, [fetchExchange], { headers }), close: nothing };
}

/** @type {Contestant["start"]} */
async function urql({ endpoint, grant }) {
  const auth = authExchange(async (utilities) => {
    let { accessToken, expiresInMs } = await grant();
    let expiresAt = Date.now() + expiresInMs;
    return {
      addAuthToOperation: (operation) =>
        utilities.appendHeaders(operation, { authorization: `Bearer ${accessToken}` }),
      willAuthError: () => Date.now() >= expiresAt,
      didAuthError: (error) => error.response?.status === 401,
      async refreshAuth() {
        ({ accessToken, expiresInMs } = await grant());
        expiresAt = Date.now() + expiresInMs;
      },
    };
  });
  return { call: urqlCall(endpoint, [auth, fetchExchange]), close: nothing };
}

/**
 * @param {string} endpoint
 * @param {import("axios").AxiosInstance} instance
 * @returns {Call}
 */
function axiosCall(endpoint, instance) {
  return async () => (await instance.post(endpoint, body())).data.data;
}

/** @type {Contestant["start"]} */
async function plainAxios({ endpoint, grant }) {
  const headers = { authorization: `Bearer ${(await grant()).accessToken}` };
  return { call: axiosCall(endpoint, axios.create({ adapter: "fetch", headers })), close: nothing };
}

/** @type {Contestant["start"]} */
async function refreshingAxios({ endpoint, grant }) {
  const instance = axios.create({ adapter: "fetch" });
  let { accessToken } = await grant();
  instance.interceptors.request.use((request) => {
    request.headers["Authorization"] = `Bearer ${accessToken}`;
    return request;
  });
  const refresh = async () => ({ accessToken } = await grant());
  // With the default, `true`, all but the first of several calls with a rejected token would fail.
  createAuthRefresh(/** @type {any} its types are those of CommonJS */ (instance), refresh, {
    deduplicateRefresh: false,
  });
  return { call: axiosCall(endpoint, instance), close: nothing };
}
