/** The command `status`, which prints the state of a stored token without contacting the provider. @module */

import { EXIT_FAILURE, UsageError } from "../errors.js";
import { PROVIDER_FLAGS } from "../provider-flags.js";
import { openTokens } from "../manager.js";

/** @import { AccessToken, TokenStore } from "graphql-token-manager" */
/** @import { Command } from "../main.js" */

/** @type {Command} */
export const status = {
  about: "tell what a store holds, without asking the provider",
  flags: PROVIDER_FLAGS,
  text: `Tells which token the same flags would have from --store: its state, when it was issued and expires, and its scopes;
never the token. The credentials are read and not sent: tokens of other credentials are others.
With --json: {"state", "issuedAt", "expiresAt", "expiresInMs", "scopes"}, points in time in milliseconds since 1970.

States: fresh; refresh-due, good and about to be renewed; empty, where there is none. Ends with 1 where there is none.`,
  examples: [
    `graphql-token-manager status --provider toggle --username api-user --password-env TOGGLE_PASSWORD --store ~/.cache/tokens`,
  ],
  async run(call) {
    if (!call.args.has("store")) {
      throw new UsageError("status needs --store FOLDER: nothing else outlives a command");
    }
    const options = { refresh: "on-demand", retry: { attempts: 1 }, fetch: rejectRequest };
    const tokens = await openTokens(call, options, readOnly);
    try {
      const held = await tokens.getAccessToken({ minValidityMs: 0 }).catch(() => undefined);
      const { state } = tokens.status();
      call.print(call.json ? JSON.stringify(inJson(held, state)) : inText(held, state));
      return held ? undefined : EXIT_FAILURE;
    } finally {
      await tokens.close();
    }
  },
};

const rejectRequest = () => Promise.reject(new Error("no request is sent"));

/**
 * Returns a read-only view of a store. Otherwise, a manager that finds an expired token would remove its refresh
 * token, which would then never be presented.
 * @param {TokenStore} store
 * @returns {TokenStore}
 */
function readOnly(store) {
  return { get: (key) => store.get(key), set: () => {}, delete: () => {} };
}

/**
 * @param {AccessToken | undefined} held
 * @param {string} state
 */
function inJson(held, state) {
  if (!held) return { state: "empty" };
  const { issuedAt, expiresAt, scopes } = held;
  return { state, issuedAt, expiresAt, expiresInMs: Math.max(0, expiresAt - Date.now()), scopes };
}

/**
 * @param {AccessToken | undefined} held
 * @param {string} state
 */
function inText(held, state) {
  if (!held) return "state    empty";
  const { issuedAt, expiresAt, scopes } = held;
  const rows = [
    ["state", state],
    ["issued", new Date(issuedAt).toISOString()],
    [
      "expires",
      `${new Date(expiresAt).toISOString()}, in ${Math.max(0, Math.round((expiresAt - Date.now()) / 1000))} s`,
    ],
    ["scopes", scopes.join(" ") || "none"],
  ];
  return rows.map(([name = "", value]) => `${name.padEnd(8)} ${value}`).join("\n");
}
