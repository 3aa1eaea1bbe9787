// Managers in separate processes, which share one token through a store.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { fluz, sandboxFor } from "../support/setup.js";
import { redisFor } from "./redis-server.js";
import { eventually, folderFor } from "./support.js";

/** @import { TestContext } from "node:test" */

const PROGRAM = fileURLToPath(new URL("./manager.js", import.meta.url));

/**
 * Starts a process with a manager.
 * @param {TestContext} t
 * @param {unknown} given its options and its store
 */
function managerProcess(t, given) {
  const child = fork(PROGRAM, [JSON.stringify(given)]);
  t.after(() => child.kill("SIGKILL"));
  return {
    child,
    /** @param {"getToken" | "refresh" | "clear" | "peek" | "close"} method @returns {Promise<string>} */
    async call(method) {
      child.send(method);
      const [answer] = await once(child, "message");
      return answer;
    },
  };
}

/** @type {[string, (t: TestContext) => Promise<object>][]} */
const STORES = [
  ["file", async (t) => ({ file: await folderFor(t) })],
  ["Redis, by redis", async (t) => ({ redis: (await redisFor(t)).url })],
  ["Redis, by ioredis", async (t) => ({ ioredis: (await redisFor(t)).url })],
];

for (const [name, storeFor] of STORES) {
  describe(`processes that share a ${name} store`, () => {
    test("cause one grant, and use each other's renewals", async (t) => {
      const sandbox = await sandboxFor(t);
      const given = { options: fluz(sandbox), store: await storeFor(t) };
      const managers = Array.from({ length: 4 }, () => managerProcess(t, given));

      const tokens = await Promise.all(managers.map(({ call }) => call("getToken")));
      assert.equal(new Set(tokens).size, 1);
      assert.equal(sandbox.counts().fluz.grants, 1);

      const renewed = await managers[0]?.call("refresh");
      const [again] = await Promise.all(managers.slice(1).map(({ call }) => call("refresh")));
      assert.notEqual(again, tokens[0]);
      assert.ok(renewed);
      // Each presented the refresh token that the previous one had stored.
      assert.equal(sandbox.counts().fluz.grants, 1);
      await Promise.all(managers.map(({ call }) => call("close")));
    });

    test("discard the token when one of them signs out", async (t) => {
      const sandbox = await sandboxFor(t);
      const given = { options: fluz(sandbox), store: await storeFor(t) };
      const [first, other] = [managerProcess(t, given), managerProcess(t, given)];
      const token = await first.call("getToken");
      assert.equal(await other.call("getToken"), token);

      await first.call("clear");
      await eventually(async () => (await other.call("peek")) === "none");

      const next = await other.call("getToken");
      assert.notEqual(next, token);
      assert.equal(await first.call("getToken"), next);
      // The refresh token of before the sign-out was not presented.
      const { grants, refreshes } = sandbox.counts().fluz;
      assert.deepEqual([grants, refreshes], [2, 0]);
      await Promise.all([first, other].map(({ call }) => call("close")));
    });
  });
}
