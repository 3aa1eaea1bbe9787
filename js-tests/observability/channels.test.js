// The channels on node:diagnostics_channel.

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { channel, tracingChannel } from "node:diagnostics_channel";
import { test } from "node:test";
import { TokenError } from "graphql-token-manager";

import { run } from "../support/child.js";
import { simulatedTime } from "../support/simulated-time.js";
import { next } from "../support/waiting.js";
import { SECRETS, planted, storeWithLease } from "./support.js";

/** @import { TestContext } from "node:test" */

/**
 * Subscribes to grants until the end of the test. Returns the messages, in order.
 * @param {TestContext} t
 * @param {(name: string, message: any) => void} [received]
 */
function grantsOf(t, received) {
  /** @type {[name: string, message: any][]} */
  const messages = [];
  const names = /** @type {const} */ (["start", "end", "asyncStart", "asyncEnd", "error"]);
  const on = (/** @type {string} */ name) => (/** @type {any} */ message) => {
    messages.push([name, message]);
    received?.(name, message);
  };
  const subscribers = /** @type {any} */ (Object.fromEntries(names.map((name) => [name, on(name)])));
  const grants = tracingChannel("graphql-token-manager:grant");
  grants.subscribe(subscribers);
  t.after(() => grants.unsubscribe(subscribers));
  return messages;
}

/**
 * Subscribes to a channel until the end of the test. Returns its messages.
 * @param {TestContext} t
 * @param {string} name
 */
function pointsOf(t, name) {
  /** @type {any[]} */
  const messages = [];
  const add = (/** @type {any} */ message) => void messages.push(message);
  const point = channel(`graphql-token-manager:${name}`);
  point.subscribe(add);
  t.after(() => point.unsubscribe(add));
  return messages;
}

test("a grant is published as tracePromise does, with one message", async (t) => {
  const messages = grantsOf(t);
  const tokens = planted(t).session({ userId: "u1" });
  await Promise.all([tokens.getToken(), tokens.getToken()]);

  assert.deepEqual(
    messages.map(([name]) => name),
    ["start", "end", "asyncStart", "asyncEnd"],
  );
  const [[, message]] = /** @type {[[string, any]]} */ (messages);
  for (const [, other] of messages) assert.equal(other, message);
  const { durationMs, ...others } = message;
  assert.ok(durationMs >= 0);
  assert.deepEqual(others, {
    provider: "acme",
    serverAddress: "acme.test",
    session: { userId: "u1" },
    presents: "credentials",
    reason: "initial",
    attempt: 1,
    outcome: "answered",
    waiting: 2,
    error: undefined,
  });
});

test("a grant that fails is published with its error", async (t) => {
  const messages = grantsOf(t);
  const grant = () => {
    throw new TokenError("invalid_credentials", "wrong");
  };
  await assert.rejects(planted(t, {}, { grant }).getToken());

  assert.deepEqual(
    messages.map(([name]) => name),
    ["start", "end", "error", "asyncStart", "asyncEnd"],
  );
  assert.ok(TokenError.is(messages[0]?.[1].error));
  assert.equal(messages[0]?.[1].error.code, "invalid_credentials");
  assert.equal(messages[0]?.[1].outcome, "failed");
});

test("a grant is published in the asynchronous context of the caller that caused it", async (t) => {
  const requests = new AsyncLocalStorage();
  /** @type {unknown[]} */
  const contexts = [];
  grantsOf(t, () => contexts.push(requests.getStore()));
  const tokens = planted(t, { store: storeWithLease() });
  const first = requests.run("first", () => tokens.getToken());
  const second = requests.run("second", () => tokens.getToken());
  await Promise.all([first, second]);

  assert.deepEqual(contexts, ["first", "first", "first", "first"]);
});

test("a background refresh is published outside the context of any caller", async (t) => {
  const time = simulatedTime(t);
  const requests = new AsyncLocalStorage();
  const tokens = planted(t, { refresh: "always" });
  await requests.run("first", () => tokens.getToken());
  /** @type {unknown[]} */
  const contexts = [];
  const messages = grantsOf(t, () => contexts.push(requests.getStore()));
  const refreshed = next(tokens, "token");
  time.next();
  await refreshed;

  assert.deepEqual([...new Set(contexts)], [undefined]);
  assert.equal(messages[0]?.[1].reason, "proactive");
  assert.equal(messages[0]?.[1].presents, "refresh token");
});

test("the channels of single steps report rejections, replays, leases, evictions and warnings", async (t) => {
  const names = ["rejected", "replayed", "lease", "evicted", "warning"];
  const points = Object.fromEntries(names.map((name) => [name, pointsOf(t, name)]));
  const rejects = { token: "" };
  const tokens = planted(t, { store: storeWithLease(), sessions: { max: 1 } }, { rejects });
  tokens.on("token", () => {
    throw new Error("planted");
  });
  rejects.token = await tokens.getToken();
  await tokens.fetch("https://acme.test/graphql");
  await tokens.session({ userId: "u1" }).getToken();
  await tokens.session({ userId: "u2" }).getToken();

  const common = { provider: "acme", serverAddress: "acme.test", session: {} };
  assert.deepEqual(points.rejected, [{ ...common, status: 401 }]);
  assert.deepEqual(points.replayed, [{ ...common, status: 200 }]);
  assert.deepEqual(
    points.lease?.slice(0, 2).map(({ state }) => state),
    ["taken", "released"],
  );
  assert.deepEqual(points.evicted?.[0], { ...common, session: { userId: "u1" } });
  assert.equal(points.warning?.[0].code, "listener_failed");
});

test("messages have no token, no secret and no address", async (t) => {
  const grants = grantsOf(t);
  const points = ["rejected", "replayed", "lease"].map((name) => pointsOf(t, name));
  const rejects = { token: "" };
  const tokens = planted(t, { store: storeWithLease() }, { rejects });
  rejects.token = await tokens.getToken();
  await tokens.fetch("https://acme.test/graphql?key=planted-key");

  const text = JSON.stringify([grants, points]);
  assert.ok(text.length > 500);
  for (const secret of SECRETS) assert.ok(!text.includes(secret), secret);
});

test("without subscribers, no step is reported", async (t) => {
  const publish = t.mock.method(channel("graphql-token-manager:lease"), "publish");
  await planted(t, { store: storeWithLease() }).getToken();

  assert.equal(publish.mock.callCount(), 0);
});

test("a host without process, or without its function, has no channels, and the rest works", async () => {
  for (const missing of ["process.getBuiltinModule = undefined", "delete globalThis.process"]) {
    const { status, stdout, stderr } = await run(`
      import { TokenManager } from "graphql-token-manager";
      const print = console.log;
      ${missing};
      const grant = () => ({ accessToken: "planted-token", expiresInMs: 60_000 });
      const provider = { name: "acme", endpoint: "https://acme.test/graphql", grant };
      const lines = [];
      const tokens = new TokenManager({ provider, debug: (line) => lines.push(line) });
      tokens.on("token", () => { throw new Error("planted"); });
      await tokens.getToken();
      print(lines.length > 2);
    `);
    // Without the function, this is a development build like any other.
    assert.doesNotMatch(stderr, /Error/, missing);
    assert.deepEqual([status, stdout], [0, "true\n"], missing);
  }
});
