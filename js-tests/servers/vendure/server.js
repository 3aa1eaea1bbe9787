// Vendure on SQLite: its administration API, with bearer tokens.

import { vendure } from "graphql-token-manager/providers";
import { LIFETIME_MS } from "../lifetime.js";
import { post } from "../place.js";

/** @import { Description } from "../scenarios.js" */

const USERNAME = "administrator";
const PASSWORD = "correct-horse-battery";

/** @type {Description} */
export default {
  title: "Vendure",
  preset: "vendure",
  package: "@vendure/core",
  compile: ["better-sqlite3"],
  lifetimeMs: LIFETIME_MS,
  renewal: "login",
  query: "{ administrators { items { user { identifier } } } }",
  isPermitted: (data) => data?.administrators?.items?.[0]?.user?.identifier === USERNAME,
  endedSession: "replayed",
  revoked: "replayed",

  async start(place) {
    await place.copyProgram(import.meta.dirname);
    const env = { LIFETIME_MS: `${LIFETIME_MS}`, USER_NAME: USERNAME, USER_PASSWORD: PASSWORD };
    await place.serve(["node", "main.js", `${place.port}`], { env, ready: "/health" });
  },

  options: (url, password = PASSWORD) => ({
    provider: vendure({ endpoint: `${url}/admin-api`, username: USERNAME, password }),
    // The API does not state the length of its sessions.
    lifetimeMs: LIFETIME_MS,
  }),

  async endSession({ url, token }) {
    const headers = { authorization: `Bearer ${token}` };
    await post(`${url}/admin-api`, { query: "mutation { logout { success } }" }, headers);
  },
};
