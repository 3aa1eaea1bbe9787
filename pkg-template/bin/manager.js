/**
 * Creates a manager from the flags.
 *
 * @module
 */

import { PROVIDER_FLAGS, readProvider } from "./provider-flags.js";
import { span } from "./args.js";

/** @import { AccessToken, TokenManager, TokenStore } from "graphql-token-manager" */
/** @import { Call } from "./main.js" */
/** @import { Flags } from "./args.js" */

/** @type {Flags} */
export const TOKEN_FLAGS = {
  ...PROVIDER_FLAGS,
  "min-validity": { value: "SPAN", about: "what the token must have left, or a new one is asked for" },
  fresh: { about: "ask for a new token, whatever is held" },
};

/**
 * Creates a manager, which the caller must close.
 * @param {Call} call
 * @param {Record<string, unknown>} [more] Further options.
 * @param {(store: TokenStore) => TokenStore} [around] Wraps the store.
 * @returns {Promise<TokenManager>}
 */
export async function openTokens({ args, warn }, more, around = (store) => store) {
  const options = await readProvider(args, warn);
  const path = args.one("store");
  if (path !== undefined) {
    const { fileStore } = await import("graphql-token-manager/stores/file");
    options.store = around(fileStore({ path, onWarning: ({ message }) => warn(message) }));
  }
  // Imported here, because help and usage errors do not need the core.
  const { TokenManager } = await import("graphql-token-manager");
  const tokens = new TokenManager(/** @type {any} */ ({ ...options, ...more }));
  HEADERS.set(tokens, /** @type {any} */ (options.provider)?.present?.header ?? "Authorization");
  tokens.on("warning", ({ message }) => warn(message));
  // Validates the options first, so that invalid ones are not reported as a failure of the provider.
  await tokens.ready();
  return tokens;
}

/** The names of the headers that contain the tokens. @type {WeakMap<TokenManager, string>} */
const HEADERS = new WeakMap();

/**
 * Returns the header of requests that contains a token.
 * @param {TokenManager} tokens
 * @param {AccessToken} token
 * @returns {[name: string, value: string]}
 */
export function headerOf(tokens, { tokenType, value }) {
  if (tokenType.endsWith("=")) return ["Cookie", tokenType + value];
  return [HEADERS.get(tokens) ?? "Authorization", tokenType === "" ? value : `${tokenType} ${value}`];
}

/**
 * Acquires one token and passes it to `use`.
 * @param {Call} call
 * @param {(token: AccessToken, tokens: TokenManager) => void} use
 */
export async function withToken(call, use) {
  const { args } = call;
  const given = args.one("min-validity");
  const minValidityMs = given === undefined ? undefined : span("min-validity", given);
  const tokens = await openTokens(call, { refresh: "on-demand" });
  try {
    use(await (args.has("fresh") ? tokens.refresh() : tokens.getAccessToken({ minValidityMs })), tokens);
    // A token near its expiry is returned while a new one is being acquired for the next call. The end of the process
    // would cancel that, so it is awaited.
    if (tokens.status().state === "refresh-due") await tokens.refresh().catch(() => {});
  } finally {
    await tokens.close();
  }
}
