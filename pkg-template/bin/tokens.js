/**
 * A manager as the flags describe it.
 *
 * @module
 */

import { PROVIDER_FLAGS, readProvider } from "./provider-flags.js";
import { span } from "./words.js";

/** @import { AccessToken, TokenManager, TokenStore } from "graphql-token-manager" */
/** @import { Call } from "./main.js" */
/** @import { Flags } from "./words.js" */

/** @type {Flags} */
export const TOKEN_FLAGS = {
  ...PROVIDER_FLAGS,
  "min-validity": { value: "SPAN", about: "what the token must have left, or a new one is asked for" },
  fresh: { about: "ask for a new token, whatever is held" },
};

/**
 * Opens a manager; whoever opens it closes it.
 * @param {Call} call
 * @param {Record<string, unknown>} [more] Further options.
 * @param {(store: TokenStore) => TokenStore} [around] What to make of the store.
 * @returns {Promise<TokenManager>}
 */
export async function openTokens({ words, warn }, more, around = (store) => store) {
  const options = await readProvider(words, warn);
  const path = words.one("store");
  if (path !== undefined) {
    const { fileStore } = await import("graphql-token-manager/stores/file");
    options.store = around(fileStore({ path, onWarning: ({ message }) => warn(message) }));
  }
  // Loaded late: help and mistakes need no core.
  const { TokenManager } = await import("graphql-token-manager");
  const tokens = new TokenManager(/** @type {any} */ ({ ...options, ...more }));
  tokens.on("warning", ({ message }) => warn(message));
  // Before anything else is made of them: wrong options are no failure of a provider.
  await tokens.ready();
  return tokens;
}

/**
 * One token for one call.
 * @param {Call} call
 * @param {(token: AccessToken) => void} use
 */
export async function withToken(call, use) {
  const { words } = call;
  const given = words.one("min-validity");
  const minValidityMs = given === undefined ? undefined : span("min-validity", given);
  const tokens = await openTokens(call, { refresh: "on-demand" });
  try {
    use(await (words.has("fresh") ? tokens.refresh() : tokens.getAccessToken({ minValidityMs })));
    // Near its end, a token is handed out and a new one asked for, which the next call has: that is awaited here, since
    // the end of the process would cut it off.
    if (tokens.status().state === "refresh-due") await tokens.refresh().catch(() => {});
  } finally {
    await tokens.close();
  }
}
