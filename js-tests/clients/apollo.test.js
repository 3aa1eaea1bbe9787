import assert from "node:assert/strict";
import { testExample } from "./support.js";

const trial = await testExample("apollo.js");
const { client, OFFERS } = trial.example;

trial.testAbort("unsubscribing from a query ends its request", () => {
  const query = client.watchQuery({ query: OFFERS, variables: { limit: 1 } });
  const subscription = query.subscribe((/** @type {{ loading: boolean }} */ { loading }) =>
    assert.ok(loading),
  );
  return { outcome: Promise.resolve(), abort: () => subscription.unsubscribe() };
});

trial.testAbort("a signal in the context ends the request", () => {
  const controller = new AbortController();
  const context = { fetchOptions: { signal: controller.signal } };
  const calling = client.query({ query: OFFERS, variables: { limit: 2 }, context });
  return {
    outcome: assert.rejects(calling, { name: "AbortError" }),
    abort: () => controller.abort(),
  };
});
