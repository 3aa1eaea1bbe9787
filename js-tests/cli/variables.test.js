// Environment variables of the providers: they replace flags, flags win, and `sandbox` prints exactly their names.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { claims, sharedSandbox } from "../support/setup.js";
import { apis, output, PROGRAM, run, start } from "./support.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/** A secret that is not the sandbox's. */
const WRONG = "s3cr3t_0f_somebody";

/** @param {Sandbox} sandbox */
const variables = ({ fluz, toggle, braintree }) => ({
  FLUZ_ENDPOINT: fluz.endpoint,
  FLUZ_API_KEY: fluz.apiKey,
  FLUZ_USER_ID: fluz.userId,
  FLUZ_ACCOUNT_ID: fluz.accountId,
  TOGGLE_ENDPOINT: toggle.endpoint,
  TOGGLE_USERNAME: toggle.username,
  TOGGLE_PASSWORD: toggle.password,
  BRAINTREE_ENDPOINT: braintree.endpoint,
  BRAINTREE_CLIENT_ID: braintree.clientId,
  BRAINTREE_CLIENT_SECRET: braintree.clientSecret,
});

const FLUZ = ["token", "--provider", "fluz", "--scopes", "LIST_OFFERS"];
const TOGGLE = ["token", "--provider", "toggle"];

describe("credentials, ids and the endpoint", () => {
  for (const args of [FLUZ, TOGGLE, ["token", "--provider", "braintree", "--scopes", "CUSTOMER_CREATE"]]) {
    test(`of ${args[2]} come from variables unless a flag is given`, async (t) => {
      const sandbox = await sharedSandbox(t);

      const printed = await output(sandbox, args, { env: variables(sandbox) });

      assert.match(printed, /^[\w.$-]+\n$/);
    });
  }

  test("from flags take precedence over variables", async (t) => {
    const sandbox = await sharedSandbox(t);
    const nowhere = "http://127.0.0.1:9/graphql";
    const { flags, env } = apis(sandbox).toggle;
    const others = { TOGGLE_ENDPOINT: nowhere, TOGGLE_USERNAME: "another", TOGGLE_PASSWORD: WRONG };

    const printed = await output(sandbox, ["token", ...flags], { env: { ...others, ...env } });

    assert.ok(claims(printed).sub);
  });

  test("of alternatives, without a flag, are those of the first complete one", async (t) => {
    const sandbox = await sharedSandbox(t);
    const env = variables(sandbox);

    const complete = await run(FLUZ, { env: { ...env, FLUZ_APP_ID: "app", FLUZ_APP_SECRET: "" } });
    const flagged = await run([...FLUZ, "--app-id", "app"], { env });

    assert.equal(complete.status, 0, complete.stderr);
    assert.equal(flagged.status, 2);
    assert.match(flagged.stderr, /--app-secret-env .*FLUZ_APP_SECRET/);
    assert.doesNotMatch(flagged.stderr, /API_KEY/);
  });

  test("that are missing or invalid are named by flag and variable", async (t) => {
    const sandbox = await sharedSandbox(t);
    const env = variables(sandbox);

    const missing = await run(FLUZ, { env: { ...env, FLUZ_USER_ID: "" } });
    const wrong = await run(TOGGLE, { env: { ...env, TOGGLE_ENDPOINT: "http://api.test/" } });

    assert.deepEqual([missing.status, wrong.status], [2, 2]);
    assert.match(missing.stderr, /--user-id .*FLUZ_USER_ID/);
    assert.match(wrong.stderr, /--endpoint .*TOGGLE_ENDPOINT/);
  });

  test("from a variable take precedence over --environment, with a warning", async (t) => {
    const sandbox = await sharedSandbox(t);

    const result = await run([...FLUZ, "--environment", "production"], { env: variables(sandbox) });

    assert.equal(result.status, 0);
    assert.match(result.stderr, /^graphql-token-manager token: warning: .*FLUZ_ENDPOINT.*--environment.*\n$/);
  });
});

test("the help lists each variable that the sandbox prints for a provider's credentials", async (t) => {
  const { stdout } = await run(["token", "--help"]);
  const [, listed = ""] = stdout.split("\nEnvironment variables");
  const documented = new Set(listed.match(/\b(?:FLUZ|TOGGLE|BRAINTREE)_\w+/g));
  const running = start(t, ["sandbox"]);
  await running.said(10);

  const printed = running.stdout.match(/^(?:FLUZ|TOGGLE|BRAINTREE)_\w+/gm) ?? [];

  assert.ok(printed.length >= 10, running.stdout);
  assert.deepEqual(
    printed.filter((name) => !documented.has(name)),
    [],
  );
});

describe("sandbox -- COMMAND", () => {
  const SELF = [process.execPath, PROGRAM];

  for (const args of [FLUZ, TOGGLE, ["token", "--provider", "braintree", "--scopes", "CUSTOMER_CREATE"]]) {
    test(`sets all that token needs for ${args[2]}, and overrides outer variables`, async () => {
      // Real credentials, which would select another alternative or be refused by the sandbox.
      const real = {
        FLUZ_APP_ID: "app",
        FLUZ_APP_SECRET: WRONG,
        FLUZ_SEAT_ID: "seat",
        FLUZ_ENDPOINT: "https://real.invalid/graphql",
        TOGGLE_EMAIL: "real@example.com",
        TOGGLE_PASSWORD: WRONG,
        BRAINTREE_CLIENT_SECRET: WRONG,
      };

      const result = await run(["sandbox", "--", ...SELF, ...args], { env: real });

      assert.deepEqual([result.status, result.stderr], [0, ""]);
      assert.match(result.stdout, /^[\w.$-]+\n$/);
    });
  }

  test("removes variables of the providers that the sandbox does not set", async () => {
    const print = "console.log(process.env.FLUZ_SEAT_ID, process.env.OTHER)";
    const env = { FLUZ_SEAT_ID: "seat", FLUZ_APP_SECRET: WRONG, OTHER: "kept" };

    const { stdout } = await run(["sandbox", "--", process.execPath, "--eval", print], { env });

    assert.equal(stdout, "undefined kept\n");
  });
});
