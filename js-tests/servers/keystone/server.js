// Keystone on SQLite, with stored sessions, and a list that only users may read.

import { keystone } from "graphql-token-manager/providers";
import { LIFETIME_MS } from "../lifetime.js";
import { post } from "../place.js";

/** @import { Description } from "../scenarios.js" */

const EMAIL = "reader@example.com";
const PASSWORD = "correct-horse-battery";

/** @type {Description} */
export default {
  title: "Keystone",
  preset: "keystone",
  package: "@keystone-6/core",
  compile: ["better-sqlite3"],
  lifetimeMs: LIFETIME_MS,
  renewal: "login",
  query: "{ notes { text } }",
  isPermitted: (data) => data?.notes?.[0]?.text === "private",
  endedSession: "anonymous",
  revoked: "replayed",
  notes: {
    "first token":
      "Run with `storedSessions` in files, and a short `maxAge`, which the option `lifetimeMs` repeats. Keystone accepts a token for a minute more.",
    "ended session":
      "An anonymous query of a list that only users may read is an empty list without an error, so a program receives too little, and does not fail.",
    "revoke()":
      "`endSession` ends a stored session. With `statelessSessions`, it does not end the token, which is accepted until it expires (read in the source, not run).",
  },

  async start(place, isFirst) {
    await place.copyProgram(import.meta.dirname);
    const env = {
      PORT: `${place.port}`,
      LIFETIME: `${LIFETIME_MS / 1_000}`,
      USER_EMAIL: EMAIL,
      USER_PASSWORD: PASSWORD,
      // Prisma would download this program, which only migrations need.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      CHECKPOINT_DISABLE: "1",
    };
    if (isFirst) await place.run(["keystone", "build", "--no-ui"], env);
    await place.serve(["keystone", "start", "--no-ui"], { env, ready: "/api/graphql" });
  },

  options: (url, password = PASSWORD) => ({
    provider: keystone({ endpoint: `${url}/api/graphql`, identity: EMAIL, password }),
    // The API does not state the length of its sessions.
    lifetimeMs: LIFETIME_MS,
  }),

  async endSession({ url, token }) {
    const headers = { authorization: `Bearer ${token}` };
    await post(`${url}/api/graphql`, { query: "mutation { endSession }" }, headers);
  },
};
