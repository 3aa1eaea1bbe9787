// A crash of the core: it is restarted with the next call, and all managers continue to work.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, mock, test } from "node:test";

import { TokenManager } from "graphql-token-manager";

import { TEST_TIMEOUT_MS } from "../support/timeouts.js";

/** @import { TestContext } from "node:test" */

/**
 * Makes the clock of the core throw until `restore` is called, or `times` times. The package does not catch this
 * exception, as with an exhausted stack.
 */
function breakTheClock({ times = Infinity } = {}) {
  const exhausted = () => {
    throw new RangeError("Maximum call stack size exceeded");
  };
  const broken = mock.method(Date, "now", exhausted, { times });
  return { restore: () => broken.mock.restore() };
}

/** @param {TestContext} t @param {{ expiresInMs?: number, keepAlive?: boolean }} [options] */
function manager(t, { expiresInMs = 60_000, keepAlive = false } = {}) {
  let grants = 0;
  const tokens = new TokenManager({
    provider: {
      name: "acme",
      endpoint: "https://api.acme.test",
      grant: () => ({ accessToken: `token-${++grants}`, expiresInMs }),
    },
    keepAlive,
  });
  t.after(() => tokens.close());
  return tokens;
}

describe("a crash of the core", () => {
  test("rejects the caller; the core restarts with the next call", async (t) => {
    const tokens = manager(t);
    /** @type {string[]} */
    const reported = [];
    tokens.on("error", ({ error, tokenStillValid }) => reported.push(`${error.code} ${tokenStillValid}`));
    await tokens.getToken();

    const { restore } = breakTheClock();
    const broken = tokens.refresh();
    restore();
    await Promise.allSettled([broken]);

    await assert.rejects(broken, { name: "TokenError", code: "internal", retryable: true });
    assert.deepEqual(reported, ["internal true"]);
    assert.equal(await tokens.getToken(), "token-1", "the cached token is still returned");
    assert.equal((await tokens.refresh()).value, "token-2");
  });

  test("moves other managers to a new core, and no call hangs", async (t) => {
    const [first, other] = [manager(t), manager(t)];
    await Promise.all([first.getToken(), other.getToken()]);
    const { restore } = breakTheClock();
    const broken = first.refresh();
    restore();
    await assert.rejects(broken, { code: "internal" });

    const refreshed = await Promise.all([first.refresh(), other.refresh()]);

    assert.deepEqual(
      refreshed.map(({ value }) => value),
      ["token-2", "token-2"],
    );
  });

  test("ends with the next `ready()`, which starts a new core", async (t) => {
    const tokens = manager(t);
    await tokens.ready();
    const { restore } = breakTheClock();
    tokens.status();
    restore();

    await tokens.ready();

    assert.equal(tokens.status().failures, 0, "a new core counts anew");
    assert.equal(await tokens.getToken(), "token-1");
  });

  test("rejects pending callers", async (t) => {
    const tokens = new TokenManager({
      provider: { name: "acme", endpoint: "https://api.acme.test", grant: () => new Promise(() => {}) },
      // The time limit of the grant outlives the core, and keeps the process running.
      timeoutMs: 200,
    });
    t.after(() => tokens.close());
    const waiting = tokens.getToken();
    await tokens.ready();
    const { restore } = breakTheClock();
    tokens.status();
    restore();

    await assert.rejects(waiting, { code: "internal" });
  });

  test("in a timer callback does not end the process", async (t) => {
    const tokens = manager(t, { expiresInMs: 400, keepAlive: true });
    let uncaught = 0;
    const count = () => uncaught++;
    process.on("uncaughtException", count);
    t.after(() => process.off("uncaughtException", count));
    await tokens.getToken();
    // The refresh timer calls the core, and its clock throws.
    const failed = new Promise((resolve) => void tokens.on("error", resolve));
    breakTheClock({ times: 1 });

    const { error } = /** @type {any} */ (await failed);

    assert.equal(error.code, "internal");
    assert.equal(uncaught, 0);
    assert.equal(await tokens.getToken({ minValidityMs: 200 }), "token-2");
  });

  test("leaves a manager that can be closed", async (t) => {
    const tokens = manager(t);
    await tokens.getToken();
    const { restore } = breakTheClock();
    tokens.status();
    restore();

    await tokens.close();

    await assert.rejects(tokens.getToken(), { code: "closed" });
    assert.equal(tokens.peek(), undefined);
  });

  test("from an exhausted stack is handled as well", () => {
    // A separate process: when the stack is exhausted, rejections cannot be handled either.
    const program = `
      import { TokenManager } from "graphql-token-manager";
      process.on("unhandledRejection", () => {});
      let grants = 0;
      const grant = () => ({ accessToken: "token-" + ++grants, expiresInMs: 60_000 });
      const tokens = new TokenManager({ provider: { name: "acme", endpoint: "https://api.acme.test", grant } });
      let broken = 0;
      tokens.on("error", ({ error }) => (broken += error.code === "internal" ? 1 : 0));
      await tokens.getToken();
      const deeper = () => {
        tokens.getToken({ minValidityMs: 1 }).catch(() => {});
        deeper();
      };
      for (let time = 0; time < 5; time++) {
        try {
          deeper();
        } catch {}
        await new Promise((resolve) => setTimeout(resolve));
      }
      const { value } = await tokens.refresh();
      console.log(broken > 0, /^token-/.test(value));
    `;

    const options = /** @type {const} */ ({
      cwd: import.meta.dirname,
      encoding: "utf8",
      timeout: TEST_TIMEOUT_MS,
    });
    const child = spawnSync(process.execPath, ["--input-type=module", "--eval", program], options);

    assert.equal(child.stdout, "true true\n", child.stderr.slice(-1_000));
    assert.equal(child.status, 0);
  });
});
