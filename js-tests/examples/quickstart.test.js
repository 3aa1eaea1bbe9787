/**
 * The quickstart programs work unmodified against the sandbox, configured by environment variables only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startSandbox } from "graphql-token-manager/testing";
import { runExample } from "./support.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/**
 * @typedef {object} Example
 * @property {string} file
 * @property {RegExp} prints
 * @property {(sandbox: Sandbox) => Record<string, string>} env
 * @property {string} secret The variable that holds the secret.
 */

/** @type {Example[]} */
const EXAMPLES = [
  {
    file: "fluz.js",
    prints: /^(Offer by .+\n){3}$/,
    env: ({ fluz }) => ({
      FLUZ_ENDPOINT: fluz.endpoint,
      FLUZ_API_KEY: fluz.apiKey,
      FLUZ_USER_ID: fluz.userId,
      FLUZ_ACCOUNT_ID: fluz.accountId,
    }),
    secret: "FLUZ_API_KEY",
  },
  {
    file: "toggle.js",
    prints: /^Product 1: In-store Gift\nProduct 2: Dinner for two\n$/,
    env: ({ toggle }) => ({
      TOGGLE_ENDPOINT: toggle.endpoint,
      TOGGLE_USERNAME: toggle.username,
      TOGGLE_PASSWORD: toggle.password,
      TOGGLE_ACCOUNT_ID: "1",
    }),
    secret: "TOGGLE_PASSWORD",
  },
  {
    file: "braintree.js",
    prints: /^Customer \S+: ada@example\.com\n$/,
    env: ({ braintree }) => ({
      BRAINTREE_ENDPOINT: braintree.endpoint,
      BRAINTREE_CLIENT_ID: braintree.clientId,
      BRAINTREE_CLIENT_SECRET: braintree.clientSecret,
    }),
    secret: "BRAINTREE_CLIENT_SECRET",
  },
  {
    file: "own-api.js",
    prints: /^The token is for sandbox-acme-id\n$/,
    env: ({ acme }) => ({ API_ENDPOINT: acme.endpoint, API_ID: acme.id, API_SECRET: acme.secret }),
    secret: "API_SECRET",
  },
];

const WRONG = "not-the-secret-of-anybody";

/** @type {Sandbox} */
let sandbox;
before(async () => {
  sandbox = await startSandbox();
});
after(() => sandbox.close());

for (const { file, prints, env, secret } of EXAMPLES) {
  test(`quickstart/${file} gets a token and makes a call`, async () => {
    const { status, stdout, stderr } = await runExample(`quickstart/${file}`, [], env(sandbox));

    assert.equal(stderr, "");
    assert.match(stdout, prints);
    assert.equal(status, 0);
  });

  test(`quickstart/${file} reports that its secret is invalid, without showing it`, async () => {
    const { status, stdout, stderr } = await runExample(`quickstart/${file}`, [], {
      ...env(sandbox),
      [secret]: WRONG,
    });

    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(stderr.slice(-2_000), /invalid_credentials/);
    assert.ok(!stderr.includes(WRONG), "the secret is printed");
    assert.ok(stderr.length < 5_000, `${stderr.length} characters to read`);
  });

  test(`quickstart/${file} names the variable that is not set`, async () => {
    const { [secret]: _, ...rest } = env(sandbox);

    const { status, stderr } = await runExample(`quickstart/${file}`, [], rest);

    assert.equal(status, 1);
    assert.match(stderr.slice(0, 2_000), new RegExp(`${secret} is not set`));
  });
}
