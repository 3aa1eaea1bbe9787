import assert from "node:assert/strict";
import { test } from "node:test";
import { isCancelledError } from "@tanstack/query-core";
import { testExample } from "./support.js";

const trial = await testExample("tanstack-query.js");
const { sandbox, example } = trial;
const { client, offersQuery } = example;

trial.testAbort("cancelling a query ends its request", () => {
  const { queryKey } = offersQuery(1);
  const calling = client.fetchQuery(offersQuery(1));
  return {
    outcome: assert.rejects(calling, isCancelledError),
    abort: () => void client.cancelQueries({ queryKey }),
  };
});

test("a failed query is retried only if the error is retryable", async () => {
  const { retry } = client.getDefaultOptions().queries;
  const failing = async (/** @type {number} */ status) => {
    const end = sandbox.fault({ kind: "status", status, operation: "getOffers" });
    /** @type {any} */
    const reason = await client
      .fetchQuery({ ...offersQuery(status), retry: false })
      .catch((/** @type {unknown} */ error) => error);
    end();
    return reason;
  };

  const outage = await failing(503);
  const wrong = await failing(406);

  assert.equal(outage.code, "server");
  assert.deepEqual([retry(0, outage), retry(3, outage), retry(0, wrong)], [true, false, false]);
});
