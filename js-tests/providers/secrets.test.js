// Secrets as functions: the times of the calls, and failures.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { acmeProfile, braintree, fluz, managerFor, QUICK, sharedSandbox, toggle } from "../support/setup.js";
import { assertHoldsNone } from "../support/secrets.js";
import { failure } from "../support/waiting.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/** @type {[name: string, key: string, secret: (sandbox: Sandbox) => string, options: (sandbox: Sandbox, secret: unknown) => unknown][]} */
const PROVIDERS = [
  ["fluz", "apiKey", ({ fluz }) => fluz.apiKey, (s, apiKey) => fluz(s, { apiKey, renewal: "generate" })],
  ["toggle", "password", ({ toggle }) => toggle.password, (s, password) => toggle(s, { password })],
  [
    "braintree",
    "clientSecret",
    ({ braintree }) => braintree.clientSecret,
    (s, clientSecret) => braintree(s, { clientSecret }),
  ],
  [
    "a profile",
    "provider.authenticate.variables.secret",
    ({ acme }) => acme.secret,
    (s, secret) => {
      const document =
        "mutation ($id: ID!, $secret: String!) { login(id: $id, secret: $secret) { jwt renewal ttl } }";
      const authenticate = { document, variables: { id: s.acme.id, secret } };
      return { provider: acmeProfile(s, { authenticate, renew: undefined }), retry: QUICK };
    },
  ],
];

describe("a secret function", () => {
  for (const [name, , secret, options] of PROVIDERS) {
    test(`of ${name} is called once for each grant, and may be asynchronous`, async (t) => {
      const sandbox = await sharedSandbox(t);
      /** @type {unknown[][]} */
      const calls = [];
      const vault = async (/** @type {unknown[]} */ ...args) => {
        calls.push(args);
        await new Promise(setImmediate);
        return secret(sandbox);
      };
      const tokens = managerFor(t, options(sandbox, vault));

      await tokens.ready();
      const early = calls.length;
      await Promise.all(Array.from({ length: 100 }, () => tokens.getToken()));
      await tokens.refresh();

      assert.equal(early, 0);
      // Those of a described API receive the selector, here that of the manager itself.
      const call = name === "a profile" ? [{ session: {} }] : [];
      assert.deepEqual(calls, [call, call]);
    });
  }

  test("may return another secret for the next grant", async (t) => {
    const sandbox = await sharedSandbox(t);
    const secrets = ["rotated-away", sandbox.toggle.password];
    const tokens = managerFor(t, toggle(sandbox, { password: () => secrets.shift() }));

    const error = await failure(tokens.getToken());
    const token = await tokens.refresh();

    assert.equal(error.code, "invalid_credentials");
    assert.equal(await tokens.getToken(), token.value);
  });

  /** `faults/misbehaving.test.js` has further values. @type {[title: string, secret: () => unknown][]} */
  const BAD = [
    ["rejects", () => Promise.reject(new Error("planted-secret"))],
    ["returns an empty string", () => ""],
    ["returns spaces", () => "  "],
    ["returns nothing", () => undefined],
    ["returns a Buffer", () => Buffer.from("planted-secret")],
    ["never settles", () => new Promise(() => {})],
  ];
  for (const [title, secret] of BAD) {
    test(`that ${title} causes credentials_unavailable, and the error names the option and no value`, async (t) => {
      const sandbox = await sharedSandbox(t);
      for (const [, key, , options] of PROVIDERS) {
        let calls = 0;
        const counted = () => (calls++, secret());
        const tokens = managerFor(t, { .../** @type {object} */ (options(sandbox, counted)), timeoutMs: 20 });

        const error = await failure(tokens.getToken());
        for (let call = 0; call < 100; call++) await failure(tokens.getToken());

        assert.deepEqual([error.code, error.retryable], ["credentials_unavailable", true]);
        assert.ok(error.message.includes(`\`${key}\``), error.message);
        assert.deepEqual([calls, error.attempts], [3, 3]);
        assertHoldsNone(error, ["planted-secret"]);
      }
      assert.equal(sandbox.requests().length, 0);
    });
  }

  test("may call the manager without a deadlock", async (t) => {
    const sandbox = await sharedSandbox(t);
    /** @type {Promise<string>[]} */
    const inside = [];
    const vault = () => {
      inside.push(tokens.getToken());
      tokens.status();
      return sandbox.toggle.password;
    };
    const tokens = managerFor(t, toggle(sandbox, { password: vault }));

    const token = await tokens.getToken();

    assert.deepEqual(await Promise.all(inside), [token]);
  });
});
