/**
 * Managers with a `grant` function and a store in memory, whose tokens and secrets are recognizable.
 *
 * @module
 */

import { managerFor } from "../support/setup.js";

/** @import { TestContext } from "node:test" */

/** What must not appear in lines, messages, spans and metrics. */
export const SECRETS = ["planted-token", "planted-refresh", "planted-key", "planted-password"];

/**
 * Creates a manager. Its API rejects the token that `rejects` has.
 * @param {TestContext} t
 * @param {Record<string, any>} [options]
 * @param {{ grant?: () => unknown, rejects?: { token: string } }} [how]
 */
export function planted(t, options, { grant, rejects = { token: "" } } = {}) {
  let count = 0;
  const granted = () => ({
    accessToken: `planted-token-${++count}`,
    refreshToken: `planted-refresh-${count}`,
    expiresInMs: 60_000,
  });
  const fetch = async (/** @type {unknown} */ _input, /** @type {any} */ init) => {
    const token = new Headers(init.headers).get("authorization")?.slice(7);
    return token === rejects.token
      ? new Response("", { status: 401 })
      : Response.json({ data: {} }, { headers: { "content-type": "application/json" } });
  };
  return managerFor(t, {
    provider: {
      name: "acme",
      endpoint: "https://acme.test/graphql?key=planted-key",
      grant: grant ?? granted,
    },
    retry: { baseMs: 1, maxMs: 5 },
    identity: "me",
    refresh: "on-demand",
    fetch,
    ...options,
  });
}

/** A store in memory with a lease. */
export function storeWithLease() {
  /** @type {Map<string, string>} */
  const records = new Map();
  let fence = 0;
  return {
    get: (/** @type {string} */ key) => records.get(key),
    set: (/** @type {string} */ key, /** @type {string} */ value) => void records.set(key, value),
    delete: (/** @type {string} */ key) => void records.delete(key),
    acquire: async () => ({ fence: ++fence, release: async () => {} }),
  };
}
