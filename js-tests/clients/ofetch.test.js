import assert from "node:assert/strict";
import { test } from "node:test";
import { TIMEOUT_MS, testExample } from "./support.js";

const trial = await testExample("ofetch.js");
const { sandbox, environment, example } = trial;
const { $fetch, OFFERS } = example;
const url = environment.FLUZ_ENDPOINT;
const request = { method: "POST", body: { query: OFFERS, variables: { limit: 1 } } };

trial.testAbort("a timeout ends the request, with ofetch's own error", () => {
  const calling = $fetch(url, { ...request, timeout: TIMEOUT_MS });
  return { outcome: assert.rejects(calling, { name: "FetchError" }) };
});

test("ofetch's own retries resend the request, each with a token", async () => {
  sandbox.fault({ kind: "status", status: 503, operation: "getOffers", times: 2 });

  const { data } = await $fetch(url, { ...request, retry: 2, retryDelay: 1 });

  assert.equal(data.getOffers.length, 1);
});
