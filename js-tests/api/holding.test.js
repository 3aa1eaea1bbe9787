// The cached token: peek, status, refresh, invalidate, adopt and ready.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { call, fluz, managerFor, operations, sandboxFor, toggle, unreachable } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { failure, next, record, thrown, until } from "../support/waiting.js";

const PRODUCTS = "{ Products(account_id: 1) { id } }";

describe("peek", () => {
  test("gives the token that is held and valid, and asks nobody", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now });
    const tokens = managerFor(t, fluz(sandbox, { refresh: "on-demand" }));

    assert.equal(tokens.peek(), undefined, "before the first grant");
    assert.equal(sandbox.requests().length, 0);
    const token = await tokens.getAccessToken();
    assert.equal(tokens.peek(), token);
    clock.advance(599_000);
    assert.equal(tokens.peek(), token, "a second before it expires");
    clock.advance(2_000);
    assert.equal(tokens.peek(), undefined, "a second after it");
    assert.equal(sandbox.requests().length, 1);
  });

  test("gives nothing while the first grant is on the wire, and nothing after close", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    sandbox.fault({ kind: "delay", ms: 30 });

    const waiting = tokens.getToken();
    await until(() => sandbox.requests().length === 1, "the grant is on the wire");
    assert.equal(tokens.peek(), undefined);
    await waiting;
    await tokens.close();

    assert.equal(tokens.peek(), undefined);
  });
});

describe("status", () => {
  test("tells each state of a token's life", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now });
    const tokens = managerFor(t, fluz(sandbox, { refresh: "on-demand" }));
    // Not stored: `expiresInMs` is computed at each read.
    const status = () => ({ ...tokens.status(), expiresInMs: tokens.status().expiresInMs });
    const before = tokens.status();

    await tokens.ready();
    const empty = tokens.status();
    const token = await tokens.getAccessToken();
    const fresh = status();
    clock.advance(480_000);
    const due = status();
    clock.advance(120_000);
    const expired = status();

    const nothing = { state: "empty", refreshing: false, grants: 0, failures: 0, sessions: 1 };
    assert.deepEqual(before, nothing, "before the core was started");
    assert.deepEqual(empty, nothing);
    const { issuedAt, expiresAt } = token;
    const one = { refreshing: false, issuedAt, expiresAt, grants: 1, failures: 0, sessions: 1 };
    for (const [state, left, { expiresInMs = 0, ...told }] of /** @type {const} */ ([
      ["fresh", 600_000, fresh],
      ["refresh-due", 120_000, due],
      ["expired", 0, expired],
    ])) {
      assert.deepEqual(told, { state, ...one });
      assert.ok(expiresInMs <= left && expiresInMs >= Math.max(0, left - 2_500), `${expiresInMs} ms left`);
    }
  });

  test("tells when the timer refreshes, within the last quarter and a tenth of it", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));

    const { expiresAt } = await tokens.getAccessToken();
    const { refreshAt } = tokens.status();

    const window = expiresAt - Number(refreshAt);
    assert.ok(window >= 149_990 && window <= 165_010, `${window} ms before the end`);
  });

  test("says that a refresh is running", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    await tokens.getToken();

    const refreshing = tokens.refresh();
    const during = tokens.status();
    await refreshing;
    const after = tokens.status();

    assert.deepEqual([during.refreshing, during.state, during.grants], [true, "fresh", 1]);
    assert.deepEqual([after.refreshing, after.state, after.grants], [false, "fresh", 2]);
  });

  test("keeps the last failure, without secrets, until a grant succeeds", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    sandbox.fault({ kind: "status", status: 503, times: 3 });

    const error = await failure(tokens.getToken());
    const failed = tokens.status();
    await tokens.refresh();
    const mended = tokens.status();

    assert.equal(failed.state, "empty");
    assert.equal(failed.failures, 1);
    assert.equal(failed.grants, 0);
    const { code, message, status, attempts, provider } = error;
    assert.deepEqual(failed.lastError, { code, message, status, attempts, provider });
    assertHoldsNone(failed, secretsOf(sandbox));
    assert.equal(mended.lastError, undefined);
    assert.equal(mended.failures, 1);
  });
});

describe("refresh", () => {
  test("asks for a new token although one is held, and gives it", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const first = await tokens.getAccessToken();

    const second = await tokens.refresh();

    assert.notEqual(second.value, first.value);
    assert.equal(tokens.peek(), second);
    assert.equal(await tokens.getToken(), second.value);
    assert.equal(sandbox.counts().fluz.refreshes, 1);
  });

  test("without a token held brings the first one", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));

    const token = await tokens.refresh();

    assert.equal(await tokens.getToken(), token.value);
  });

  test("joins a grant that is on its way", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    sandbox.fault({ kind: "delay", ms: 30 });

    const [got, ...refreshed] = await Promise.all([
      tokens.getToken(),
      tokens.refresh(),
      tokens.refresh(),
      tokens.refresh(),
    ]);

    assert.deepEqual(new Set(refreshed.map(({ value }) => value)), new Set([got]));
    assert.equal(sandbox.requests().length, 1);
  });

  test("that fails keeps the old token, and an event says so", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const held = await tokens.getAccessToken();
    const events = record(tokens);
    sandbox.fault({ kind: "drop" });

    const error = await failure(tokens.refresh());

    assert.equal(error.code, "network");
    assert.equal(tokens.peek(), held);
    assert.equal(await tokens.getToken(), held.value);
    const told = events.find(({ type }) => type === "error");
    assert.ok(told?.type === "error" && told.tokenStillValid);
    assert.ok(!events.some(({ type }) => type === "expired"));
  });

  test("asks in the cool-down as well, where getToken() repeats the failure", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox, { retry: { attempts: 1 } }));
    sandbox.fault({ kind: "status", status: 503, times: 1 });

    const error = await failure(tokens.getToken());
    const repeated = await failure(tokens.getToken());
    const asked = sandbox.requests().length;
    const token = await tokens.refresh();

    assert.equal(repeated, error, "remembered");
    assert.equal(asked, 1);
    assert.equal(await tokens.getToken(), token.value);
  });
});

describe("invalidate", () => {
  test("makes the next caller wait for a new token", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const first = await tokens.getToken();
    const reason = next(tokens, "token").then(({ reason }) => reason);

    tokens.invalidate(first);
    const held = tokens.peek();
    const second = await tokens.getToken();

    assert.equal(held, undefined);
    assert.notEqual(second, first);
    assert.equal(await reason, "refused");
    assert.equal(sandbox.requests().length, 2);
  });

  test("acts only on the token that is held", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const first = await tokens.getToken();
    const second = await tokens.refresh();

    for (const other of [first, "", "x".repeat(10_000), `${second.value} `]) tokens.invalidate(other);

    assert.equal(tokens.peek(), second);
    assert.equal(sandbox.requests().length, 2);
  });

  test("by a thousand callers who were refused at once costs one grant", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const refused = await tokens.getToken();

    const got = await Promise.all(
      Array.from({ length: 1_000 }, () => {
        tokens.invalidate(refused);
        return tokens.getToken();
      }),
    );

    assert.equal(new Set(got).size, 1);
    assert.equal(sandbox.requests().length, 2);
  });

  test("before the first grant does nothing", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));

    tokens.invalidate("never seen");

    assert.equal(tokens.status().state, "empty");
    assert.equal(sandbox.requests().length, 0);
  });

  test("of something that is no string throws invalid_options", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    const token = await tokens.getAccessToken();

    for (const wrong of [undefined, null, token, 5]) {
      const error = thrown(() => tokens.invalidate(/** @type {any} */ (wrong)));

      assert.equal(error.code, "invalid_options");
      assert.match(error.message, /as a string/);
    }
    assert.equal(tokens.peek(), token);
  });
});

describe("adopt", () => {
  test("takes Toggle's newer token out of an ordinary answer, and leaves its body alone", async (t) => {
    const sandbox = await sandboxFor(t, { variants: { toggle: { sliding: "every" } } });
    const tokens = managerFor(t, toggle(sandbox));
    const first = await tokens.getToken();
    const adopted = next(tokens, "token");

    const response = await call(sandbox.toggle.endpoint, first, PRODUCTS);
    const taken = tokens.adopt(response);

    assert.equal(taken, true);
    assert.equal(response.bodyUsed, false);
    assert.ok((await response.json()).data.Products.length > 0);
    assert.equal((await adopted).reason, "adopted");
    const second = await tokens.getToken();
    assert.equal(second, response.headers.get("x-authorization"));
    assert.equal((await call(sandbox.toggle.endpoint, second, PRODUCTS)).status, 200);
    assert.equal(sandbox.counts().toggle.grants, 1);
  });

  test("again, of the same answer or of one that carries the token held, is no news", async (t) => {
    const sandbox = await sandboxFor(t, { variants: { toggle: { sliding: "every" } } });
    const tokens = managerFor(t, toggle(sandbox));
    const response = await call(sandbox.toggle.endpoint, await tokens.getToken(), PRODUCTS);
    tokens.adopt(response);
    const events = record(tokens);

    assert.equal(tokens.adopt(response), false);
    assert.equal(tokens.adopt(response), false);

    assert.deepEqual(events, []);
  });

  test("keeps the newest of several, in whatever order the answers come", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now, variants: { toggle: { sliding: "every" } } });
    const tokens = managerFor(t, toggle(sandbox));
    const first = await tokens.getToken();
    const answers = [];
    for (let answer = 0; answer < 3; answer++) {
      // Times in claims are in whole seconds.
      clock.advance(1_000);
      answers.push(await call(sandbox.toggle.endpoint, first, PRODUCTS));
    }
    const [older, middle, newest] = /** @type {[Response, Response, Response]} */ (answers);

    const taken = [middle, older, newest, middle, older].map((answer) => tokens.adopt(answer));

    assert.deepEqual(taken, [true, false, true, false, false]);
    assert.equal(await tokens.getToken(), newest.headers.get("x-authorization"));
  });

  test("does not bring back a token that was replaced or refused", async (t) => {
    const sandbox = await sandboxFor(t, { variants: { toggle: { sliding: "every" } } });
    const tokens = managerFor(t, toggle(sandbox));
    const answer = await call(sandbox.toggle.endpoint, await tokens.getToken(), PRODUCTS);
    tokens.adopt(answer);
    tokens.invalidate(await tokens.getToken());
    const third = await tokens.getToken();

    assert.equal(tokens.adopt(answer), false);

    assert.equal(await tokens.getToken(), third);
  });

  test("ignores refusals, outages and foreign answers", async (t) => {
    const sandbox = await sandboxFor(t, { variants: { toggle: { sliding: "every" } } });
    const tokens = managerFor(t, toggle(sandbox));
    const token = await tokens.getToken();
    const good = await call(sandbox.toggle.endpoint, token, PRODUCTS);
    const jwt = good.headers.get("x-authorization") ?? "";
    /** @type {(status: number, header: string) => Response} */
    const answer = (status, header) =>
      new Response("{}", { status, headers: header === "" ? {} : { "x-authorization": header } });

    const ignored = [
      answer(200, ""),
      answer(200, "opaque"),
      answer(200, "Bearer"),
      answer(200, "a b.c.d"),
      answer(401, jwt),
      answer(403, jwt),
      answer(500, jwt),
      answer(503, jwt),
      Response.error(),
    ];

    for (const response of ignored) assert.equal(tokens.adopt(response), false);
    assert.equal(await tokens.getToken(), token);
    assert.equal(tokens.adopt(answer(200, `Bearer ${jwt}`)), true);
  });

  test("of something that is no Response is false", async (t) => {
    const tokens = managerFor(t, toggle(await sandboxFor(t)));
    const hostile = {
      status: 200,
      get headers() {
        throw new Error("no");
      },
    };
    const early = tokens.adopt(new Response());
    await tokens.getToken();

    assert.equal(early, false, "before the core was started");
    for (const wrong of [
      undefined,
      null,
      5,
      "x",
      {},
      { status: 200 },
      { status: 200, headers: {} },
      hostile,
    ]) {
      assert.equal(tokens.adopt(/** @type {any} */ (wrong)), false);
    }
  });

  test("takes nothing where the provider has no sliding tokens", async (t) => {
    const sandbox = await sandboxFor(t, { variants: { toggle: { sliding: "every" } } });
    const tokens = managerFor(t, fluz(sandbox));
    const token = await tokens.getToken();
    const foreign = managerFor(t, toggle(sandbox));

    const response = await call(sandbox.toggle.endpoint, await foreign.getToken(), PRODUCTS);

    assert.equal(tokens.adopt(response), false);
    assert.equal(await tokens.getToken(), token);
  });
});

describe("ready", () => {
  test("resolves when the options are accepted, and touches no network", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));

    assert.equal(await tokens.ready(), undefined);
    assert.equal(await tokens.ready(), undefined);

    assert.equal(sandbox.requests().length, 0);
  });

  test("need not be called", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));

    assert.equal((await tokens.refresh()).value, await tokens.getToken());
  });

  test("does not tell whether the endpoint can be reached", async (t) => {
    const tokens = managerFor(t, { ...fluz(await sandboxFor(t)), endpoint: await unreachable() });

    await tokens.ready();
  });

  test("takes the options as they were given: later changes do not matter", async (t) => {
    const sandbox = await sandboxFor(t);
    const options = fluz(sandbox);
    const tokens = managerFor(t, options);
    options.provider = "toggle";
    delete options.apiKey;

    await tokens.ready();

    assert.equal(typeof (await tokens.getToken()), "string");
    assert.deepEqual(operations(sandbox), ["generateUserAccessToken"]);
  });
});
