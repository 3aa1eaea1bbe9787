// `revoke()`: the provider no longer accepts the tokens, and they are discarded as by `clear()`.

import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";

import { TokenError } from "graphql-token-manager";

import { apiFor, json } from "../requests/support.js";
import { run } from "../support/child.js";
import { managerFor } from "../support/setup.js";
import { SharedMap } from "../support/shared-map.js";
import { failure, record, until, within } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

const REVOKE = {
  document: "mutation ($access: String, $refresh: String) { revoke(access: $access, refresh: $refresh) }",
  variables: { access: "$accessToken", refresh: "$refreshToken" },
};

/**
 * An API that grants `access-1` with `refresh-1`, `access-2` with `refresh-2` …, and records its revocations.
 *
 * @param {TestContext} t
 * @param {object} parts
 * @param {Record<string, any>} parts.revoke
 * @param {Record<string, any>} [parts.profile]
 * @param {Record<string, any>} [parts.options]
 * @param {(request: any, response: import("node:http").ServerResponse) => unknown} [parts.respond] to a revocation
 */
async function applicationFor(t, { revoke, profile, options, respond }) {
  let grants = 0;
  /** @type {any[]} */
  const revocations = [];
  const api = await apiFor(t, async (asked, response) => {
    const text = asked.body.toString();
    const isForm = asked.headers["content-type"]?.includes("urlencoded");
    const body = isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
    if (isForm || body.query.includes("revoke")) {
      const request = { ...asked, body: isForm ? body : body.variables };
      revocations.push(request);
      await respond?.(request, response);
      if (!response.writableEnded) json(response, 200, isForm ? {} : { data: { revoke: true } });
    } else if (body.query.includes("login")) {
      grants++;
      const login = { token: `access-${grants}`, refresh: `refresh-${grants}`, ttl: 3600 };
      json(response, 200, { data: { login } });
    }
  });
  const operation = { document: "mutation ($user: String) { login(user: $user) { token refresh ttl } }" };
  const given = typeof revoke.url === "string" ? { ...revoke, url: api.origin + revoke.url } : revoke;
  const provider = {
    name: "acme",
    endpoint: api.endpoint,
    authenticate: { ...operation, variables: { user: "ann", secret: () => "planted-secret" } },
    renew: { ...operation, variables: { refresh: "$refreshToken" } },
    token: { data: "login.token" },
    refreshToken: { data: "login.refresh" },
    expiry: { expiresIn: "login.ttl" },
    revoke: given,
    ...profile,
  };
  const make = () =>
    managerFor(t, { provider, refresh: "on-demand", retry: { attempts: 1 }, timeoutMs: 5_000, ...options });
  return { make, tokens: make(), api, revocations };
}

const bodies = (/** @type {any[]} */ requests) => requests.map(({ body }) => body);

describe("a GraphQL operation", () => {
  test("receives both tokens, and the next call begins with the credentials", async (t) => {
    const { tokens, revocations } = await applicationFor(t, { revoke: REVOKE });
    assert.equal(await tokens.getToken(), "access-1");
    const events = record(tokens);

    const revoked = tokens.revoke();
    assert.equal(tokens.peek(), undefined);
    const next = tokens.getToken();
    await within(revoked, "the end of the revocation");

    assert.deepEqual(bodies(revocations), [{ access: "access-1", refresh: "refresh-1" }]);
    assert.equal(await next, "access-2");
    assert.ok(events.some(({ type }) => type === "cleared"));
  });

  test("can authenticate with the token itself, and needs no secret of the credentials", async (t) => {
    let isVaultOpen = true;
    const variables = {
      user: "ann",
      secret: () => {
        if (isVaultOpen) return "planted-secret";
        throw new Error("the vault is closed");
      },
    };
    const { tokens, revocations } = await applicationFor(t, {
      revoke: { document: "mutation { revokeToken }", authorization: { bearer: "$accessToken" } },
      profile: { authenticate: { document: "mutation { login { token refresh ttl } }", variables } },
    });
    await tokens.getToken();
    isVaultOpen = false;

    await tokens.revoke();

    assert.deepEqual(
      revocations.map(({ token }) => token),
      ["access-1"],
    );
  });

  test("sends the variables that the session selects, and the secret of a function", async (t) => {
    const variables = { ...REVOKE.variables, user: "nobody", secret: () => "other-secret" };
    const { tokens, revocations } = await applicationFor(t, { revoke: { ...REVOKE, variables } });
    const session = tokens.session({ user: "bob" });
    await session.getToken();

    await session.revoke();

    const both = { access: "access-1", refresh: "refresh-1" };
    assert.deepEqual(bodies(revocations), [{ ...both, user: "bob", secret: "other-secret" }]);
  });

  test("is not sent without a token", async (t) => {
    const { tokens, revocations } = await applicationFor(t, { revoke: REVOKE });

    await tokens.revoke();

    assert.deepEqual(revocations, []);
  });

  for (const [what, status, body, code] of /** @type {const} */ ([
    ["errors", 200, { data: { revoke: null }, errors: [{ message: "access-1 is unknown" }] }, "protocol"],
    ["null", 200, { data: null }, "protocol"],
    ["an outage", 503, { errors: [{ message: "later" }] }, "server"],
    ["a rejection of the credentials", 401, { error: "no" }, "invalid_credentials"],
    ["a rate limit", 429, {}, "rate_limited"],
  ])) {
    test(`that is answered with ${what} rejects, and the token is discarded`, async (t) => {
      const { tokens, revocations } = await applicationFor(t, {
        revoke: REVOKE,
        respond: (_, response) => json(response, status, body),
      });
      await tokens.getToken();

      const error = await failure(tokens.revoke());

      assert.ok(TokenError.is(error));
      assert.equal(error.code, code);
      assert.equal(error.retryable, false);
      assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}`, /access-1|refresh-1|planted/);
      assert.equal(tokens.peek(), undefined);
      assert.equal(revocations.length, 1);
      assert.equal(await tokens.getToken(), "access-2");
    });
  }

  test("that is redirected rejects, and the tokens are not sent on", async (t) => {
    const other = await apiFor(t);
    const { tokens } = await applicationFor(t, {
      revoke: REVOKE,
      respond: (_, response) => response.writeHead(307, { location: other.endpoint }).end(),
    });
    await tokens.getToken();

    const error = await failure(tokens.revoke());

    assert.equal(error.code, "protocol");
    assert.deepEqual(other.received, []);
  });
});

describe("close() right after a sign-out with a store", () => {
  /** Whether an entry of the store has a token. @param {SharedMap} store */
  const hasToken = (store) => [...store.entries.values()].some((entry) => entry.includes("access-"));

  for (const method of /** @type {const} */ (["clear", "revoke"])) {
    for (const isWhole of [true, false]) {
      const of = isWhole ? "a manager" : "a session";
      test(`of ${of} waits until ${method}() has replaced the entry`, async (t) => {
        const store = new SharedMap();
        const { tokens, revocations } = await applicationFor(t, { revoke: REVOKE, options: { store } });
        const signedOut = isWhole ? tokens : tokens.session({ user: "bob" });
        await signedOut.getToken();

        const ended = failure(signedOut[method]());
        assert.ok(hasToken(store));
        await within(signedOut.close(), "the close");

        assert.equal((await ended).code, "closed");
        assert.equal(hasToken(store), false);
        assert.equal(store.isLeased, false);
        const both = [{ access: "access-1", refresh: "refresh-1" }];
        if (method === "revoke") await until(() => revocations.length === 1, "the revocation");
        assert.deepEqual(bodies(revocations), method === "revoke" ? both : []);
      });
    }
  }

  test("waits for a lease of another holder", async (t) => {
    const store = new SharedMap();
    const { tokens } = await applicationFor(t, { revoke: REVOKE, options: { store } });
    await tokens.getToken();
    for (const [key, fence] of store.fences) store.leases.set(key, fence);
    let requests = 0;
    store.before = (method) => {
      if (method === "acquire" && ++requests > 2) store.leases.clear();
    };

    const ended = failure(tokens.clear());
    await within(tokens.close(), "the close");

    assert.equal((await ended).code, "closed");
    assert.equal(requests, 3);
    assert.equal(hasToken(store), false);
  });

  test("of a manager that had not started leaves the entry, and the sign-out rejects", async (t) => {
    const store = new SharedMap();
    const { make, tokens } = await applicationFor(t, { revoke: REVOKE, options: { store } });
    await tokens.getToken();
    const other = make();

    const ended = failure(other.clear());
    await other.close();

    assert.equal((await ended).code, "closed");
    assert.ok(hasToken(store));
  });
});

describe("a revocation endpoint (RFC 7009)", () => {
  const basic = { basic: { username: "app", password: () => "planted-secret" } };
  const credentials = `Basic ${btoa("app:planted-secret")}`;

  test("receives the refresh token and then the access token, with the client's credentials", async (t) => {
    const { tokens, revocations } = await applicationFor(t, {
      revoke: { url: "/revoke", parameters: { tenant: "7" } },
      profile: {
        authenticate: { document: "mutation { login { token refresh ttl } }", authorization: basic },
        headers: { "x-gateway": "key" },
      },
    });
    await tokens.getToken();

    await tokens.revoke();

    assert.deepEqual(bodies(revocations), [
      { tenant: "7", token: "refresh-1", token_type_hint: "refresh_token" },
      { tenant: "7", token: "access-1", token_type_hint: "access_token" },
    ]);
    for (const { url, headers } of revocations) {
      assert.equal(url, "/revoke");
      assert.equal(headers.authorization, credentials);
      assert.equal(headers["x-gateway"], "key");
    }
  });

  test("of another origin than the endpoint does not receive its headers", async (t) => {
    const other = await apiFor(t, (_, response) => json(response, 200, {}));
    const { tokens } = await applicationFor(t, {
      revoke: {},
      profile: { revoke: { url: `${other.origin}/revoke` }, headers: { "x-gateway": "key" } },
    });
    await tokens.getToken();

    await tokens.revoke();

    assert.equal(other.received.length, 2);
    for (const { headers } of other.received) {
      assert.equal(headers["x-gateway"], undefined);
      assert.equal(headers.authorization, undefined);
    }
  });

  test("revokes the tokens of a `grant` function, and receives none of its selectors", async (t) => {
    let grants = 0;
    const { tokens, revocations } = await applicationFor(t, {
      revoke: { url: "/revoke", authorization: { bearer: "planted-secret" } },
      profile: {
        grant: () => ({ accessToken: `access-${++grants}`, expiresInMs: 3_600_000 }),
        ...Object.fromEntries(
          ["authenticate", "renew", "token", "refreshToken", "expiry"].map((key) => [key, undefined]),
        ),
      },
    });
    const session = tokens.session({ user: "bob" });
    await session.getToken();

    await session.revoke();

    assert.deepEqual(bodies(revocations), [{ token: "access-1", token_type_hint: "access_token" }]);
    assert.equal(revocations[0].token, "planted-secret");
  });

  test("may revoke access tokens by their refresh token alone", async (t) => {
    const { tokens, revocations } = await applicationFor(t, {
      revoke: { url: "/revoke" },
      respond: ({ body }, response) => {
        if (body.token_type_hint === "access_token") json(response, 400, { error: "unsupported_token_type" });
      },
    });
    await tokens.getToken();

    await tokens.revoke();

    assert.equal(revocations.length, 2);
  });

  test("that fails for the refresh token still receives the access token, and revoke() rejects", async (t) => {
    const { tokens, revocations } = await applicationFor(t, {
      revoke: { url: "/revoke" },
      respond: ({ body }, response) => {
        if (body.token_type_hint === "refresh_token") json(response, 400, { error: "invalid_client" });
      },
    });
    await tokens.getToken();

    const error = await failure(tokens.revoke());

    assert.equal(error.code, "invalid_credentials");
    assert.equal(revocations.length, 2);
  });

  for (const [what, options, respond, code] of /** @type {const} */ ([
    ["breaks", {}, (/** @type {any} */ _, /** @type {any} */ response) => response.destroy(), "network"],
    ["does not respond", { timeoutMs: 200 }, () => new Promise(() => {}), "timeout"],
  ])) {
    test(`whose connection ${what} for the refresh token still receives the access token`, async (t) => {
      const { tokens, revocations } = await applicationFor(t, {
        revoke: { url: "/revoke" },
        options,
        respond: (request, response) =>
          request.body.token_type_hint === "refresh_token" ? respond(request, response) : undefined,
      });
      await tokens.getToken();

      const error = await failure(within(tokens.revoke(), "the rejection"));

      assert.equal(error.code, code);
      assert.deepEqual(
        bodies(revocations).map(({ token }) => token),
        ["refresh-1", "access-1"],
      );
    });
  }

  test("that fails for both tokens rejects with the first failure", async (t) => {
    const { tokens, revocations } = await applicationFor(t, {
      revoke: { url: "/revoke" },
      respond: ({ body }, response) => {
        if (body.token_type_hint === "refresh_token") json(response, 503, {});
        else response.destroy();
      },
    });
    await tokens.getToken();

    const error = await failure(tokens.revoke());

    assert.equal(error.code, "server");
    assert.equal(revocations.length, 2);
  });

  test("that cannot be reached rejects with `network`, and the token is discarded", async (t) => {
    const { tokens, api } = await applicationFor(t, {
      revoke: { url: "/revoke" },
      respond: (_, response) => response.destroy(),
    });
    await tokens.getToken();

    const error = await failure(tokens.revoke());

    assert.equal(error.code, "network");
    assert.match(error.message, new RegExp(api.origin));
    assert.equal(tokens.peek(), undefined);
  });
});

describe("sessions and stores", () => {
  test("session.revoke() revokes the tokens of its identity alone", async (t) => {
    const { tokens, revocations } = await applicationFor(t, { revoke: REVOKE });
    const [ann, bob] = [tokens.session({ user: "ann" }), tokens.session({ user: "bob" })];
    await ann.getToken();
    await bob.getToken();

    await bob.revoke();

    assert.deepEqual(bodies(revocations), [{ access: "access-2", refresh: "refresh-2" }]);
    assert.equal(await ann.getToken(), "access-1");
  });

  test("revoke() of a manager revokes the tokens of all sessions", async (t) => {
    const { tokens, revocations } = await applicationFor(t, { revoke: REVOKE });
    await tokens.session({ user: "bob" }).getToken();
    await tokens.getToken();

    await tokens.revoke();

    assert.deepEqual(
      bodies(revocations)
        .map(({ access }) => access)
        .toSorted(),
      ["access-1", "access-2"],
    );
  });

  test("with a store, its refresh token is revoked, and other holders discard theirs", async (t) => {
    const store = new SharedMap();
    const { make, tokens, revocations } = await applicationFor(t, { revoke: REVOKE, options: { store } });
    const other = make();
    assert.equal(await tokens.getToken(), "access-1");
    assert.equal(await other.getToken(), "access-1");

    await other.revoke();

    assert.deepEqual(bodies(revocations), [{ access: "access-1", refresh: "refresh-1" }]);
    assert.equal(await tokens.getToken({ minValidityMs: 1 }), "access-2");
  });

  test("with a store that fails, the token of this holder is revoked", async (t) => {
    const store = new SharedMap();
    const { tokens, revocations } = await applicationFor(t, { revoke: REVOKE, options: { store } });
    await tokens.getToken();
    store.before = () => {
      throw new Error("the store is down");
    };

    const error = await failure(tokens.revoke());

    assert.equal(error.code, "store");
    assert.deepEqual(bodies(revocations), [{ access: "access-1", refresh: null }]);
  });
});

describe("a revoke() while another is pending", () => {
  /**
   * An application whose revocations are answered by `answer`, once the test calls it.
   *
   * @param {TestContext} t
   * @param {Record<string, any>} [options]
   */
  async function pendingFor(t, options) {
    /** @type {((status: number) => void)[]} */
    const waiting = [];
    const application = await applicationFor(t, {
      revoke: REVOKE,
      options,
      respond: (_, response) =>
        new Promise((resolve) => waiting.push((status) => resolve(json(response, status, { data: {} })))),
    });
    /** Answers the revocation that arrived at this position. */
    const answer = async (/** @type {number} */ place, /** @type {number} */ status) => {
      await until(() => waiting[place] !== undefined, "the revocation has arrived");
      waiting[place](status);
    };
    return { ...application, answer };
  }
  const codeOf = (/** @type {Promise<unknown>} */ promise) =>
    promise.then(
      () => "resolved",
      (error) => error.code,
    );

  for (const [status, code] of /** @type {const} */ ([
    [200, "resolved"],
    [503, "server"],
  ])) {
    test(`waits for it and shares a status ${status}, with errors of their own`, async (t) => {
      const { tokens, revocations, answer } = await pendingFor(t);
      await tokens.getToken();
      const [first, second, third] = [tokens.revoke(), tokens.revoke(), tokens.session({}).revoke()];
      const ends = Promise.all([first, second, third].map(codeOf));
      let isEnded = false;
      void second.catch(() => {}).finally(() => (isEnded = true));
      await until(() => revocations.length === 1, "the revocation has arrived");
      assert.equal(isEnded, false);

      await answer(0, status);

      assert.deepEqual(await within(ends, "the ends"), [code, code, code]);
      assert.equal(revocations.length, 1);
      if (status !== 200) assert.notEqual(await failure(first), await failure(second));
    });
  }

  test("of a manager waits for those of its sessions, and that of a session for the manager's", async (t) => {
    const { tokens, answer } = await pendingFor(t);
    const [ann, bob] = [tokens.session({ user: "ann" }), tokens.session({ user: "bob" })];
    await ann.getToken();
    await bob.getToken();

    const ends = Promise.all([ann.revoke(), tokens.revoke(), ann.revoke(), bob.revoke()].map(codeOf));
    await answer(0, 503);
    await answer(1, 200);

    assert.deepEqual(await within(ends, "the ends"), ["server", "server", "server", "resolved"]);
  });

  test("shares a failure from before it was called, of the same identity alone", async (t) => {
    const { tokens, answer } = await pendingFor(t);
    const [ann, bob] = [tokens.session({ user: "ann" }), tokens.session({ user: "bob" })];
    await ann.getToken();
    await bob.getToken();
    const single = ann.revoke();
    const whole = codeOf(tokens.revoke());
    await answer(0, 503);
    assert.equal(await codeOf(single), "server");

    const ends = Promise.all([whole, ...[tokens.revoke(), bob.revoke()].map(codeOf)]);
    await answer(1, 200);

    assert.deepEqual(await within(ends, "the ends"), ["server", "server", "resolved"]);
  });

  test("does not pass its own failure to the earlier one", async (t) => {
    const { tokens, answer } = await pendingFor(t);
    await tokens.getToken();
    const first = codeOf(tokens.revoke());
    assert.equal(await tokens.getToken(), "access-2");
    const second = codeOf(tokens.revoke());

    await answer(1, 503);
    await answer(0, 200);

    assert.deepEqual(await within(Promise.all([first, second]), "the ends"), ["resolved", "server"]);
  });

  test("waits also if the session was evicted meanwhile, and the request has the session's variables", async (t) => {
    const variables = { ...REVOKE.variables, user: "nobody" };
    const respond = /** @type {(status: number) => void} */ (() => {});
    const held = { respond };
    const { tokens, revocations } = await applicationFor(t, {
      revoke: { ...REVOKE, variables },
      options: { sessions: { max: 1 } },
      respond: (_, response) =>
        new Promise((resolve) => (held.respond = (status) => resolve(json(response, status, {})))),
    });
    const bob = tokens.session({ user: "bob" });
    await bob.getToken();

    const first = codeOf(bob.revoke());
    const others = ["a", "b", "c"].map((user) => tokens.session({ user }).getToken());
    await Promise.all(others);
    await until(() => revocations.length === 1, "the revocation has arrived");
    assert.equal(revocations[0].body.user, "bob");
    const second = codeOf(bob.revoke());
    held.respond(503);

    assert.deepEqual(await within(Promise.all([first, second]), "the ends"), ["server", "server"]);
  });

  test("of 500 callers sends one request, and all are settled", async (t) => {
    const { tokens, revocations, answer } = await pendingFor(t);
    await tokens.getToken();
    const ends = Promise.all(Array.from({ length: 500 }, () => codeOf(tokens.revoke())));

    await answer(0, 503);

    assert.deepEqual([...new Set(await within(ends, "the ends"))], ["server"]);
    assert.equal(revocations.length, 1);
  });
});

describe("where I/O ends with its request", () => {
  test("revoke() of a manager that has not started calls `waitUntil` at once, and the second does not wait", async (t) => {
    Object.assign(globalThis, { EdgeRuntime: "edge-runtime" });
    t.after(() => Reflect.deleteProperty(globalThis, "EdgeRuntime"));
    /** @type {Promise<unknown>[]} */
    const kept = [];
    let isHeld = true;
    const { tokens, revocations } = await applicationFor(t, {
      revoke: REVOKE,
      options: { waitUntil: (/** @type {Promise<unknown>} */ promise) => kept.push(promise) },
      respond: () => until(() => !isHeld, "the revocation is answered"),
    });

    const cold = tokens.revoke();
    assert.equal(kept.length, 1);
    await within(Promise.all([cold, ...kept]), "the end without a token");

    await tokens.getToken();
    const first = tokens.revoke();
    await within(tokens.revoke(), "the second, while the first is pending");
    isHeld = false;
    await within(first, "the first");
    assert.equal(revocations.length, 1);
  });
});

describe("a crash of the core", () => {
  /** Runs an action while the clock throws, which crashes the core. @template T @param {() => T} action */
  const crashing = (action) => {
    const broken = mock.method(Date, "now", () => {
      throw new RangeError("Maximum call stack size exceeded");
    });
    try {
      return action();
    } finally {
      broken.mock.restore();
    }
  };
  const LOST = /core crashed and lost the token, which is discarded here but was not revoked/;

  for (const isRestarted of [false, true]) {
    for (const isWhole of [false, true]) {
      const of = isWhole ? "a manager" : "a session";
      const restart = isRestarted ? "and a restart " : "";
      test(`${restart}lets revoke() of ${of} reject, and no session keeps its token`, async (t) => {
        const { tokens, revocations } = await applicationFor(t, { revoke: REVOKE });
        const [ann, bob] = [tokens.session({ user: "ann" }), tokens.session({ user: "bob" })];
        await ann.getToken();
        await bob.getToken();
        await failure(crashing(() => tokens.refresh()));
        assert.equal(bob.peek()?.value, "access-2");
        if (isRestarted) await tokens.ready();

        const revoked = (isWhole ? tokens : ann).revoke();
        assert.deepEqual([ann.peek(), bob.peek()], [undefined, undefined]);
        const error = await failure(within(revoked, "the rejection"));

        assert.deepEqual([error.code, error.retryable], ["internal", false]);
        assert.match(error.message, LOST);
        assert.deepEqual(revocations, []);
        assert.equal(await bob.getToken(), "access-3");
        await (isWhole ? tokens : bob).revoke();
        assert.deepEqual(bodies(revocations), [{ access: "access-3", refresh: "refresh-3" }]);
      });
    }
  }

  test("lets each revoke() reject that is called while the first one reports the loss", async (t) => {
    const { tokens } = await applicationFor(t, { revoke: REVOKE });
    const bob = tokens.session({ user: "bob" });
    await bob.getToken();
    await failure(crashing(() => tokens.refresh()));

    const ends = await within(
      Promise.all([bob.revoke(), tokens.revoke()].map((revoked) => failure(revoked))),
      "the rejections",
    );

    for (const error of ends) assert.match(error.message, LOST);
    await within(tokens.revoke(), "the end of a later call");
  });

  test("without a token lets revoke() resolve", async (t) => {
    const { tokens } = await applicationFor(t, { revoke: REVOKE });
    await tokens.ready();
    crashing(() => tokens.status());

    await within(tokens.revoke(), "the end of the revocation");
  });

  test("during a revocation lets it reject, and the process exits", async (t) => {
    let opened = 0;
    const server = await apiFor(t, ({ body }, response) => {
      if (body.includes("revoke")) {
        opened++;
        return new Promise(() => {});
      }
      if (body.includes("opened")) json(response, 200, opened);
      else json(response, 200, { data: { login: { token: "access-1", refresh: "refresh-1", ttl: 3600 } } });
    });
    const { status, stdout, stderr } = await run(
      `
      import { TokenManager } from "graphql-token-manager";
      const login = { document: "mutation { login { token refresh ttl } }" };
      const provider = {
        name: "acme",
        endpoint: given.endpoint,
        authenticate: login,
        renew: { ...login, variables: { refresh: "$refreshToken" } },
        token: { data: "login.token" },
        refreshToken: { data: "login.refresh" },
        expiry: { expiresIn: "login.ttl" },
        revoke: given.revoke,
      };
      const tokens = new TokenManager({ provider, timeoutMs: 600_000 });
      await tokens.getToken();
      const revoked = tokens.revoke().catch(({ code }) => console.log(code));
      const ask = () => fetch(given.endpoint, { method: "POST", body: "opened" });
      while ((await (await ask()).json()) === 0);
      const { now } = Date;
      Date.now = () => { throw new RangeError("Maximum call stack size exceeded"); };
      tokens.status();
      Date.now = now;
      await revoked;
      `,
      { given: { endpoint: server.endpoint, revoke: REVOKE } },
    );

    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "internal\n", stderr: "" });
    assert.equal(opened, 1);
  });

  test("when revoke() calls the core discards the tokens as well", async (t) => {
    const { tokens } = await applicationFor(t, { revoke: REVOKE });
    await tokens.getToken();

    const error = await failure(
      within(
        crashing(() => tokens.revoke()),
        "the rejection",
      ),
    );

    assert.deepEqual([error.code, error.retryable], ["internal", false]);
    assert.equal(tokens.peek(), undefined);
  });
});

test("without a description, revoke() rejects with `unsupported` and discards nothing", async (t) => {
  const { tokens } = await applicationFor(t, { revoke: {}, profile: { revoke: undefined } });
  await tokens.getToken();

  const error = await failure(tokens.revoke());

  assert.equal(error.code, "unsupported");
  assert.equal(error.provider, "acme");
  assert.equal(tokens.peek()?.value, "access-1");
});
