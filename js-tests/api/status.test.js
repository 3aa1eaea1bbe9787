// `status()` returns the same frozen object until its contents change, and `change` is emitted exactly then.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TokenManager } from "graphql-token-manager";

/** @import { TestContext } from "node:test" */

/**
 * Creates a manager with a grant function, which fails while `how.fails` is set.
 *
 * @param {TestContext} t
 * @param {Record<string, any>} [options]
 */
function granting(t, { lifetimeMs = 60_000, ...options } = {}) {
  let grants = 0;
  const how = { fails: false };
  const tokens = new TokenManager({
    provider: {
      name: "acme",
      endpoint: "https://api.acme.test/graphql",
      grant: () => {
        if (how.fails) throw new Error("no");
        return { accessToken: `t${++grants}`, expiresInMs: lifetimeMs };
      },
    },
    retry: { attempts: 1 },
    ...options,
  });
  t.after(() => tokens.close());
  return { tokens, how };
}

/** Resolves in the next turn of the event loop, after all microtasks. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** @param {TokenManager} tokens */
function changesOf(tokens) {
  /** @type {import("graphql-token-manager").Status[]} */
  const seen = [];
  const off = tokens.on("change", () => seen.push(tokens.status()));
  return { seen, off };
}

describe("status()", () => {
  test("is the same frozen object until its content changes", async (t) => {
    const { tokens, how } = granting(t);
    const empty = tokens.status();
    assert.equal(empty.state, "empty");
    assert.equal(tokens.status(), empty);

    await tokens.getToken();
    const fresh = tokens.status();
    assert.notEqual(fresh, empty);
    assert.equal(fresh.state, "fresh");
    assert.ok(Object.isFrozen(fresh));
    for (let calls = 0; calls < 3; calls++) {
      await tokens.getToken();
      await turn();
      assert.equal(tokens.status(), fresh);
    }

    how.fails = true;
    await assert.rejects(tokens.refresh());
    const failed = tokens.status();
    assert.notEqual(failed, fresh);
    assert.ok(Object.isFrozen(failed.lastError));
    assert.equal(tokens.status(), failed);
  });

  test("has a remaining time that is computed when it is read", async (t) => {
    const { tokens } = granting(t);
    await tokens.getToken();
    const status = tokens.status();
    const before = Number(status.expiresInMs);

    await new Promise((resolve) => setTimeout(resolve, 20));

    assert.equal(tokens.status(), status);
    assert.ok(Number(status.expiresInMs) < before);
    await tokens.refresh();
    assert.equal(status.expiresInMs, 0);
  });

  test("of a session is separate", async (t) => {
    const { tokens } = granting(t);
    await tokens.getToken();
    const session = tokens.session({ scopes: ["other"] });
    const own = tokens.status();

    assert.equal(session.status().state, "empty");
    assert.equal(tokens.status(), own);
    assert.equal(session.status(), session.status());
  });
});

describe("change", () => {
  test("is emitted for each different status, and only then", async (t) => {
    const { tokens } = granting(t);
    const { seen, off } = changesOf(tokens);
    await tokens.getToken();
    await turn();
    assert.equal(seen.at(-1)?.state, "fresh");
    assert.equal(seen.at(-1), tokens.status());
    assert.equal(new Set(seen).size, seen.length, "each is another object");

    const before = seen.length;
    for (let calls = 0; calls < 5; calls++) await tokens.getToken();
    await tokens.getAccessToken();
    await turn();
    assert.equal(seen.length, before);

    off();
    off();
    await tokens.refresh();
    await turn();
    assert.equal(seen.length, before);
  });

  test("of a manager reports its default session", async (t) => {
    const { tokens } = granting(t, { sessions: { max: 10 } });
    await tokens.getToken();
    const session = tokens.session({ scopes: ["other"] });
    /** @type {unknown[]} */
    const own = [];
    tokens.on("change", (event) => own.push(event.session));
    /** @type {unknown[]} */
    const sessions = [];
    session.on("change", (event) => sessions.push(event.session));

    await session.getToken();
    await turn();

    assert.ok(sessions.length > 0);
    assert.deepEqual(sessions[0], { scopes: ["other"] });
    // Its status tells the number of sessions.
    for (const selector of own) assert.deepEqual(selector, {});
  });

  for (const refresh of ["on-demand", "while-used"]) {
    test(`is emitted as time passes, with refresh "${refresh}"`, async (t) => {
      const { tokens } = granting(t, { lifetimeMs: 2_000, refresh, minValidityMs: 0, keepAlive: true });
      await tokens.getToken();
      const states = [tokens.status().state];
      const holding = setInterval(() => {}, 1_000);
      t.after(() => clearInterval(holding));

      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        tokens.on("change", () => {
          const { state } = tokens.status();
          if (state !== states.at(-1)) states.push(state);
          if (state === "expired") resolve();
        });
      });

      assert.equal(states[0], "fresh");
      assert.equal(states.at(-1), "expired");
      if (refresh === "on-demand") assert.deepEqual(states, ["fresh", "refresh-due", "expired"]);
    });
  }

  test("listeners do not keep the process running, and are removed with the manager", async (t) => {
    const { tokens } = granting(t);
    const { seen } = changesOf(tokens);
    await tokens.close();
    await turn();
    assert.ok(seen.length <= 1);
    assert.doesNotThrow(() => tokens.on("change", () => {}));
  });
});
