import "../support/guard.js";
import assert from "node:assert/strict";
import { after, mock, test } from "node:test";
import { CloseCode } from "graphql-ws";
import { startSandbox } from "graphql-token-manager/testing";
import { runExample } from "../examples/support.js";
import { until, within } from "../support/waiting.js";
import { importExample, runnable } from "./import-example.js";
import { ownApi } from "./own-api.js";
import { LIFETIME_MS, pass } from "./support.js";

/** Number of concurrent subscriptions over one connection. */
const SUBSCRIPTIONS = 5;

const sandbox = await startSandbox({ now: () => Date.now(), lifetimes: { acme: LIFETIME_MS } });
after(() => sandbox.close());
const { api, environment } = await ownApi(sandbox);

/** Sends an order as soon as the example has subscribed. */
async function firstOrder() {
  await until(() => api.subscriptions() === 0, "no other client is subscribed");
  await until(() => api.subscriptions() === 1, "the example has subscribed");
  api.order("first");
}

Object.assign(process.env, environment);
const log = mock.method(console, "log", () => {});
const example = within(importExample("clients/graphql-ws.js"), "the example to receive its order");
const [{ client, orders }] = await Promise.all([example, firstOrder()]);
log.mock.restore();

/** Subscribes; `receive` returns the next order of all subscriptions. */
async function subscribed() {
  const subscriptions = Array.from({ length: SUBSCRIPTIONS }, () => orders());
  let next = subscriptions.map((subscription) => subscription.next());
  const ready = () => until(() => api.subscriptions() === SUBSCRIPTIONS, "every subscription is there");
  await ready();
  return {
    ready,
    /** @param {string} id */
    receive: async (id) => {
      api.order(id);
      const received = await within(Promise.all(next), `each subscription to receive order ${id}`);
      next = subscriptions.map((subscription) => subscription.next());
      return received.map(({ value }) => value.id);
    },
    end: async () => {
      // Each subscription waits for an order.
      api.order("last");
      const ended = Promise.all(subscriptions.map((subscription) => subscription.return()));
      await within(ended, "each subscription to end");
      await until(() => api.connections() === 0, "the connection is closed");
    },
  };
}

const all = (/** @type {string} */ id) => Array(SUBSCRIPTIONS).fill(id);

test("graphql-ws.js runs unchanged, and exits by itself", async () => {
  const [{ status, stdout, stderr }] = await Promise.all([
    runExample(await runnable("clients/graphql-ws.js"), [], environment),
    firstOrder(),
  ]);

  assert.equal(stderr, "");
  assert.equal(stdout, "Order first\n");
  assert.equal(status, 0);
});

for (const [what, happens] of /** @type {[string, () => void][]} */ ([
  ["was revoked", () => sandbox.revoke()],
  ["has expired", () => pass(LIFETIME_MS)],
])) {
  test(`subscriptions continue with one new token after the server closed their connection because its token ${what}`, async () => {
    const { ready, receive, end } = await subscribed();
    const before = sandbox.counts().acme.grants;
    const first = await receive("1");

    happens();
    await api.recheck();
    await until(() => api.subscriptions() === 0, "the connection is closed");
    await ready();
    const second = await receive("2");

    assert.deepEqual([first, second], [all("1"), all("2")]);
    assert.equal(sandbox.counts().acme.grants - before, 1);
    assert.equal(api.connections(), 1);
    await end();
  });
}

test("a connection is reopened if its token is rejected at once", async () => {
  const before = sandbox.counts().acme.grants;

  sandbox.revoke();
  const { receive, end } = await subscribed();
  const received = await receive("3");

  assert.deepEqual(received, all("3"));
  assert.equal(sandbox.counts().acme.grants - before, 1);
  await end();
});

test("a close with code 4401 ends the subscription; the next one has a new token", async () => {
  const before = sandbox.counts().acme;
  const subscription = orders();
  const next = subscription.next();
  await until(() => api.subscriptions() === 1, "it has subscribed");

  sandbox.revoke();
  await api.recheck(CloseCode.Unauthorized);
  await assert.rejects(within(next, "the subscription to end"), { code: CloseCode.Unauthorized });
  const { receive } = await subscribed();
  const received = await receive("4");

  assert.deepEqual(received, all("4"));
  // Only the rejection by the recheck: the next connection was accepted.
  const { grants, refused } = sandbox.counts().acme;
  assert.deepEqual([grants - before.grants, refused - before.refused], [1, 1]);
  // graphql-ws still counts the subscription that ended this way, and would keep the connection open.
  await client.dispose();
});
