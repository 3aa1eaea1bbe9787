/**
 * A manager of an API that is described as data, and that a function of the test answers for.
 *
 * @module
 */

import { managerFor, QUICK } from "../support/setup.js";

/** @import { TestContext } from "node:test" */
/** @import { TokenManagerOptions } from "graphql-token-manager" */

export const ENDPOINT = "https://api.test/graphql";

/**
 * A request as the API receives it.
 *
 * @typedef {{ url: string, headers: Headers, text: string, json: any, form: URLSearchParams }} Received
 */

/**
 * Creates a manager of an API that is a function.
 *
 * @param {TestContext} t
 * @param {object} provider members that replace those of a plain profile
 * @param {(request: Received, count: number) => Response | object} respond a `Response`, or the body of one
 * @param {object} [options]
 */
export function managerOf(t, provider, respond, options) {
  /** @type {Received[]} */
  const received = [];
  const plain = {
    name: "acme",
    endpoint: ENDPOINT,
    authenticate: { document: "mutation { login { token } }" },
    token: { data: "login.token" },
    expiry: { lifetimeMs: 60_000 },
  };
  const tokens = managerFor(
    t,
    /** @type {TokenManagerOptions} */ ({
      provider: { ...plain, ...provider },
      retry: QUICK,
      fetch: async (/** @type {string} */ url, /** @type {any} */ init) => {
        const text = `${init.body ?? ""}`;
        const json = text.startsWith("{") ? JSON.parse(text) : undefined;
        const request = {
          url,
          headers: new Headers(init.headers),
          text,
          json,
          form: new URLSearchParams(text),
        };
        received.push(request);
        const response = respond(request, received.length);
        return response instanceof Response ? response : Response.json(response);
      },
      ...options,
    }),
  );
  return { tokens, received };
}

export const isLogin = (/** @type {Received} */ { text }) => text.includes("login");
export const login = (/** @type {string} */ token) => ({ data: { login: { token } } });
