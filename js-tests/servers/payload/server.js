// Payload on SQLite, with a collection that only users may read.

import { payload } from "graphql-token-manager/providers";
import { LIFETIME_MS } from "../lifetime.js";
import { post } from "../place.js";

/** @import { Description } from "../scenarios.js" */

const EMAIL = "reader@example.com";
const PASSWORD = "correct-horse-battery";

/** @type {Description} */
export default {
  title: "Payload",
  preset: "payload",
  package: "payload",
  lifetimeMs: LIFETIME_MS,
  query: "{ Notes { docs { text } } }",
  isPermitted: (data) => data?.Notes?.docs?.[0]?.text === "private",
  endedSession: "anonymous",
  revoked: "replayed",
  notes: {
    "first token":
      "Run with the GraphQL handler of `@payloadcms/next`, without Next itself, which passes requests on to it.",
    "ended session":
      "The request fails with the status 403 in the extensions, as one that the user may not send. docs/apis.md states how 403 can reject a token.",
  },

  async start(place) {
    await place.copyProgram(import.meta.dirname);
    await place.serve(["node", "main.js", `${place.port}`, `${LIFETIME_MS / 1_000}`], {
      env: { USER_EMAIL: EMAIL, USER_PASSWORD: PASSWORD },
    });
  },

  options: (url, password = PASSWORD) => ({ provider: payload({ url, email: EMAIL, password }) }),

  async endSession({ url, token }) {
    const headers = { authorization: `JWT ${token}` };
    await post(`${url}/api/graphql`, { query: "mutation { logoutUser }" }, headers);
  },
};
