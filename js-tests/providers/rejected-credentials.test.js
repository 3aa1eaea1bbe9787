// Rejected credentials: one rejection is not permanent, a password is not presented repeatedly, and only an explicit
// error of the provider is permanent.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, QUICK } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { failure } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

const MINUTE = 60_000;

/**
 * Starts an API with a password, which records each presentation.
 * @param {TestContext} t
 * @param {Record<string, any>} [options]
 */
function guarded(t, options = {}) {
  const { secret = "planted-wrong", ...rest } = options;
  const api = {
    /** @type {string[]} */
    presented: [],
    /** @type {string | undefined} */
    accepted: "planted-right",
    /** @type {((password: string) => Response) | undefined} */
    instead: undefined,
  };
  const tokens = managerFor(t, {
    provider: {
      name: "acme",
      endpoint: "https://api.test/graphql",
      authenticate: {
        document: "mutation ($password: String!) { login(password: $password) { jwt } }",
        variables: { password: secret },
      },
      token: { data: "login.jwt" },
      expiry: { lifetimeMs: 3 * MINUTE },
      refused: { statuses: [401, 403], codes: ["BAD_PASSWORD"] },
    },
    fetch: async (/** @type {any} */ _url, /** @type {any} */ { body }) => {
      const { password } = JSON.parse(body).variables ?? {};
      api.presented.push(password);
      if (api.instead) return api.instead(password);
      if (password === api.accepted) {
        return Response.json({ data: { login: { jwt: `token-${api.presented.length}` } } });
      }
      const errors = [{ message: "no", extensions: { code: "BAD_PASSWORD" } }];
      return Response.json({ errors, data: { login: null } });
    },
    retry: QUICK,
    ...rest,
  });
  return { tokens, api };
}

describe("credentials that never worked", () => {
  for (const [kind, secret] of /** @type {const} */ ([
    ["as a string", "planted-wrong"],
    ["from a function", async () => "planted-wrong"],
  ])) {
    test(`${kind} are presented twice, however often callers retry`, async (t) => {
      const clock = simulatedTime(t);
      const { tokens, api } = guarded(t, { secret });

      for (let call = 0; call < 60; call++) {
        assert.equal((await failure(tokens.getToken())).code, "invalid_credentials");
        clock.advance(MINUTE);
      }

      assert.equal(api.presented.length, 2);
      assert.equal((await failure(tokens.refresh())).code, "invalid_credentials");
      assert.equal(api.presented.length, 3);
    });
  }
});
