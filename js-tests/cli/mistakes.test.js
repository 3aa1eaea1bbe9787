// Failures: one line on standard error, a specific exit status, and no secrets. `messages` has the usage errors.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";

import { listening } from "../support/server.js";
import { sandboxFor, sharedSandbox } from "../support/setup.js";
import { folderFor } from "../stores/support.js";
import { apis, assertKeepsSecrets, run } from "./support.js";

/** A secret in the wrong place. */
const SECRET = "s3cr3t_0f_somebody";

const FLUZ = ["--provider", "fluz", "--environment", "sandbox", "--user-id", "u", "--account-id", "a"];

test("standard input for two secrets is a usage error", async () => {
  const args = ["--scopes", "A", "--app-id", "i", "--app-secret-file", "-", "--api-key-file", "-"];

  const { status, stdout, stderr } = await run(["token", ...FLUZ, ...args], { input: SECRET });

  assert.deepEqual([status, stdout], [2, ""]);
  assert.ok(stderr.includes("-file -") && !stderr.includes(SECRET), stderr);
});

describe("a failure", () => {
  test("that is permanent ends with status 1", async (t) => {
    const sandbox = await sharedSandbox(t);

    const result = await run(["token", ...apis(sandbox).toggle.flags], { env: { SECRET } });

    assert.equal(result.status, 1);
    assert.equal(result.stdout, "");
    assert.match(result.stderr, /^graphql-token-manager token: invalid_credentials: [^\n]+\n$/);
    assert.doesNotMatch(result.stderr, /s3cr3t/);
    assertKeepsSecrets(sandbox, result);
  });

  test("that is retryable ends with status 75, after the allowed attempts", async (t) => {
    const sandbox = await sandboxFor(t, { faults: [{ kind: "status", status: 503 }] });
    const { flags, env } = apis(sandbox).fluz;

    const result = await run(["token", ...flags, "--attempts", "1"], { env });

    assert.equal(result.status, 75);
    assert.match(result.stderr, /^graphql-token-manager token: server: [^\n]+\n$/);
    assert.equal(sandbox.requests().length, 1);
    assertKeepsSecrets(sandbox, result);
  });

  test("is a line of JSON with --json, with all known details", async (t) => {
    const sandbox = await sandboxFor(t, { faults: [{ kind: "status", status: 429, retryAfter: 120 }] });
    const { flags, env } = apis(sandbox).fluz;

    const { status, stdout, stderr } = await run(["token", ...flags, "--json"], { env });

    const { error } = JSON.parse(stderr);
    assert.equal(status, 75);
    assert.equal(stdout, "");
    assert.equal(error.code, "rate_limited");
    assert.equal(error.retryable, true);
    assert.equal(error.status, 429);
    assert.ok(error.retryAfterMs > 100_000);
  });

  test("of usage is a line of JSON as well", async () => {
    const { status, stderr } = await run(["token", "--json", "--provdier", "x"]);

    assert.equal(status, 2);
    assert.deepEqual(Object.keys(JSON.parse(stderr).error), ["code", "message"]);
    assert.equal(JSON.parse(stderr).error.code, "usage");
  });
});

test("a deeply nested profile ends with status 2", async (t) => {
  const folder = await folderFor(t);
  for (const depth of [70, 100_000]) {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ]) {
      const path = join(folder, "profile.json");
      await writeFile(path, `${open.repeat(depth)}1${close.repeat(depth)}`);

      const { status, stdout, stderr } = await run(["token", "--profile", path]);

      assert.deepEqual([status, stdout], [2, ""]);
      assert.ok(stderr.includes("--profile"), stderr);
    }
  }
});

test("$env in a profile does not resolve to an inherited property", async (t) => {
  const path = join(await folderFor(t), "profile.json");
  await writeFile(path, JSON.stringify({ name: "acme", headers: { "x-key": { $env: "toString" } } }));

  const { status, stderr } = await run(["token", "--profile", path]);

  assert.equal(status, 2);
  assert.ok(stderr.includes("--profile"), stderr);
});

test("no control character from an API reaches a terminal", async (t) => {
  const evil = "OK\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eroot#\r\nfake: line";
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ data: { login: { jwt: "token", scope: [evil] } } }));
  });
  const origin = await listening(t, server);
  const path = join(await folderFor(t), "profile.json");
  const profile = {
    name: `acme${evil}`,
    endpoint: `${origin}/graphql`,
    authenticate: { document: "mutation { login { jwt scope } }" },
    token: { data: "login.jwt" },
    scopes: { data: "login.scope" },
    expiry: { lifetimeMs: 60_000 },
  };
  for (const name of ["acme", `acme${evil}`]) {
    await writeFile(path, JSON.stringify({ ...profile, name }));
    for (const args of [["token"], ["token", "--json"], ["watch"], ["watch", "--events"]]) {
      const { status, stdout, stderr } = await run([...args, "--profile", path]);

      assert.notEqual(status, 0);
      assert.notEqual(stderr, "");
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(stdout + stderr, /[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    }
  }
});
