// Rejected credentials: one rejection is not permanent, a password is not presented repeatedly, and only an explicit
// error of the provider is permanent.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { fluz, managerFor, QUICK, sandboxFor } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { failure, record, until } from "../support/waiting.js";

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
    test(`${kind} are presented twice, however long callers call`, async (t) => {
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

  test("are replaced by what the function gives next", async (t) => {
    const clock = simulatedTime(t);
    let password = "planted-wrong";
    const { tokens, api } = guarded(t, { secret: () => password });
    for (let call = 0; call < 10; call++) {
      await failure(tokens.getToken());
      clock.advance(MINUTE + 1);
    }

    password = "planted-right";

    assert.equal(await tokens.getToken(), "token-3");
    assert.deepEqual(api.presented, ["planted-wrong", "planted-wrong", "planted-right"]);
  });
});

describe("credentials that have worked", () => {
  for (const status of [401, 403]) {
    test(`are presented again after one refusal with ${status} and an HTML page`, async (t) => {
      const clock = simulatedTime(t);
      const { tokens, api } = guarded(t, { secret: "planted-right" });
      const first = await tokens.getToken();
      api.instead = () => {
        api.instead = undefined;
        return new Response("<html>blocked</html>", { status, headers: { "content-type": "text/html" } });
      };

      clock.advance(3 * MINUTE - 20_000);
      const meanwhile = await tokens.getToken();
      await until(() => api.presented.length > 1 && !tokens.status().refreshing, "the refusal");
      clock.advance(25_000);
      const later = await tokens.getToken();

      assert.equal(meanwhile, first);
      assert.notEqual(later, first);
    });
  }

  test("are not presented more often than the intervals say, and callers get the refusal at once", async (t) => {
    const clock = simulatedTime(t);
    const { tokens, api } = guarded(t, { secret: "planted-right", refresh: "on-demand" });
    await tokens.getToken();
    api.accepted = undefined;
    clock.advance(3 * MINUTE);

    /** @type {number[]} */
    const times = [];
    for (let second = 0; second < 3_600; second += 10) {
      const before = api.presented.length;
      assert.equal((await failure(tokens.getToken())).code, "invalid_credentials");
      if (api.presented.length > before) times.push(second);
      clock.advance(10_000);
    }

    const pauses = times.slice(1).map((time, place) => time - Number(times[place]));
    for (const [place, least] of [15, 60, 240, 900].entries()) {
      assert.ok(Number(pauses[place]) >= least && Number(pauses[place]) <= least * 1.2 + 80, `${pauses}`);
    }
  });
});

describe("an answer that is not the provider's", () => {
  const html = { "content-type": "text/html; charset=utf-8" };
  for (const [what, answer, seen] of /** @type {[string, () => Response, RegExp][]} */ ([
    ["a page with 200", () => new Response("<html>", { headers: html }), /HTTP 200, text\/html/],
    ["a page with 403", () => new Response("<html>", { status: 403, headers: html }), /HTTP 403, text\/html/],
    ["a page with 404", () => new Response("<html>", { status: 404, headers: html }), /HTTP 404, text\/html/],
    ["a page with 511", () => new Response("<html>", { status: 511, headers: html }), /HTTP 511/],
    [
      "a redirect",
      () => new Response(null, { status: 302, headers: { location: "https://portal.test" } }),
      /redirects/,
    ],
    ["half of the body", () => new Response('{"data":{"login":{"jwt":"to'), /not JSON, or only a part/],
    ["an empty body", () => new Response(""), /empty body/],
    ["JSON of a gateway", () => Response.json({ message: "no route" }, { status: 404 }), /HTTP 404/],
  ])) {
    test(`${what} is tried again, and the error says what came`, async (t) => {
      const { tokens, api } = guarded(t, { secret: "planted-right" });
      const events = record(tokens);
      let portal = 2;
      api.instead = () => {
        if (--portal === 0) api.instead = undefined;
        return answer();
      };

      assert.equal(await tokens.getToken(), "token-3");
      assert.equal(events.filter(({ type }) => type === "retry").length, 2);

      api.instead = answer;
      const error = await failure(tokens.refresh());

      assert.equal(error.retryable, true);
      assert.match(error.message, seen);
      assert.equal(await tokens.getToken(), "token-3");
    });
  }

  test("makes `request` reject with a retryable error that says what came", async (t) => {
    const { tokens, api } = guarded(t, { secret: "planted-right" });
    await tokens.getToken();
    api.instead = () => new Response("<html>", { status: 404, headers: html });

    const error = await failure(tokens.request("{ a }"));

    assert.deepEqual([error.code, error.retryable, error.status], ["protocol", true, 404]);
    assert.match(error.message, /text\/html/);
  });
});

describe("many sessions of one manager", () => {
  const USERS = Array.from({ length: 50 }, (_, user) => `00000000-0000-4000-8000-0000000000${10 + user}`);

  /** @param {import("graphql-token-manager").TokenManager} tokens */
  const sessionsOf = (tokens) =>
    USERS.flatMap((userId) =>
      ["LIST_OFFERS", "LIST_PURCHASES"].map((scope) => tokens.session({ userId, scopes: [scope] })),
    );

  test("present a wrong key twice in all, however long they call", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox, { apiKey: "planted-wrong" }));

    for (let minute = 0; minute < 5; minute++) {
      const errors = await Promise.all(sessionsOf(tokens).map((session) => failure(session.getToken())));
      for (const { code } of errors) assert.equal(code, "invalid_credentials");
      clock.advance(MINUTE);
    }

    assert.equal(sandbox.requests().length, 2);
    await failure(sessionsOf(tokens)[3]?.refresh() ?? Promise.resolve());
    assert.equal(sandbox.requests().length, 3);
  });

  test("all get their tokens by a right key", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));

    const got = await Promise.all(sessionsOf(tokens).map((session) => session.getToken()));

    assert.equal(new Set(got).size, 100);
    assert.equal(sandbox.counts().fluz.grants, 100);
  });

  test("all get their tokens at once when the key's function returns a right one", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t);
    let key = "planted-wrong";
    const tokens = managerFor(t, fluz(sandbox, { apiKey: () => key }));
    await Promise.all(sessionsOf(tokens).map((session) => failure(session.getToken())));
    assert.equal(sandbox.requests().length, 2);

    key = sandbox.fluz.apiKey;
    clock.advance(MINUTE);
    await Promise.all(sessionsOf(tokens).map((session) => session.getToken()));

    assert.equal(sandbox.counts().fluz.grants, 100);
  });
});
