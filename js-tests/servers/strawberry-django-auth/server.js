// strawberry-django-auth on SQLite.

import { join } from "node:path";
import { strawberryDjangoAuth } from "graphql-token-manager/providers";
import { LIFETIME_MS } from "../lifetime.js";
import { post } from "../place.js";
import { pythonSteps } from "../python.js";

/** @import { Description } from "../scenarios.js" */

const USERNAME = "reader";
const PASSWORD = "correct-horse-battery";

/** @type {Description} */
export default {
  title: "strawberry-django-auth",
  preset: "strawberryDjangoAuth",
  package: "strawberry-django-auth",
  version: "0.379.1",
  install: pythonSteps(import.meta.dirname),
  lifetimeMs: LIFETIME_MS,
  query: "{ me }",
  isPermitted: (data) => data?.me === USERNAME,
  endedSession: "replayed",
  revoked: "until expiry",
  notes: {
    "ended session":
      "The refresh token is revoked, and the key that signs access tokens is replaced. The field that is queried cannot be null: one that can is `null` without an error, as if there were no token.",
    "revoke()": "`revokeToken` ends the refresh token; the access token is accepted until it expires.",
  },

  start: (place) => {
    const program = join(import.meta.dirname, "api.py");
    return place.serve(["python", "-B", program, `${place.port}`, place.folder, `${LIFETIME_MS / 1_000}`]);
  },

  options: (url, password = PASSWORD) => ({
    provider: strawberryDjangoAuth({ endpoint: `${url}/graphql`, username: USERNAME, password }),
  }),

  async endSession({ url, grant }) {
    const query = "mutation ($token: String!) { revokeToken(refreshToken: $token) { success } }";
    await post(`${url}/graphql`, { query, variables: { token: grant.data.tokenAuth.refreshToken.token } });
    await post(`${url}/tests/key`, {});
  },
};
