// Parse Server on PGlite, with a class that only users may read.

import { parse } from "graphql-token-manager/providers";
import { LIFETIME_MS } from "../lifetime.js";
import { post } from "../place.js";

/** @import { Description } from "../scenarios.js" */

const APPLICATION_ID = "notes";
const MASTER_KEY = "not-a-secret-but-a-test";
const USERNAME = "reader";
const PASSWORD = "correct-horse-battery";

/** @type {Description} */
export default {
  title: "Parse Server",
  preset: "parse",
  package: "parse-server",
  lifetimeMs: LIFETIME_MS,
  renewal: "login",
  query: "{ notes { edges { node { text } } } }",
  isPermitted: (data) => data?.notes?.edges?.[0]?.node?.text === "private",
  endedSession: "replayed",
  revoked: "replayed",
  notes: {
    "first token":
      "Run with PGlite, which is PostgreSQL in WebAssembly, and a short `sessionLength`, which the option `lifetimeMs` repeats.",
    "ended session":
      "A session is rejected before GraphQL, with status 400, and the code 209 beside the text `error`. The description compares that text.",
  },

  async start(place, isFirst) {
    await place.copyProgram(import.meta.dirname);
    await place.serve(["node", "main.js", `${place.port}`, `${LIFETIME_MS / 1_000}`], {
      env: { APP_ID: APPLICATION_ID, MASTER_KEY },
      ready: "/parse/health",
    });
    if (isFirst) await seed(place.url);
  },

  options: (url, password = PASSWORD) => ({
    provider: parse({ url, applicationId: APPLICATION_ID, username: USERNAME, password }),
    headers: { "X-Parse-Application-Id": APPLICATION_ID },
    // The API does not state the length of its sessions.
    lifetimeMs: LIFETIME_MS,
  }),

  async endSession({ url, token }) {
    const headers = { "X-Parse-Application-Id": APPLICATION_ID, "X-Parse-Session-Token": token };
    await post(`${url}/parse/logout`, {}, headers);
  },
};

/** @param {string} url */
async function seed(url) {
  const headers = { "X-Parse-Application-Id": APPLICATION_ID, "X-Parse-Master-Key": MASTER_KEY };
  const users = { requiresAuthentication: true };
  const schema = {
    className: "Note",
    fields: { text: { type: "String" } },
    classLevelPermissions: { find: users, get: users },
  };
  await post(`${url}/parse/schemas/Note`, schema, headers);
  await post(`${url}/parse/classes/Note`, { text: "private" }, headers);
  await post(`${url}/parse/users`, { username: USERNAME, password: PASSWORD }, headers);
}
