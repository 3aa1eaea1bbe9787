// Streaming and endless responses are passed on as they arrive, and a rejection before them is recovered.

import "../support/guard.js";
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { Defer20220824Handler } from "@apollo/client/incremental";
import { Client, fetchExchange } from "@urql/core";
import { TokenManager } from "graphql-token-manager";
import { startSandbox } from "graphql-token-manager/testing";
import { acmeProfile } from "../support/setup.js";
import { until } from "../support/waiting.js";
import { startApi } from "./api.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/** @type {Sandbox} */
let sandbox;
/** @type {Awaited<ReturnType<typeof startApi>>} */
let api;
/** @type {TokenManager} */
let tokens;
/** The API's GraphQL endpoint. */
let url = "";

before(async () => {
  sandbox = await startSandbox();
  api = await startApi(sandbox);
  url = new URL("graphql", api.url).href;
  tokens = new TokenManager(/** @type {any} */ ({ provider: acmeProfile(sandbox), origins: [api.url] }));
});

after(async () => {
  await tokens.close();
  await api.close();
  await sandbox.close();
});

// Each stream is rejected first.
beforeEach(async () => {
  await tokens.getToken();
  sandbox.revoke();
});

const DEFERRED = gql`
  query Me {
    me {
      id
      ... @defer {
        name
      }
    }
  }
`;

describe("incremental delivery", () => {
  test("is delivered to Apollo Client part by part", async () => {
    const client = new ApolloClient({
      link: new HttpLink({ uri: url, fetch: tokens.fetch }),
      cache: new InMemoryCache(),
      incrementalHandler: new Defer20220824Handler(),
    });
    /** @type {any[]} */
    const parts = [];
    const query = client.watchQuery({ query: DEFERRED, notifyOnNetworkStatusChange: false });
    const subscription = query.subscribe(({ data }) => void (data && parts.push(data)));

    await until(() => parts.length === 1, "the first part is there");
    const first = structuredClone(parts[0]);
    api.release();
    await until(() => parts.length === 2, "the second part is there");
    subscription.unsubscribe();

    assert.deepEqual(first, { me: { __typename: "Me", id: "sandbox-acme-id" } });
    assert.deepEqual(parts[1], { me: { __typename: "Me", id: "sandbox-acme-id", name: "Ada" } });
  });

  test("is delivered to urql part by part", async () => {
    const options = { url, fetch: tokens.fetch, preferGetMethod: false };
    const client = new Client({ ...options, exchanges: [fetchExchange] });
    /** @type {any[]} */
    const parts = [];
    client.query(DEFERRED, {}).subscribe(({ data, hasNext }) => parts.push({ name: data?.me.name, hasNext }));

    await until(() => parts.length === 1, "the first part is there");
    api.release();
    await until(() => parts.length === 2, "the second part is there");

    assert.deepEqual(parts, [
      { name: undefined, hasNext: true },
      { name: "Ada", hasNext: false },
    ]);
  });
});

test("a subscription by server-sent events is delivered to urql event by event, and ends on unsubscribe", async () => {
  const exchanges = [fetchExchange];
  const client = new Client({ url, fetch: tokens.fetch, exchanges, fetchSubscriptions: true });
  /** @type {string[]} */
  const ids = [];
  const query = "subscription { orders { id } }";
  const { unsubscribe } = client.subscription(query, {}).subscribe(({ data }) => ids.push(data?.orders.id));

  await until(() => api.subscriptions() === 1, "it has subscribed");
  for (const id of ["1", "2"]) {
    api.order(id);
    await until(() => ids.includes(id), "the event is there");
  }
  unsubscribe();
  await until(() => api.subscriptions() === 0, "the server has ended the subscription");

  assert.deepEqual(ids, ["1", "2"]);
});
