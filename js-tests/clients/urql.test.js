import assert from "node:assert/strict";
import { testExample } from "./support.js";

const trial = await testExample("urql.js");
const { client, OFFERS } = trial.example;

trial.testAbort("unsubscribing from a query ends its request", () => {
  const { unsubscribe } = client
    .query(OFFERS, { limit: 1 })
    .subscribe(() => assert.fail("there is no answer"));
  return { outcome: Promise.resolve(), abort: unsubscribe };
});
