// Directus on SQLite, with one collection that needs a token.

import { directus } from "graphql-token-manager/providers";
import { LIFETIME_MS } from "../lifetime.js";
import { post } from "../place.js";

/** @import { Description } from "../scenarios.js" */

const EMAIL = "admin@example.com";
const PASSWORD = "correct-horse-battery";

/** @type {Description} */
export default {
  title: "Directus",
  preset: "directus",
  package: "directus",
  compile: ["isolated-vm", "sqlite3"],
  lifetimeMs: LIFETIME_MS,
  query: "{ notes { text } }",
  isPermitted: (data) => data?.notes?.[0]?.text === "private",
  endedSession: "until expiry",
  revoked: "until expiry",
  notes: {
    "ended session":
      "The end of a session ends its refresh token. The access token is a JWT that Directus does not look up, so it is accepted until it expires; the renewal is then rejected, and the credentials are used.",
    "revoke()": "`auth_logout` ends the refresh token; the access token is accepted until it expires.",
  },

  async start(place, isFirst) {
    const env = {
      DB_CLIENT: "sqlite3",
      DB_FILENAME: `${place.folder}/data.db`,
      SECRET: "not-a-secret-but-a-test-of-32-characters",
      ADMIN_EMAIL: EMAIL,
      ADMIN_PASSWORD: PASSWORD,
      ACCESS_TOKEN_TTL: `${LIFETIME_MS / 1_000}s`,
      HOST: "127.0.0.1",
      PORT: `${place.port}`,
      PUBLIC_URL: place.url,
      TELEMETRY: "false",
      // It answers with 503 where the machine is busy.
      PRESSURE_LIMITER_ENABLED: "false",
    };
    const command = ["node", place.module("directus/cli.js")];
    if (isFirst) await place.run([...command, "bootstrap"], env);
    await place.serve([...command, "start"], { env, ready: "/server/ping" });
    if (isFirst) await seed(place.url);
  },

  options: (url, password = PASSWORD) => ({ provider: directus({ url, email: EMAIL, password }) }),

  async endSession({ url, grant }) {
    const query = "mutation ($token: String!) { auth_logout(refresh_token: $token, mode: json) }";
    const variables = { token: grant.data.auth_login.refresh_token };
    await post(`${url}/graphql/system`, { query, variables });
  },
};

/** @param {string} url */
async function seed(url) {
  const { data } = await post(`${url}/auth/login`, { email: EMAIL, password: PASSWORD });
  const headers = { authorization: `Bearer ${data.access_token}` };
  const fields = [{ field: "text", type: "string", schema: {}, meta: {} }];
  await post(`${url}/collections`, { collection: "notes", schema: {}, meta: {}, fields }, headers);
  await post(`${url}/items/notes`, { text: "private" }, headers);
}
