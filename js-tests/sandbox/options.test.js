import assert from "node:assert/strict";
import { test } from "node:test";
import { startSandbox } from "graphql-token-manager/testing";
import { sandboxFor } from "./support.js";

/** @type {[unknown, string][]} */
const WRONG_OPTIONS = [
  [null, "`options` is null; write an object"],
  ["fluz", "`options` is a string; write an object"],
  [{ ports: 1 }, "`ports` is not known; known here: port, lifetimes, variants, faults, exposeHeaders, now"],
  [{ toString: 1 }, "`toString` is not known"],
  [{ port: "80" }, "`port` is a string; write a whole number of a port, 0 for any free one, from 0 to 65535"],
  [{ port: 65_536 }, "`port` is a number out of range"],
  [{ lifetimes: 1_000 }, "`lifetimes` is a number; write an object"],
  [
    { lifetimes: { fluz: "10s" } },
    "`lifetimes.fluz` is a string; write a whole number of milliseconds from 1 to",
  ],
  [{ lifetimes: { fluz: 0 } }, "`lifetimes.fluz` is a number out of range"],
  [{ lifetimes: { toggle: -1 } }, "`lifetimes.toggle` is a number out of range"],
  [{ lifetimes: { toggle: 1.5 } }, "`lifetimes.toggle` is a fraction"],
  [{ lifetimes: { braintree: NaN } }, "`lifetimes.braintree` is NaN"],
  [{ lifetimes: { braintree: Infinity } }, "`lifetimes.braintree` is not finite"],
  [
    { lifetimes: { stripe: 1 } },
    "`lifetimes.stripe` is not known; known here: fluz, toggle, braintree, acme",
  ],
  [
    { variants: { fluz: { tokenField: "jwt" } } },
    '`variants.fluz.tokenField` is another string; write "token" or "accessToken"',
  ],
  [{ variants: { fluz: { rotation: "no" } } }, "`variants.fluz.rotation` is a string; write true or false"],
  [
    { variants: { toggle: { unauthorizedStatus: 401 } } },
    "`variants.toggle.unauthorizedStatus` is a number; write 200 or 403",
  ],
  [{ variants: { toggle: { headers: "both" } } }, "`variants.toggle.headers` is not known"],
  [{ variants: { acme: {} } }, "`variants.acme` is not known"],
  [{ exposeHeaders: 1 }, "`exposeHeaders` is a number; write true or false"],
  [{ now: 5 }, "`now` is a number; write a function that returns milliseconds since the Unix epoch"],
  [{ faults: { kind: "html" } }, "`faults` is an object; write an array"],
  [{ faults: [{ kind: "html" }, {}] }, "`faults[1].kind` is missing; write"],
];

for (const [options, message] of WRONG_OPTIONS) {
  test(`a sandbox is not started: ${message}`, async () => {
    await assert.rejects(startSandbox(/** @type {any} */ (options)), (/** @type {any} */ error) => {
      assert.ok(error instanceof TypeError);
      assert.ok(error.message.startsWith(`startSandbox: ${message}`), error.message);
      return true;
    });
  });
}

/** @type {[unknown, string][]} */
const WRONG_FAULTS = [
  [undefined, "`fault` is missing; write an object"],
  [{ kind: "lag" }, '`fault.kind` is another string; write "delay" or "drop"'],
  [{ kind: "toString" }, "`fault.kind` is another string"],
  [{ kind: "delay" }, "`fault.ms` is missing; write a whole number of milliseconds from 0 to 2147483647"],
  [{ kind: "delay", ms: 2 ** 31 }, "`fault.ms` is a number out of range"],
  [{ kind: "drop", when: "during" }, '`fault.when` is another string; write "before" or "after"'],
  [
    { kind: "html", status: 500 },
    "`fault.status` is not known; known here: kind, provider, operation, times",
  ],
  [{ kind: "html", provider: "stripe" }, '`fault.provider` is another string; write "fluz"'],
  [{ kind: "html", times: 0 }, "`fault.times` is a number out of range; write a whole number of requests"],
  [{ kind: "html", operation: "generateToken" }, "`fault.operation` names no operation; write one of marco"],
  [
    { kind: "html", operation: "marco", provider: "toggle" },
    "`fault.operation` names no operation; write one of loginUser",
  ],
  [{ kind: "status", status: 42 }, "`fault.status` is a number out of range"],
  [
    { kind: "status", status: 503, retryAfter: "a\nb" },
    "`fault.retryAfter` is a string; write a whole number of seconds",
  ],
  [{ kind: "date" }, "`fault.offsetMs` is missing"],
  [{ kind: "narrow", scopes: "LIST_OFFERS" }, "`fault.scopes` is a string; write an array"],
  [{ kind: "narrow", scopes: [1] }, "`fault.scopes[0]` is a number; write a string"],
  [{ kind: "narrow", scopes: [], provider: "toggle" }, "`fault.provider` is a provider without scopes"],
  [{ kind: "bad-token", value: "a\0b" }, "`fault.value` holds characters that no HTTP header can carry"],
  [{ kind: "oversize", bytes: 2 ** 40 }, "`fault.bytes` is a number out of range"],
];

test("a wrong fault is refused with its key, what was found and what to write", async (t) => {
  const sandbox = await sandboxFor(t);

  for (const [spec, message] of WRONG_FAULTS) {
    assert.throws(
      () => sandbox.fault(/** @type {any} */ (spec)),
      (/** @type {any} */ error) => {
        assert.ok(error instanceof TypeError);
        assert.ok(error.message.startsWith(`startSandbox: ${message}`), error.message);
        return true;
      },
    );
  }
});

test("a message about an option does not repeat its value", async () => {
  const options = { variants: { fluz: { tokenField: "planted-secret" } } };

  await assert.rejects(startSandbox(/** @type {any} */ (options)), (/** @type {any} */ error) => {
    assert.ok(!error.message.includes("planted-secret"));
    return true;
  });
});

test("an operation of another variant may be named in a fault", async (t) => {
  const sandbox = await sandboxFor(t, { variants: { fluz: { refreshArgument: "absent" } } });

  sandbox.fault({ kind: "html", operation: "refreshUserAccessToken" });
  sandbox.fault({ kind: "html", operation: "LoginUser" });
});

test("undefined stands for the default everywhere", async (t) => {
  const options = {
    port: undefined,
    lifetimes: { fluz: undefined },
    variants: { fluz: undefined },
    faults: undefined,
  };

  const sandbox = await sandboxFor(t, options);

  assert.match(sandbox.url, /^http:\/\/127\.0\.0\.1:\d+$/);
});

test("revoke refuses what is no string", async (t) => {
  const sandbox = await sandboxFor(t);

  assert.throws(() => sandbox.revoke(/** @type {any} */ (null)), TypeError);
});
