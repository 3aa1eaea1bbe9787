// Flags of options that several providers have under one name.

import assert from "node:assert/strict";
import { test } from "node:test";

import { helpOfOptions } from "../../pkg-template/bin/provider-flags.js";

/** @typedef {import("../../pkg-template/bin/provider-flags.js").ProviderOption} ProviderOption */

test("an option that is secret for one provider only has both kinds of flag, each with its own help", () => {
  const flags = helpOfOptions([
    { provider: "acme", option: "clientId", spec: { kind: "text", about: "the client's id" } },
    { provider: "other", option: "clientId", spec: { kind: "secret", about: "the client's secret id" } },
    { provider: "acme", option: "mode", spec: { kind: "keyword", about: "fast", choices: ["fast"] } },
    { provider: "other", option: "mode", spec: { kind: "keyword", about: "slow", choices: ["slow"] } },
    { provider: "acme", option: "user", spec: { kind: "text", about: "the user" } },
    { provider: "other", option: "user", spec: { kind: "text", about: "the user" } },
  ]);

  assert.deepEqual(Object.keys(flags), ["client-id", "client-id-env", "client-id-file", "mode", "user"]);
  assert.equal(flags["client-id"]?.about, "acme: the client's id");
  assert.match(flags["client-id-env"]?.about ?? "", /^other: the client's secret id/);
  assert.equal(flags.mode?.about, "acme: fast; other: slow");
  assert.deepEqual(flags.mode?.choices, ["fast", "slow"]);
  assert.equal(flags.user?.about, "the user");
});
