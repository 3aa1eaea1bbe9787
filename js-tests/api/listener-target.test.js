// The second argument of listeners is the manager or session, so that a listener need not reference it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";

import { run } from "../support/child.js";
import { fluz, managerFor, sandboxFor } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { EVENT_TYPES } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

const SELECTOR = { userId: "6f1d3f0e-8f0b-4c53-9d0a-000000000001" };

describe("the second argument of a listener is", () => {
  test("the manager that it was added to, for each type of event", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 400 } });
    const scopes = ["LIST_OFFERS", "MAKE_DEPOSIT"];
    const tokens = managerFor(t, fluz(sandbox, { scopes, refresh: "on-demand" }));
    const targets = new Map();
    const expired = new Promise((resolve) => tokens.on("expired", resolve));
    for (const type of EVENT_TYPES) tokens.on(type, (_event, target) => targets.set(type, target));

    sandbox.fault({ kind: "narrow", scopes: ["LIST_OFFERS"] });
    await tokens.getToken();
    sandbox.fault({ kind: "status", status: 503, times: 3 });
    await tokens.refresh().catch(() => {});
    await expired;
    await tokens.clear();
    await tokens.close();

    assert.deepEqual([...targets.keys()].sort(), [...EVENT_TYPES].sort());
    for (const [type, target] of targets) assert.equal(target, tokens, type);
  });

  test("the session, which is not the manager", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    const session = tokens.session(SELECTOR);
    /** @type {unknown[]} */
    const targets = [];
    for (const type of /** @type {const} */ (["token", "change", "close"]))
      session.on(type, (_event, target) => targets.push(target));
    const changed = new Promise((resolve) => session.on("change", resolve));

    await session.getToken();
    await changed;
    await session.close();

    assert.ok(targets.length >= 3);
    for (const target of targets) assert.equal(target, session);
  });

  test("an object that shows no token when it is printed", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    /** @type {string[]} */
    const printed = [];
    tokens.on("token", (...args) => printed.push(inspect(args, { depth: 9, showHidden: true })));
    tokens.on("token", (...args) => printed.push(JSON.stringify(args)));

    const token = await tokens.getToken();

    assert.equal(printed.length, 2);
    assertHoldsNone(printed, [...secretsOf(sandbox), token]);
  });
});

describe("an unreferenced manager is", () => {
  const GIVEN = `import { TokenManager } from "graphql-token-manager";
    const collection = async (isDone) => {
      // Looking at a WeakRef keeps what it refers to until the end of the job.
      for (let turn = 0; turn < 200 && !isDone(); turn++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };`;

  /** @param {TestContext} t @param {string} program */
  async function printed(t, program) {
    const given = fluz(await sandboxFor(t));
    const ended = await run(`${GIVEN}\n${program}`, { given, flags: ["--expose-gc"] });
    assert.deepEqual([ended.stderr, ended.status], ["", 0]);
    return ended.stdout.trim();
  }

  test("collected and closed if its listeners use only their arguments", async (t) => {
    const program = `const closed = [];
      const seen = [];
      const ref = await (async () => {
        const tokens = new TokenManager(given);
        const session = tokens.session(${JSON.stringify(SELECTOR)});
        for (const it of [tokens, session]) {
          it.on("token", (event, target) => seen.push(typeof target.peek().value));
          it.on("change", (event, target) => target.status());
        }
        tokens.on("close", (event, target) => closed.push(event.type, target));
        await Promise.all([tokens.getToken(), session.getToken()]);
        return new WeakRef(tokens);
      })();
      await collection(() => closed.length > 0);
      console.log(ref.deref(), JSON.stringify(seen), closed);`;

    // The manager's listener also receives the events of the session. The manager's own token may come before or after.
    assert.match(await printed(t, program), /^undefined \["string".*"string"\] \[ 'close', undefined \]$/);
  });

  test("retained by a listener that refers to it, until it is closed", async (t) => {
    const program = `const ref = await (async () => {
        const tokens = new TokenManager(given);
        tokens.on("token", () => tokens.status());
        await tokens.getToken();
        return new WeakRef(tokens);
      })();
      let turns = 0;
      await collection(() => turns++ === 20);
      const isKept = ref.deref() !== undefined;
      await ref.deref().close();
      await collection(() => ref.deref() === undefined);
      console.log(isKept, ref.deref());`;

    assert.equal(await printed(t, program), "true undefined");
  });

  test("not retained by a session's listener after the session object was collected", async (t) => {
    const program = `const tokens = new TokenManager(given);
      const selector = ${JSON.stringify(SELECTOR)};
      const targets = [];
      const ref = (() => {
        const session = tokens.session(selector);
        session.on("token", (event, target) => targets.push(target));
        return new WeakRef(session);
      })();
      await collection(() => ref.deref() === undefined);
      const isCollected = ref.deref() === undefined;
      const session = tokens.session(selector);
      await session.getToken();
      console.log(isCollected, targets.length === 1, targets[0] === session);`;

    assert.equal(await printed(t, program), "true true true");
  });
});
