import assert from "node:assert/strict";
import { testExample } from "./support.js";

const trial = await testExample("graphql-request.js");
const { client, OFFERS } = trial.example;

trial.testAbort("a signal ends the request", () => {
  const controller = new AbortController();
  const calling = client.request({ document: OFFERS, variables: { limit: 1 }, signal: controller.signal });
  return {
    outcome: assert.rejects(calling, { name: "AbortError" }),
    abort: () => controller.abort(),
  };
});
