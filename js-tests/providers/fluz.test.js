// Fluz, end to end against the sandbox, in each reading of its documentation.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { call, claims, fluz, managerFor, operations, recordingFetch, sandboxFor } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { failure, next } from "../support/waiting.js";

const GENERATE = "generateUserAccessToken";
const REFRESH = "refreshUserAccessToken";

describe("a grant", () => {
  test("is one request, whose token the API takes", async (t) => {
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

  test("is for the seat that was given, and for none where none was", async (t) => {
    const sandbox = await sandboxFor(t);
    const { userId, accountId } = sandbox.fluz;
    const seatId = "0f0e0d0c-0b0a-4908-8706-050403020100";

    const plain = await managerFor(t, fluz(sandbox)).getToken();
    const seated = await managerFor(t, fluz(sandbox, { seatId })).getToken();

    assert.equal(claims(plain).sub, `${userId}/${accountId}`);
    assert.equal(claims(seated).sub, `${userId}/${accountId}/${seatId}`);
  });

  for (const [environment, lifetimeMs] of /** @type {const} */ ([
    ["sandbox", 600_000],
    ["production", 180_000],
    // With a custom endpoint: the shorter one.
    [undefined, 180_000],
  ])) {
    test(`in environment ${environment} lives for ${lifetimeMs} ms`, async (t) => {
      const sandbox = await sandboxFor(t, { lifetimes: { fluz: 3_600_000 } });
      const tokens = managerFor(t, fluz(sandbox, { environment }));

      const { issuedAt, expiresAt } = await tokens.getAccessToken();

      assert.ok(Math.abs(expiresAt - issuedAt - lifetimeMs) <= 1);
    });
  }

  test("lives no longer than lifetimeMs says, nor than the token itself", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 60_000 } });
    const lifetime = async (/** @type {number} */ lifetimeMs) => {
      const { issuedAt, expiresAt } = await managerFor(t, fluz(sandbox, { lifetimeMs })).getAccessToken();
      return Math.round((expiresAt - issuedAt) / 1_000);
    };

    assert.equal(await lifetime(30_000), 30);
    assert.equal(await lifetime(90_000), 60);
  });
});

describe("the key", () => {
  const PAIR = "sandbox-app:sandbox-fluz-app-secret";
  const [appId, appSecret] = PAIR.split(":");
  const KEY = Buffer.from(PAIR).toString("base64");

  for (const [title, credentials] of /** @type {const} */ ([
    ["as Fluz shows it", { apiKey: KEY }],
    ["with `Basic ` pasted before it", { apiKey: `Basic ${KEY}` }],
    ["with `basic`, spaces and a line break", { apiKey: ` basic  ${KEY}\n` }],
    ["as a raw id and secret", { apiKey: PAIR }],
    ["as a raw id and secret after `Basic `", { apiKey: `Basic ${PAIR}` }],
    ["as appId and appSecret", { apiKey: undefined, appId, appSecret }],
    ["as a function", { apiKey: () => KEY }],
    ["as appId and a function", { apiKey: undefined, appId, appSecret: async () => appSecret }],
  ])) {
    test(`${title}, is sent in the one right form`, async (t) => {
      const sandbox = await sandboxFor(t);
      const fetch = recordingFetch();
      const tokens = managerFor(t, fluz(sandbox, { fetch, ...credentials }));

      await tokens.getToken();

      assert.equal(fetch.requests[0]?.headers.get("authorization"), `Basic ${KEY}`);
    });
  }

  test("with a character that no header can carry is not sent, and the option is named", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox, { apiKey: "planted\u0000key\u00e9" }));

    const error = await failure(tokens.getToken());

    assert.equal(error.code, "credentials_unavailable");
    assert.match(error.message, /`apiKey` holds a character that cannot be sent/);
    assertHoldsNone(error, ["planted"]);
    assert.equal(sandbox.requests().length, 0);
  });

  test("that is wrong is refused with invalid_credentials, in one request", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox, { apiKey: "cGxhbnRlZC1hcHA6d3JvbmctcGxhbnRlZA==" }));

    const error = await failure(tokens.getToken());
    await failure(tokens.getToken());

    assert.deepEqual([error.code, error.status, error.provider], ["invalid_credentials", 401, "fluz"]);
    assert.match(error.message, /check that `apiKey` belongs to this environment/);
    assertHoldsNone(error, ["cGxhbnRlZC1hcHA6d3JvbmctcGxhbnRlZA==", "wrong-planted"]);
    assert.equal(sandbox.requests().length, 1);
  });
});

describe("the variant", () => {
  for (const [title, variants, expected] of /** @type {const} */ ([
    ["token, refreshToken, rotating", {}, [GENERATE, REFRESH, REFRESH, REFRESH]],
    ["token, refreshToken, not rotating", { rotation: false }, [GENERATE, REFRESH, REFRESH, REFRESH]],
    [
      "accessToken: one fallback, remembered",
      { tokenField: "accessToken" },
      [GENERATE, GENERATE, REFRESH, REFRESH, REFRESH],
    ],
    [
      "refresh by userId: one fallback, remembered",
      { refreshArgument: "userId" },
      [GENERATE, REFRESH, REFRESH, REFRESH, REFRESH],
    ],
    [
      "no refresh: generates instead, and does not try again",
      { refreshArgument: "absent" },
      [GENERATE, REFRESH, GENERATE, GENERATE, GENERATE],
    ],
    [
      "accessToken and userId: one fallback each",
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

  test("unauthorizedStatus 200: a refused refresh token is recognised all the same", async (t) => {
    const sandbox = await sandboxFor(t, { variants: { fluz: { unauthorizedStatus: 200 } } });
    const tokens = managerFor(t, fluz(sandbox));
    await tokens.getToken();
    sandbox.revoke();

    await tokens.refresh();

    assert.deepEqual(operations(sandbox), [GENERATE, REFRESH, GENERATE]);
  });
});

describe("renewal", () => {
  test("falls back to the credentials, in the same grant, where the refresh token is refused", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    await tokens.getToken();
    sandbox.revoke();

    const renewed = await tokens.refresh();
    const again = await tokens.refresh();

    assert.deepEqual(operations(sandbox), [GENERATE, REFRESH, GENERATE, REFRESH]);
    assert.deepEqual([tokens.status().grants, tokens.status().failures], [3, 0]);
    assert.notEqual(renewed.value, again.value);
  });

  test("never presents a refresh token twice: it may be spent although no answer came", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    await tokens.getToken();
    sandbox.fault({ kind: "drop", when: "after", operation: REFRESH, times: 1 });

    await tokens.refresh();

    assert.deepEqual(operations(sandbox), [GENERATE, REFRESH, GENERATE]);
    assert.equal(sandbox.counts().fluz.refused, 0);
  });

  test('"generate" uses the credentials alone', async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox, { renewal: "generate" }));

    await tokens.getToken();
    await tokens.refresh();
    await tokens.refresh();

    assert.deepEqual(operations(sandbox), [GENERATE, GENERATE, GENERATE]);
  });
});

describe("scopes", () => {
  test("that were not granted: a warning, a token without them, and insufficient_scope where needed", async (t) => {
    const sandbox = await sandboxFor(t);
    // The sandbox's application does not have the second scope.
    const tokens = managerFor(t, fluz(sandbox, { scopes: ["LIST_OFFERS", "PCI_COMPLIANCE"] }));
    const warning = next(tokens, "warning");

    const token = await tokens.getAccessToken();
    const error = await failure(tokens.getToken({ scopes: ["LIST_OFFERS", "PCI_COMPLIANCE"] }));

    assert.deepEqual(token.scopes, ["LIST_OFFERS"]);
    const { code, message } = await warning;
    assert.deepEqual([code, error.code], ["insufficient_scope", "insufficient_scope"]);
    assert.match(message, /fluz granted a token without PCI_COMPLIANCE/);
    assert.deepEqual(error.missingScopes, ["PCI_COMPLIANCE"]);
    assert.equal(await tokens.getToken({ scopes: ["LIST_OFFERS"] }), token.value);
  });

  test("that Fluz does not know are refused with protocol, the request's id and what to check", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox, { scopes: ["LIST_OFERS"] }));

    const error = await failure(tokens.getToken());

    assert.equal(error.code, "protocol");
    assert.match(`${error.requestId}`, /^[0-9a-f-]{36}$/);
    assert.match(error.message, /refused the request for a token.*check the scopes.*in the options/);
    assertHoldsNone(error, secretsOf(sandbox));
    assert.equal(sandbox.requests().length, 1);
  });

  test("an id that is no UUID is refused likewise", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox, { userId: "planted-user" }));

    const error = await failure(tokens.getToken());

    assert.equal(error.code, "protocol");
    assert.match(error.message, /check the scopes.*ids/);
    assertHoldsNone(error, ["planted-user"]);
  });
});
