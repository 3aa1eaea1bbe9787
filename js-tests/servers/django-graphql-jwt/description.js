// What both ways of renewal have in common.

import { join } from "node:path";
import { djangoGraphqlJwt } from "graphql-token-manager/providers";
import { LIFETIME_MS } from "../lifetime.js";
import { post } from "../place.js";
import { pythonSteps } from "../python.js";

/** @import { Description } from "../scenarios.js" */

export const USERNAME = "reader";
export const PASSWORD = "correct-horse-battery";

/**
 * @param {"token" | "refreshToken"} renewal
 * @returns {Omit<Description, "title" | "notes">}
 */
export const describeServer = (renewal) => ({
  preset: "djangoGraphqlJwt",
  package: "django-graphql-jwt",
  version: "0.4.0",
  install: pythonSteps(import.meta.dirname),
  lifetimeMs: LIFETIME_MS,
  query: "{ me }",
  isPermitted: (data) => data?.me === USERNAME,
  endedSession: "replayed",

  start: (place) => {
    const program = join(import.meta.dirname, "api.py");
    return place.serve([
      "python",
      "-B",
      program,
      `${place.port}`,
      place.folder,
      `${LIFETIME_MS / 1_000}`,
      renewal,
    ]);
  },

  options: (url, password = PASSWORD) => ({
    provider: djangoGraphqlJwt({ endpoint: `${url}/graphql`, username: USERNAME, password, renewal }),
  }),

  async endSession({ url, grant }) {
    const token = grant.data.tokenAuth.refreshToken;
    const query = "mutation ($token: String!) { revokeToken(refreshToken: $token) { revoked } }";
    if (token !== undefined) await post(`${url}/graphql`, { query, variables: { token } });
    await post(`${url}/tests/key`, {});
  },
});
