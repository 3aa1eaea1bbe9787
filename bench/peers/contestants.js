/**
 * The clients under comparison: each obtains a token as its documentation shows, with its own defaults.
 *
 * @module
 */

import { OAuth2Client as BadgatewayClient, OAuth2Fetch } from "@badgateway/oauth2-client";
import { ConfidentialClientApplication } from "@azure/msal-node";
import { memoize } from "@smithy/property-provider";
import { OAuth2Client as GoogleClient } from "google-auth-library";
import { TokenManager } from "graphql-token-manager";
import { InMemoryWebStorage, UserManager, WebStorageStateStore } from "oidc-client-ts";
import { ORIGIN, TOKEN_URL } from "./token-endpoint.js";

// Not exported. All clients of the Azure SDK obtain their tokens through it.
import { createTokenCycler } from "../node_modules/@azure/core-rest-pipeline/dist/esm/util/tokenCycler.js";

/** @import { Endpoint } from "./token-endpoint.js" */

/**
 * A configured token source.
 *
 * @typedef {object} Source
 * @property {() => Promise<unknown>} get returns a valid token
 * @property {() => unknown} [peek] returns the cached token synchronously
 * @property {() => unknown} [close]
 */

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} package
 * @property {(endpoint: Endpoint) => Source} start
 */

export const OURS = "graphql-token-manager";

/** @type {Contestant[]} */
export const CONTESTANTS = [
  { name: "`tokens.getToken()`", package: OURS, start: ours },
  { name: "`memoize`", package: "@smithy/property-provider", start: smithy },
  { name: "`OAuth2Fetch`", package: "@badgateway/oauth2-client", start: badgateway },
  { name: "`OAuth2Client`", package: "google-auth-library", start: google },
  { name: "the token cycler", package: "@azure/core-rest-pipeline", start: azure },
  { name: "`acquireTokenByClientCredential`", package: "@azure/msal-node", start: msal },
  { name: "`UserManager`", package: "oidc-client-ts", start: oidc },
];

/** @param {Endpoint} endpoint */
function ours({ fetch }) {
  const document = "mutation { login { token expiresIn } }";
  const tokens = new TokenManager({
    provider: {
      name: "bench",
      endpoint: TOKEN_URL,
      authenticate: { document },
      token: { data: ["login.token"] },
      expiry: { expiresIn: "login.expiresIn", unit: "seconds" },
    },
    fetch,
  });
  return { get: () => tokens.getToken(), peek: () => tokens.peek(), close: () => tokens.close() };
}

function smithy() {
  const provider = async () => {
    const { token, expiresAt } = await granted();
    return { token, expiration: new Date(expiresAt) };
  };
  // From the example in its documentation.
  const get = memoize(
    provider,
    ({ expiration }) => expiration !== undefined && expiration.getTime() - Date.now() < 300_000,
    ({ expiration }) => expiration !== undefined,
  );
  return { get };
}

function badgateway() {
  const client = new BadgatewayClient({
    server: ORIGIN,
    tokenEndpoint: "/token",
    clientId: "a",
    clientSecret: "b",
  });
  const tokens = new OAuth2Fetch({
    client,
    getNewToken: () => client.clientCredentials(),
    scheduleRefresh: false,
  });
  return { get: () => tokens.getAccessToken() };
}

/** @param {Endpoint} endpoint */
function google({ fetch }) {
  const client = new GoogleClient({
    clientId: "a",
    clientSecret: "b",
    endpoints: { oauth2TokenUrl: TOKEN_URL },
    transporterOptions: { fetchImplementation: fetch },
  });
  client.setCredentials({ refresh_token: "refresh" });
  return { get: () => client.getAccessToken() };
}

function azure() {
  const credential = {
    getToken: async () => {
      const { token, expiresAt } = await granted();
      return { token, expiresOnTimestamp: expiresAt };
    },
  };
  const cycler = createTokenCycler(credential);
  return { get: () => cycler("read", {}) };
}

function msal() {
  const authority = `${ORIGIN}/tenant`;
  const tenant = {
    issuer: authority,
    authorization_endpoint: `${authority}/authorize`,
    token_endpoint: TOKEN_URL,
  };
  const client = new ConfidentialClientApplication({
    auth: {
      clientId: "a",
      clientSecret: "b",
      authority,
      knownAuthorities: [new URL(ORIGIN).host],
      authorityMetadata: JSON.stringify({ ...tenant, jwks_uri: `${authority}/keys` }),
      cloudDiscoveryMetadata: JSON.stringify({ tenant_discovery_endpoint: authority, metadata: [] }),
    },
    system: { networkClient: { sendGetRequestAsync: refuseGet, sendPostRequestAsync: posted } },
  });
  return { get: () => client.acquireTokenByClientCredential({ scopes: ["read"] }) };
}

function oidc() {
  const store = () => new WebStorageStateStore({ store: new InMemoryWebStorage() });
  const users = new UserManager({
    authority: ORIGIN,
    client_id: "a",
    redirect_uri: ORIGIN,
    metadata: { issuer: ORIGIN, token_endpoint: TOKEN_URL },
    userStore: store(),
    stateStore: store(),
    // Otherwise it refreshes on a timer, which is not measured here.
    automaticSilentRenew: false,
  });
  const get = async () => {
    const user = await users.getUser();
    return user && !user.expired ? user.access_token : (await signedIn(users)).access_token;
  };
  return { get };
}

/**
 * Simulates a sign-in, which would require a user.
 *
 * @param {UserManager} users
 */
async function signedIn(users) {
  const { token, expiresAt } = await granted();
  const { User } = await import("oidc-client-ts");
  const user = new User({
    access_token: token,
    token_type: "Bearer",
    expires_at: expiresAt / 1000,
    profile: /** @type {any} */ ({ sub: "a" }),
  });
  await users.storeUser(user);
  return user;
}

/** A hand-written grant, for libraries that only cache the token. */
async function granted() {
  const response = await fetch(TOKEN_URL, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  const { access_token: token, expires_in: seconds } = /** @type {any} */ (await response.json());
  return { token, expiresAt: Date.now() + seconds * 1000 };
}

/**
 * @param {string} url
 * @param {any} options
 * @returns {Promise<any>}
 */
async function posted(url, options) {
  const response = await fetch(url, { method: "POST", body: options?.body, headers: options?.headers });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.json(),
  };
}

/** @param {string} url @returns {Promise<any>} */
async function refuseGet(url) {
  throw new Error(`nothing is discovered here: ${url}`);
}
