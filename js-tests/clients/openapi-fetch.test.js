import assert from "node:assert/strict";
import { ownApi } from "./own-api.js";
import { testExample } from "./support.js";

const trial = await testExample("openapi-fetch.ts", {
  provider: "acme",
  operation: "me",
  environment: async (sandbox) => (await ownApi(sandbox)).environment,
  prints: /^The token is for sandbox-acme-id\n$/,
  call: ({ me }) => me(),
  answer: { id: "sandbox-acme-id" },
  refreshTokens: 0,
});

trial.testAbort("a signal ends the request", () => {
  const controller = new AbortController();
  const calling = trial.example.client.GET("/v1/me", { signal: controller.signal });
  return {
    outcome: assert.rejects(calling, { name: "AbortError" }),
    abort: () => controller.abort(),
  };
});
