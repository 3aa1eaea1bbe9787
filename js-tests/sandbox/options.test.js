import assert from "node:assert/strict";
import { test } from "node:test";
import { startSandbox } from "graphql-token-manager/testing";
import { sandboxFor } from "./support.js";

// `messages` has the other invalid options and faults.

test("a message about an option does not repeat its value", async () => {
  const options = { variants: { fluz: { tokenField: "planted-secret" } } };

  await assert.rejects(startSandbox(/** @type {any} */ (options)), (/** @type {any} */ error) => {
    assert.ok(!error.message.includes("planted-secret"));
    return true;
  });
});

test("a fault may name an operation of another variant", async (t) => {
  const sandbox = await sandboxFor(t, { variants: { fluz: { refreshArgument: "absent" } } });

  sandbox.fault({ kind: "html", operation: "refreshUserAccessToken" });
  sandbox.fault({ kind: "html", operation: "LoginUser" });
});

test("undefined selects the default everywhere", async (t) => {
  const options = {
    port: undefined,
    lifetimes: { fluz: undefined },
    variants: { fluz: undefined },
    faults: undefined,
  };

  const sandbox = await sandboxFor(t, options);

  assert.match(sandbox.url, /^http:\/\/127\.0\.0\.1:\d+$/);
});

test("revoke rejects anything but a string", async (t) => {
  const sandbox = await sandboxFor(t);

  assert.throws(() => sandbox.revoke(/** @type {any} */ (null)), TypeError);
});
