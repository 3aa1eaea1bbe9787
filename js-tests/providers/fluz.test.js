// Fluz, end to end against the sandbox, in each reading of its documentation.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { call, fluz, managerFor, operations, recordingFetch, sandboxFor } from "../support/setup.js";
import { assertHoldsNone } from "../support/secrets.js";
import { failure } from "../support/waiting.js";

const GENERATE = "generateUserAccessToken";
const REFRESH = "refreshUserAccessToken";

describe("a grant", () => {
  test("is one request, whose token the API accepts", async (t) => {
    const sandbox = await sandboxFor(t);
    const fetch = recordingFetch();
    const tokens = managerFor(t, fluz(sandbox, { fetch }));

    const token = await tokens.getToken();

    const response = await call(sandbox.fluz.endpoint, token, "{ getOffers { offerId } }");
    assert.ok((await response.json()).data.getOffers.length > 0);
    const [request] = fetch.requests;
    assert.equal(request?.headers.get("authorization"), `Basic ${sandbox.fluz.apiKey}`);
    assert.equal(request?.url, sandbox.fluz.endpoint);
    const { userId, accountId } = sandbox.fluz;
    assert.deepEqual(request?.body.variables, { userId, accountId, scopes: ["LIST_OFFERS"] });
  });
});

describe("the API key", () => {
  test("if invalid is rejected with invalid_credentials, in one request", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox, { apiKey: "cGxhbnRlZC1hcHA6d3JvbmctcGxhbnRlZA==" }));

    const error = await failure(tokens.getToken());
    await failure(tokens.getToken());

    assert.deepEqual([error.code, error.status, error.provider], ["invalid_credentials", 401, "fluz"]);
    assertHoldsNone(error, ["cGxhbnRlZC1hcHA6d3JvbmctcGxhbnRlZA==", "wrong-planted"]);
    assert.equal(sandbox.requests().length, 1);
  });
});

describe("the schema variant", () => {
  for (const [title, variants, expected] of /** @type {const} */ ([
    [
      "without refresh: tokens are generated instead, and refresh is not attempted again",
      { refreshArgument: "absent" },
      [GENERATE, REFRESH, GENERATE, GENERATE, GENERATE],
    ],
    [
      "with accessToken and userId: one fallback each",
      { tokenField: "accessToken", refreshArgument: "userId" },
      [GENERATE, GENERATE, REFRESH, REFRESH, REFRESH, REFRESH],
    ],
  ])) {
    test(title, async (t) => {
      const sandbox = await sandboxFor(t, { variants: { fluz: variants } });
      const tokens = managerFor(t, fluz(sandbox));

      const got = [await tokens.getToken()];
      for (let time = 0; time < 3; time++) got.push((await tokens.refresh()).value);

      assert.equal(new Set(got).size, 4);
      assert.deepEqual(operations(sandbox), expected);
      assert.equal(tokens.status().failures, 0);
      for (const token of got) {
        const response = await call(sandbox.fluz.endpoint, token, "{ getOffers { offerId } }");
        assert.equal(response.status, 200);
      }
    });
  }
});
