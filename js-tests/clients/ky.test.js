import assert from "node:assert/strict";
import { test } from "node:test";
import { TIMEOUT_MS, testExample } from "./support.js";

const trial = await testExample("ky.js");
const { sandbox, environment, example } = trial;
const { client, OFFERS } = example;
const url = environment.FLUZ_ENDPOINT;
const json = { query: OFFERS, variables: { limit: 1 } };

trial.testAbort("a timeout ends the request, with ky's own error", () => {
  const calling = client.post(url, { json, timeout: TIMEOUT_MS });
  return { outcome: assert.rejects(calling, { name: "TimeoutError" }) };
});

trial.testAbort("a signal ends the request", () => {
  const controller = new AbortController();
  const calling = client.post(url, { json, signal: controller.signal });
  return {
    outcome: assert.rejects(calling, { name: "AbortError" }),
    abort: () => controller.abort(),
  };
});

test("ky's own retries resend the request, each with a token", async () => {
  sandbox.fault({ kind: "status", status: 503, operation: "getOffers", times: 2 });

  const retry = { limit: 2, methods: ["post"], delay: () => 1 };
  const { data } = await client.post(url, { json, retry }).json();

  assert.equal(data.getOffers.length, 1);
});

test("a timeout while the token is pending affects only that call", async () => {
  sandbox.revoke();
  const end = sandbox.fault({ kind: "delay", ms: 300, operation: "generateUserAccessToken" });

  const [limited, unlimited] = await Promise.allSettled([
    client.post(url, { json, timeout: 100 }).json(),
    client.post(url, { json }).json(),
  ]);
  end();

  assert.equal(limited.status === "rejected" && limited.reason.name, "TimeoutError");
  assert.equal(unlimited.status === "fulfilled" && unlimited.value.data.getOffers.length, 1);
});
