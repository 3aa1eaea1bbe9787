/**
 * The environment of `examples/clients/own-api.js`, for the custom API of the tests.
 *
 * @module
 */

import { after } from "node:test";
import { startApi } from "./api.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/** @param {Sandbox} sandbox */
export async function ownApi(sandbox) {
  const api = await startApi(sandbox);
  after(() => api.close());
  const { endpoint, id, secret } = sandbox.acme;
  return { api, environment: { API_ENDPOINT: endpoint, API_ID: id, API_SECRET: secret, API_URL: api.url } };
}
