// PostGraphile on a PostgreSQL cluster of its own.

import { postgraphile } from "graphql-token-manager/providers";
import { LIFETIME_MS } from "../lifetime.js";
import { post } from "../place.js";

/** @import { Description } from "../scenarios.js" */

const USERNAME = "reader";
const PASSWORD = "correct-horse-battery";

/** @type {Description} */
export default {
  title: "PostGraphile",
  preset: "postgraphile",
  package: "postgraphile",
  lifetimeMs: LIFETIME_MS,
  renewal: "login",
  query: "{ me }",
  isPermitted: (data) => data?.me === USERNAME,
  endedSession: "replayed",
  notes: {
    "ended session":
      "A token is a JWT that the server does not look up. Here the key that signs it is replaced: each token is rejected with status 401.",
    restart: "The database ends as well.",
    "revoke()": "PostGraphile has no revocation of its own.",
  },

  async start(place) {
    await place.copyProgram(import.meta.dirname);
    const key = "not-a-secret-but-a-test-of-32-characters";
    const env = { GRAPHILE_ENV: "production" };
    await place.serve(["node", "main.js", `${place.port}`, `${LIFETIME_MS / 1_000}`, key], { env });
  },

  options: (url, password = PASSWORD) => ({
    provider: postgraphile({ endpoint: `${url}/graphql`, input: { username: USERNAME, password } }),
  }),

  endSession: ({ url }) => post(`${url}/tests/key`, {}),
};
