// `grantedScopes()`: the scopes that may be requested, or those of the token.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertHoldsNone } from "../support/secrets.js";
import {
  acmeProfile,
  braintree,
  fluz,
  managerFor,
  operations,
  QUICK,
  recordingFetch,
  sandboxFor,
  sharedSandbox,
  toggle,
} from "../support/setup.js";
import { failure, until } from "../support/waiting.js";

const ASKING = "getApplicationScopes";

describe("granted scopes at Fluz", () => {
  test("are the application's, sorted, requested with its key at each call", async (t) => {
    const sandbox = await sharedSandbox(t);
    const fetch = recordingFetch();
    let keys = 0;
    const apiKey = () => (keys++, sandbox.fluz.apiKey);
    const tokens = managerFor(t, fluz(sandbox, { apiKey, fetch, headers: { "x-gateway": "g" } }));

    const first = await tokens.grantedScopes();
    const second = await tokens.session({ userId: crypto.randomUUID() }).grantedScopes({});

    assert.ok(first.includes("LIST_OFFERS") && first.includes("VERIFY_KYC"));
    assert.deepEqual(first, [...new Set(first)].sort());
    assert.deepEqual(second, first);
    assert.notEqual(second, first);
    // A token is neither required nor obtained.
    assert.deepEqual(operations(sandbox), [ASKING, ASKING]);
    assert.deepEqual([keys, tokens.status().grants, tokens.peek()], [2, 0, undefined]);
    for (const { headers } of fetch.requests) {
      assert.deepEqual(
        [headers.get("authorization"), headers.get("x-gateway")],
        [`Basic ${sandbox.fluz.apiKey}`, "g"],
      );
    }
  });

  test("reject with timeout after `timeoutMs`, and the request is aborted", async (t) => {
    // A sandbox of its own, which may receive the request after the test.
    const sandbox = await sandboxFor(t);
    const fetch = recordingFetch();
    const tokens = managerFor(t, fluz(sandbox, { fetch, timeoutMs: 50 }));
    sandbox.fault({ kind: "delay", ms: 60_000, operation: ASKING });

    const error = await failure(tokens.grantedScopes());

    assert.deepEqual([error.code, error.retryable], ["timeout", true]);
    assert.equal(fetch.requests[0]?.init.signal?.aborted, true);
  });

  test("reject if the key is rejected or unavailable", async (t) => {
    const sandbox = await sharedSandbox(t);
    const wrong = managerFor(t, fluz(sandbox, { apiKey: "d3Jvbmc6cGxhbnRlZA==" }));
    const absent = managerFor(t, fluz(sandbox, { apiKey: () => Promise.reject(new Error("planted")) }));

    const refused = await failure(wrong.grantedScopes());
    const missing = await failure(absent.grantedScopes());

    assert.deepEqual([refused.code, refused.status], ["invalid_credentials", 401]);
    assertHoldsNone(refused, ["d3Jvbmc6cGxhbnRlZA=="]);
    assert.equal(missing.code, "credentials_unavailable");
    assert.equal(operations(sandbox).length, 1);
  });

  test("reject with the reason of an aborted signal, and only that request is aborted", async (t) => {
    const sandbox = await sharedSandbox(t);
    const fetch = recordingFetch();
    const tokens = managerFor(t, fluz(sandbox, { fetch }));
    const end = sandbox.fault({ kind: "delay", ms: 300, operation: ASKING });
    const abort = new AbortController();

    const aborted = tokens.grantedScopes({ signal: abort.signal });
    const other = tokens.grantedScopes();
    await until(() => fetch.requests.length === 2, "both are in flight");
    abort.abort("planted reason");

    await assert.rejects(aborted, (reason) => reason === "planted reason");
    assert.deepEqual(
      fetch.requests.map(({ init }) => init.signal?.aborted),
      [true, false],
    );
    assert.ok((await other).length > 0);
    end();
    const early = tokens.grantedScopes({ signal: AbortSignal.abort("early") });
    await assert.rejects(early, (reason) => reason === "early");
    assert.equal(fetch.requests.length, 2);
  });

  for (const what of ["the manager", "the session"]) {
    test(`reject with closed when ${what} is closed, and the request is aborted`, async (t) => {
      const sandbox = await sharedSandbox(t);
      const fetch = recordingFetch();
      const tokens = managerFor(t, fluz(sandbox, { fetch }));
      const session = tokens.session({ userId: crypto.randomUUID() });
      sandbox.fault({ kind: "delay", ms: 60_000, operation: ASKING });

      const asked = failure(session.grantedScopes());
      await until(() => fetch.requests.length === 1, "the request is in flight");
      await (what === "the manager" ? tokens : session).close();

      assert.equal((await asked).code, "closed");
      assert.equal(fetch.requests[0]?.init.signal?.aborted, true);
      assert.equal((await failure(session.grantedScopes())).code, "closed");
      assert.equal(fetch.requests.length, 1);
    });
  }

  test("reject on close also if fetch ignores its signal, or the core is still starting", async (t) => {
    const sandbox = await sharedSandbox(t);
    let sent = 0;
    const ignoring = managerFor(t, fluz(sandbox, { fetch: () => (sent++, new Promise(() => {})) }));
    const starting = managerFor(t, fluz(sandbox));

    const asked = [ignoring, starting].map((tokens) => failure(tokens.grantedScopes()));
    await starting.close();
    await until(() => sent === 1, "fetch was called");
    await ignoring.close();

    assert.deepEqual(
      (await Promise.all(asked)).map(({ code }) => code),
      ["closed", "closed"],
    );
  });
});

describe("granted scopes elsewhere", () => {
  test("are those of the current token, which is obtained first, once, sorted", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, braintree(sandbox, { scopes: ["TRANSACTION_FIND", "CUSTOMER_CREATE"] }));

    const [one, two] = await Promise.all([tokens.grantedScopes(), tokens.grantedScopes()]);
    const session = await tokens.session({ scopes: ["TRANSACTION_CHARGE"] }).grantedScopes();

    assert.deepEqual(one, ["CUSTOMER_CREATE", "TRANSACTION_FIND"]);
    assert.deepEqual(two, one);
    assert.deepEqual(session, ["TRANSACTION_CHARGE"]);
    assert.equal(sandbox.counts().braintree.grants, 2);
    // The array is a copy: changes do not affect the token.
    one.push("planted");
    assert.deepEqual(tokens.peek()?.scopes, two);
  });

  test("are unsupported if no response contains them", async (t) => {
    const sandbox = await sharedSandbox(t);
    for (const options of [toggle(sandbox), { provider: acmeProfile(sandbox), retry: QUICK }]) {
      const tokens = managerFor(t, options);

      const error = await failure(tokens.grantedScopes());

      assert.equal(error.code, "unsupported");
      assert.equal(error.provider, typeof options.provider === "string" ? options.provider : "acme");
    }
  });
});
