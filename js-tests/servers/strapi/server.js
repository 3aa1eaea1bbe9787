// Strapi on SQLite, with tokens that are renewed (`jwtManagement: "refresh"`), and a content type that only users may read.

import { strapi } from "graphql-token-manager/providers";
import { LIFETIME_MS } from "../lifetime.js";
import { post } from "../place.js";

/** @import { Description } from "../scenarios.js" */

const USERNAME = "reader";
const PASSWORD = "correct-horse-battery";

/** @type {Description} */
export default {
  title: "Strapi",
  preset: "strapi",
  package: "@strapi/strapi",
  compile: ["better-sqlite3"],
  lifetimeMs: LIFETIME_MS,
  query: "{ notes { text } }",
  isPermitted: (data) => data?.notes?.[0]?.text === "private",
  endedSession: "until expiry",
  revoked: "until expiry",
  notes: {
    "ended session":
      "The end of a session ends its refresh token. The access token is a JWT, which is accepted until it expires; the renewal is then rejected with status 401, and the credentials are used.",
    "revoke()":
      '`/api/auth/logout` ends the session of the token, and with it the refresh token; the access token is accepted until it expires. It exists with `jwtManagement: "refresh"` alone.',
  },

  async start(place) {
    await place.copyProgram(import.meta.dirname);
    const env = { PORT: `${place.port}`, LIFETIME: `${LIFETIME_MS / 1_000}` };
    await place.serve(["node", "main.js"], {
      env: { ...env, USER_NAME: USERNAME, USER_PASSWORD: PASSWORD, STRAPI_TELEMETRY_DISABLED: "true" },
      ready: "/_health",
    });
  },

  options: (url, password = PASSWORD) => ({ provider: strapi({ url, identifier: USERNAME, password }) }),

  async endSession({ url, token }) {
    await post(`${url}/api/auth/logout`, {}, { authorization: `Bearer ${token}` });
  },
};
