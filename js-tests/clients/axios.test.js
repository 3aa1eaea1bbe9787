import assert from "node:assert/strict";
import { test } from "node:test";
import axios from "axios";
import { TIMEOUT_MS, testExample } from "./support.js";

const trial = await testExample("axios.js");
const { sandbox, environment, example } = trial;
const { client, OFFERS } = example;
const url = environment.FLUZ_ENDPOINT;
const body = { query: OFFERS, variables: { limit: 1 } };

trial.testAbort("a timeout ends the request, with axios's own error", () => {
  const calling = client.post(url, body, { timeout: TIMEOUT_MS });
  return { outcome: assert.rejects(calling, { name: "AxiosError", code: "ETIMEDOUT" }) };
});

trial.testAbort("a signal ends the request, with axios's own error", () => {
  const controller = new AbortController();
  const calling = client.post(url, body, { signal: controller.signal });
  return { outcome: assert.rejects(calling, axios.isCancel), abort: () => controller.abort() };
});

trial.testAbort("a cancel token ends the request, with axios's own error", () => {
  const { token, cancel } = axios.CancelToken.source();
  const calling = client.post(url, body, { cancelToken: token });
  return { outcome: assert.rejects(calling, axios.isCancel), abort: () => cancel("given up") };
});

test("a response with another status is reported as axios's own error", async () => {
  sandbox.fault({ kind: "status", status: 503, operation: "getOffers", times: 1 });

  await assert.rejects(client.post(url, body), { name: "AxiosError", code: "ERR_BAD_RESPONSE", status: 503 });
});

test("upload progress is reported, also for a request that is replayed", async () => {
  /** @type {number[]} */
  const sent = [];
  sandbox.revoke();

  const { data, status } = await client.post(url, body, {
    onUploadProgress: (/** @type {{ loaded: number }} */ { loaded }) => void sent.push(loaded),
  });

  assert.equal(status, 200);
  assert.equal(data.data.getOffers.length, 1);
  assert.ok(sent.includes(JSON.stringify(body).length));
});
