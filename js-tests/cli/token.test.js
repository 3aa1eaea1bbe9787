// `token` and `header`: one token on standard output, from any source of credentials, shared between calls.

import assert from "node:assert/strict";
import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";

import { acmeProfile, call, claims, sandboxFor, sharedSandbox } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { folderFor } from "../stores/support.js";
import { apis, output, run } from "./support.js";

const ASKED = { fluz: "{ getOffers { offerId } }", toggle: "{ Products(account_id: 1) { id } }" };

describe("a token", () => {
  for (const api of /** @type {const} */ (["fluz", "toggle"])) {
    test(`of ${api} is printed alone, and the API accepts it`, async (t) => {
      const sandbox = await sharedSandbox(t);
      const { flags, env } = apis(sandbox)[api];

      const printed = await output(sandbox, ["token", ...flags], { env });

      assert.match(printed, /^[\w.-]+\n$/);
      const answer = await call(sandbox[api].endpoint, printed.trim(), ASKED[api]);
      assert.equal((await answer.json()).errors, undefined);
    });
  }

  test("of braintree has the requested scopes, however they are listed", async (t) => {
    const sandbox = await sharedSandbox(t);
    const { flags, env } = apis(sandbox).braintree;

    const printed = await output(
      sandbox,
      ["token", ...flags, "--scopes", "TRANSACTION_FIND, TRANSACTION_CHARGE\n", "--json"],
      { env },
    );

    const scopes = ["CUSTOMER_CREATE", "TRANSACTION_CHARGE", "TRANSACTION_FIND"];
    const { value, issuedAt, expiresAt, ...rest } = JSON.parse(printed);
    assert.deepEqual({ ...rest, scopes: [...rest.scopes].sort() }, { tokenType: "Bearer", scopes });
    assert.ok(typeof value === "string" && expiresAt > issuedAt);
  });

  test("of a custom API is obtained with a profile, with its secrets from the environment", async (t) => {
    const sandbox = await sharedSandbox(t);
    const profile = acmeProfile(sandbox);
    profile.authenticate.variables.secret = { $env: "ACME_SECRET" };
    const file = join(await folderFor(t), "acme.json");
    await writeFile(file, JSON.stringify(profile));

    const printed = await output(sandbox, ["token", "--profile", file], {
      env: { ACME_SECRET: sandbox.acme.secret },
    });

    const answer = await call(sandbox.acme.endpoint, printed.trim(), "{ me { id } }");
    assert.deepEqual(await answer.json(), { data: { me: { id: sandbox.acme.id } } });
  });

  test("is printed as a header, for curl's -H @-", async (t) => {
    const sandbox = await sharedSandbox(t);
    const { flags, env } = apis(sandbox).toggle;

    const printed = await output(sandbox, ["header", ...flags], { env });
    const json = await output(sandbox, ["header", ...flags, "--json"], { env });

    const [, authorization = ""] = /^Authorization: (Bearer \S+)\n$/.exec(printed) ?? [];
    assert.ok(authorization);
    assert.match(JSON.parse(json).Authorization, /^Bearer \S+$/);
  });
});

describe("a secret", () => {
  test("is read from a file, without the final line break", async (t) => {
    const sandbox = await sharedSandbox(t);
    const { flags } = apis(sandbox).toggle;
    const file = join(await folderFor(t), "password");
    await writeFile(file, `${sandbox.toggle.password}\r\n`, { mode: 0o600 });

    const printed = await output(sandbox, ["token", ...flags.slice(0, -2), "--password-file", file]);

    assert.notEqual(printed, "");
  });

  test("is read from standard input", async (t) => {
    const sandbox = await sharedSandbox(t);
    const { flags } = apis(sandbox).toggle;

    const input = `${sandbox.toggle.password}\n`;
    const printed = await output(sandbox, ["token", ...flags.slice(0, -2), "--password-file", "-"], {
      input,
    });

    assert.notEqual(printed, "");
  });

  test("in a file that other users can read causes a warning that can be disabled", async (t) => {
    const sandbox = await sharedSandbox(t);
    const { flags } = apis(sandbox).toggle;
    const file = join(await folderFor(t), "password");
    await writeFile(file, sandbox.toggle.password);
    await chmod(file, 0o640);
    const args = ["token", ...flags.slice(0, -2), "--password-file", file];

    const { status, stdout, stderr } = await run(args);
    const quiet = await output(sandbox, [...args, "--quiet"]);

    assert.equal(status, 0);
    assert.match(
      stderr,
      /^graphql-token-manager token: warning: .*--password-file.*\(mode 640\); chmod 600 it\n$/,
    );
    assert.equal(claims(stdout).sub, claims(quiet).sub);
  });
});

describe("a store", () => {
  test("lets calls share one grant, also concurrent ones, and is not accessible to other users", async (t) => {
    const sandbox = await sandboxFor(t);
    const { flags, env } = apis(sandbox).fluz;
    const store = join(await folderFor(t), "tokens");
    const args = ["token", ...flags, "--store", store];

    const together = await Promise.all([1, 2, 3].map(() => output(sandbox, args, { env })));
    const later = await output(sandbox, args, { env });

    assert.equal(new Set([...together, later]).size, 1);
    assert.equal(sandbox.counts().fluz.grants, 1);
    assert.equal((await stat(store)).mode & 0o777, 0o700);
    for (const entry of await readdir(store, { withFileTypes: true, recursive: true })) {
      const { mode } = await stat(join(entry.parentPath ?? entry.path, entry.name));
      assert.equal(mode & 0o777, entry.isDirectory() ? 0o700 : 0o600);
    }
  });

  test("is bypassed if a new token is requested, or one with a longer validity", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 600_000 } });
    const { flags, env } = apis(sandbox).fluz;
    const args = ["token", ...flags, "--store", join(await folderFor(t), "tokens")];
    const first = await output(sandbox, args, { env });

    const fresh = await output(sandbox, [...args, "--fresh"], { env });
    const held = await output(sandbox, [...args, "--min-validity", "3m"], { env, aheadMs: 240_000 });
    const longer = await output(sandbox, [...args, "--min-validity", "7m"], { env, aheadMs: 240_000 });

    assert.notEqual(fresh, first);
    assert.equal(held, fresh);
    assert.notEqual(longer, fresh);
  });

  test("receives the next token in the refresh window, which is then returned at once", async (t) => {
    let aheadMs = 0;
    const sandbox = await sandboxFor(t, { now: () => Date.now() + aheadMs, lifetimes: { fluz: 600_000 } });
    const { flags, env } = apis(sandbox).fluz;
    const args = ["token", ...flags, "--store", join(await folderFor(t), "tokens")];
    const first = await output(sandbox, args, { env });
    // The refresh window: the last quarter.
    aheadMs = 500_000;

    const near = await output(sandbox, args, { env, aheadMs });
    const requests = sandbox.requests().length;
    const next = await output(sandbox, args, { env, aheadMs });

    assert.equal(near, first);
    assert.equal(requests, 2);
    assert.notEqual(next, first);
    assert.equal(sandbox.requests().length, requests);
  });
});

test("a profile with literal credentials requires --identity with --store", async (t) => {
  const sandbox = await sandboxFor(t);
  const folder = await folderFor(t);
  const { endpoint, id, secret } = sandbox.acme;
  const profile = {
    name: "acme",
    endpoint,
    authenticate: { document: `mutation { login(id: "${id}", secret: "${secret}") { jwt ttl } }` },
    token: { data: "login.jwt" },
    expiry: { expiresIn: "login.ttl", unit: "seconds" },
  };
  await writeFile(join(folder, "acme.json"), JSON.stringify(profile));
  const args = ["token", "--profile", join(folder, "acme.json"), "--store", join(folder, "tokens")];

  const refused = await run(args, {});
  const one = await run([...args, "--identity", "one"], {});
  const again = await run([...args, "--identity", "one"], {});
  const two = await run([...args, "--identity", "two"], {});

  assert.equal(refused.status, 2);
  assert.ok(refused.stderr.includes("--identity"));
  assert.deepEqual([one.status, again.status, two.status], [0, 0, 0]);
  assert.equal(again.stdout, one.stdout);
  assert.notEqual(two.stdout, one.stdout);
});

test("--verbose writes the steps to standard error, without secrets, and the token alone to standard output", async (t) => {
  const sandbox = await sharedSandbox(t);
  const { flags, env } = apis(sandbox).fluz;
  const { status, stdout, stderr } = await run(["token", ...flags, "--verbose"], { env });

  assert.equal(status, 0);
  assert.match(stdout, /^[\w.-]+\n$/);
  assert.match(stderr, /graphql-token-manager: grant sent/);
  assertHoldsNone(stderr, [...secretsOf(sandbox), stdout.trim()]);
});
