// The cached token: peek, status, refresh, invalidate, adopt and ready.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { call, fluz, managerFor, sandboxFor, toggle } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { failure, next, thrown } from "../support/waiting.js";

const PRODUCTS = "{ Products(account_id: 1) { id } }";

describe("peek", () => {
  test("returns the cached token if it is valid, without a request", async (t) => {
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
});

describe("status", () => {
  test("reports each state of a token", async (t) => {
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
    for (const [state, left, { expiresInMs = 0, ...status }] of /** @type {const} */ ([
      ["fresh", 600_000, fresh],
      ["refresh-due", 120_000, due],
      ["expired", 0, expired],
    ])) {
      assert.deepEqual(status, { state, ...one });
      assert.ok(expiresInMs <= left && expiresInMs >= Math.max(0, left - 2_500), `${expiresInMs} ms left`);
    }
  });

  test("keeps the last failure, without secrets, until a grant succeeds", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    sandbox.fault({ kind: "status", status: 503, times: 3 });

    const error = await failure(tokens.getToken());
    const failed = tokens.status();
    await tokens.refresh();
    const recovered = tokens.status();

    assert.equal(failed.state, "empty");
    assert.equal(failed.failures, 1);
    assert.equal(failed.grants, 0);
    const { code, message, retryable, status, attempts, provider } = error;
    assert.deepEqual(failed.lastError, { code, message, retryable, status, attempts, provider });
    assertHoldsNone(failed, secretsOf(sandbox));
    assert.equal(recovered.lastError, undefined);
    assert.equal(recovered.failures, 1);
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

  test("throws invalid_options for anything but a string", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    const token = await tokens.getAccessToken();

    for (const wrong of [undefined, null, token, 5]) {
      const error = thrown(() => tokens.invalidate(/** @type {any} */ (wrong)));

      assert.equal(error.code, "invalid_options");
    }
    assert.equal(tokens.peek(), token);
  });
});

describe("adopt", () => {
  test("adopts a newer Toggle token from an ordinary response without reading its body", async (t) => {
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

  test("returns false for anything but a Response", async (t) => {
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
    for (const wrong of [undefined, null, 5, {}, { status: 200 }, { status: 200, headers: {} }, hostile]) {
      assert.equal(tokens.adopt(/** @type {any} */ (wrong)), false);
    }
  });
});
