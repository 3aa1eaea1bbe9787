// Scope sets: lenders and borrowers, and missing scopes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { braintree, fluz, managerFor, sandboxFor } from "../support/setup.js";
import { failure, record } from "../support/waiting.js";

const FIND = ["TRANSACTION_FIND"];
const BOTH = ["TRANSACTION_FIND", "TRANSACTION_CHARGE"];

describe("getToken with scopes that the cached token lacks", () => {
  test("obtains a grant for these scopes only, and other callers keep their token", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, braintree(sandbox, { scopes: FIND }));
    const narrow = await tokens.getToken();

    const stepping = Array.from({ length: 20 }, () =>
      tokens.getAccessToken({ scopes: ["TRANSACTION_CHARGE"] }),
    );
    assert.equal(await tokens.getToken(), narrow);
    const stepped = await Promise.all(stepping);

    assert.equal(new Set(stepped.map(({ value }) => value)).size, 1);
    assert.deepEqual(stepped[0]?.scopes, ["TRANSACTION_CHARGE"]);
    assert.equal(sandbox.requests().length, 2);
    assert.equal(await tokens.getToken(), narrow);
    const wide = await tokens.getToken({ scopes: BOTH });
    assert.equal(await tokens.session({ scopes: BOTH }).getToken(), wide);
    assert.equal(await tokens.getToken({ scopes: ["TRANSACTION_CHARGE"] }), stepped[0]?.value);
    assert.equal(sandbox.requests().length, 3);
  });
});

describe("fewer scopes than requested", () => {
  test("are an error for the caller that requested them, and a warning for the others", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox, { scopes: ["LIST_OFFERS"] }));
    const events = record(tokens);
    const narrow = await tokens.getToken();

    const scopes = ["LIST_PURCHASES", "PCI_COMPLIANCE"];
    const errors = await Promise.all([
      failure(tokens.getToken({ scopes })),
      failure(tokens.getToken({ scopes })),
    ]);

    for (const error of errors) {
      assert.equal(error.code, "insufficient_scope");
      assert.deepEqual(error.missingScopes, ["PCI_COMPLIANCE"]);
      assert.equal(error.retryable, false);
    }
    assert.equal(await tokens.getToken(), narrow);
    const warnings = events.filter(({ type }) => type === "warning");
    assert.equal(warnings.length, 1);
    assert.equal(sandbox.requests().length, 2);
  });
});
