// Many sessions of one manager: use, stores and memory.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";

import { fileStore } from "graphql-token-manager/stores/file";
import { run } from "../support/child.js";
import { fluz, managerFor, sandboxFor } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { next } from "../support/waiting.js";

/** @import { TokenManager } from "graphql-token-manager" */

/** @param {number} count */
const users = (count) => Array.from({ length: count }, () => ({ userId: randomUUID() }));

describe("sessions are retained", () => {
  test("while they are used, and for `idleMs` afterwards", async (t) => {
    const clock = simulatedTime(t);
    const sandbox = await sandboxFor(t, { now: clock.now });
    const tokens = managerFor(t, fluz(sandbox, { sessions: { idleMs: 100_000 } }));
    const [used, unused] = /** @type {[any, any]} */ (users(2).map((user) => tokens.session(user)));
    const token = await used.getToken();
    await unused.getToken();

    // Most of these calls return the cached token without the core; the pool is notified of the use nevertheless.
    for (let step = 0; step < 12; step++) {
      clock.advance(10_000);
      assert.equal(await used.getToken(), token);
    }
    await tokens.getToken();

    assert.equal(tokens.status().sessions, 2);
    assert.deepEqual([used.peek()?.value, unused.peek()], [token, undefined]);
    assert.equal(typeof (await unused.getToken()), "string");
    assert.equal(sandbox.requests().length, 4);
  });
});

describe("sessions in one store", () => {
  test("are shared by managers, each in its own record", async (t) => {
    const sandbox = await sandboxFor(t);
    const folder = await mkdtemp(path.join(tmpdir(), "sessions-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const selectors = users(2);
    const managers = Array.from({ length: 3 }, () =>
      managerFor(t, fluz(sandbox, { store: fileStore({ path: folder }) })),
    );

    const granted = await Promise.all(
      managers.flatMap((manager) => selectors.map((selector) => manager.session(selector).getToken())),
    );

    assert.equal(new Set(granted).size, 2);
    assert.equal(sandbox.counts().fluz.grants, 2);
    const [one, other] = /** @type {[TokenManager, TokenManager]} */ (managers);
    const [selector, unchanged] = /** @type {[{ userId: string }, { userId: string }]} */ (selectors);
    const shared = next(other, "token", ({ reason }) => reason === "shared");
    const renewed = await one.session(selector).refresh();

    assert.deepEqual((await shared).session, selector);
    assert.equal(await other.session(selector).getToken(), renewed.value);
    assert.ok(granted.includes(await other.session(unchanged).getToken()));
  });
});

describe("garbage collection", () => {
  const GIVEN = `import { TokenManager } from "graphql-token-manager";
    const collected = async (what, isDone) => {
      // Looking at a WeakRef keeps what it refers to until the end of the job.
      for (let turn = 0; turn < 200; turn++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (isDone()) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      throw new Error(what + " stays");
    };
    const user = (number) => ({ userId: "6f1d3f0e-8f0b-4c53-9d0a-" + String(number).padStart(12, "0") });`;

  /** @param {import("node:test").TestContext} t @param {string} program @param {object} [options] */
  async function printed(t, program, options) {
    const given = fluz(await sandboxFor(t), options);
    const ended = await run(`${GIVEN}\n${program}`, { given, flags: ["--expose-gc"] });
    assert.deepEqual([ended.stderr, ended.status], ["", 0]);
    return ended.stdout.trim();
  }

  test("does not close the manager of a session that is still referenced", async (t) => {
    const program = `let manager;
      const session = (() => {
        const tokens = new TokenManager(given);
        manager = new WeakRef(tokens);
        return tokens.session(user(1));
      })();
      const token = await session.getToken();
      for (let turn = 0; turn < 20; turn++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
      console.log(manager.deref() !== undefined, (await session.getToken()) === token, typeof (await session.refresh()));`;

    assert.equal(await printed(t, program), "true true object");
  });

  test("collects a manager and its sessions, with or without timers", async (t) => {
    const program = `const refs = await (async () => {
        const tokens = new TokenManager(given);
        const sessions = [1, 2, 3].map((number) => tokens.session(user(number)));
        await Promise.all(sessions.map((session) => session.getToken()));
        return [tokens, ...sessions].map((it) => new WeakRef(it));
      })();
      await collected("a manager or a session", () => refs.every((ref) => ref.deref() === undefined));
      console.log("collected");`;

    assert.equal(await printed(t, program), "collected");
  });

  test("collects a session object while its token is retained", async (t) => {
    const program = `const tokens = new TokenManager(given);
      const token = await tokens.session(user(1)).getToken();
      const ref = new WeakRef(tokens.session(user(1)));
      await collected("a session", () => ref.deref() === undefined);
      console.log(tokens.status().sessions, (await tokens.session(user(1)).getToken()) === token);`;

    assert.equal(await printed(t, program), "2 true");
  });

  test("reclaims the memory of thousands of sessions that were evicted", async (t) => {
    const program = `const grant = ({ session }) => ({ accessToken: "token-" + session.user, expiresInMs: 600000 });
      const tokens = new TokenManager({
        provider: { name: "acme", endpoint: "https://acme.test", grant },
        sessions: { max: 100 },
      });
      const use = async (from, to) => {
        for (let number = from; number < to; number += 50) {
          const some = Array.from({ length: 50 }, (_, place) => tokens.session({ user: number + place }).getToken());
          await Promise.all(some);
          await new Promise((resolve) => setTimeout(resolve));
        }
        for (let turn = 0; turn < 5; turn++) { gc(); await new Promise((resolve) => setTimeout(resolve, 1)); }
        return process.memoryUsage().heapUsed;
      };
      // The collector leaves up to a megabyte for later, now and then: the least of three counts.
      const least = async (from) => {
        const heaps = [];
        for (let round = 0; round < 3; round++) heaps.push(await use(from + round * 6_000, from + (round + 1) * 6_000));
        return Math.min(...heaps);
      };
      // Until the engine has compiled what it will: that would count as well.
      await use(0, 16_000);
      const before = await least(16_000);
      const grown = (await least(34_000)) - before;
      console.log(tokens.status().sessions, grown < 600_000 ? "flat" : grown);`;

    assert.equal(await printed(t, program), "101 flat");
  });
});
