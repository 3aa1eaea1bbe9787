// `status`: the contents of a store, without any request or change.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { sandboxFor } from "../support/setup.js";
import { folderFor } from "../stores/support.js";
import { apis, assertKeepsSecrets, output, run } from "./support.js";

test("prints the state, the times and the scopes, and never the token", async (t) => {
  const sandbox = await sandboxFor(t, { lifetimes: { fluz: 600_000 } });
  const { flags, env } = apis(sandbox).fluz;
  const kept = [...flags, "--store", join(await folderFor(t), "tokens")];
  const value = (await output(sandbox, ["token", ...kept], { env })).trim();

  const text = await output(sandbox, ["status", ...kept], { env });
  const json = JSON.parse(await output(sandbox, ["status", ...kept, "--json"], { env }));
  const due = JSON.parse(await output(sandbox, ["status", ...kept, "--json"], { env, aheadMs: 500_000 }));

  assert.match(
    text,
    /^state +fresh\nissued +\d{4}-.+Z\nexpires +\d{4}-.+Z, in \d+ s\nscopes +LIST_OFFERS\n$/,
  );
  const { issuedAt, expiresAt, expiresInMs } = json;
  assert.deepEqual(json, { state: "fresh", issuedAt, expiresAt, expiresInMs, scopes: ["LIST_OFFERS"] });
  assert.ok(expiresInMs > 500_000 && expiresInMs <= 600_000);
  assert.equal(expiresAt - issuedAt, 600_000);
  assert.equal(due.state, "refresh-due");
  assert.ok(!`${text}${JSON.stringify([json, due])}`.includes(value));
  assert.equal(sandbox.requests().length, 1);
});

test("prints `empty` with status 1 if the store has no token, and sends no request", async (t) => {
  const sandbox = await sandboxFor(t);
  const { flags, env } = apis(sandbox).fluz;
  const args = ["status", ...flags, "--store", join(await folderFor(t), "tokens")];

  const text = await run(args, { env });
  const json = await run([...args, "--json"], { env });

  assert.deepEqual(text, { status: 1, stdout: "state    empty\n", stderr: "" });
  assert.deepEqual(json, { status: 1, stdout: '{"state":"empty"}\n', stderr: "" });
  assert.equal(sandbox.requests().length, 0);
});

test("does not use up the refresh token of an expired token", async (t) => {
  let aheadMs = 0;
  const sandbox = await sandboxFor(t, { now: () => Date.now() + aheadMs, lifetimes: { fluz: 600_000 } });
  const { flags, env } = apis(sandbox).fluz;
  const kept = [...flags, "--store", join(await folderFor(t), "tokens")];
  await output(sandbox, ["token", ...kept], { env });
  aheadMs = 700_000;

  const result = await run(["status", ...kept], { env, aheadMs });
  await output(sandbox, ["token", ...kept], { env, aheadMs });

  assertKeepsSecrets(sandbox, result);
  assert.equal(result.status, 1);
  assert.equal(sandbox.counts().fluz.grants, 1);
  assert.equal(sandbox.counts().fluz.refreshes, 1);
});
