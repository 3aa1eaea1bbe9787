// The stack of an error leads to the line of the call, and each caller has its own error. What a user-supplied function
// threw is its `cause`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { inspect } from "node:util";

import { TokenError } from "graphql-token-manager";

import { managerFor } from "../support/setup.js";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { failure, within } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */

const ENDPOINT = "https://api.acme.test/graphql";

/** @param {TestContext} t @param {Record<string, any>} profile @param {Record<string, any>} [options] */
const acmeFor = (t, profile, options) =>
  managerFor(t, {
    provider: { name: "acme", endpoint: ENDPOINT, ...profile },
    retry: { attempts: 1 },
    ...options,
  });

/** @param {TestContext} t @param {() => unknown} fails */
const rejectingFor = (t, fails) => acmeFor(t, { grant: fails });

const refused = () => {
  throw new TokenError("invalid_credentials", "no", { status: 401, requestId: "r-1" });
};

/** @type {Record<string, (tokens: any) => Promise<unknown>>} */
const CALLS = {
  getToken: async function callerOfGetToken(tokens) {
    return await tokens.getToken();
  },
  getAccessToken: async function callerOfGetAccessToken(tokens) {
    return await tokens.getAccessToken();
  },
  refresh: async function callerOfRefresh(tokens) {
    return await tokens.refresh();
  },
  fetch: async function callerOfFetch(tokens) {
    return await tokens.fetch(ENDPOINT, { method: "POST", body: "{}" });
  },
  request: async function callerOfRequest(tokens) {
    return await tokens.request("{ ok }");
  },
};

describe("the stack names the caller, and no function of the core,", () => {
  for (const [method, call] of Object.entries(CALLS)) {
    for (const isRunning of [false, true]) {
      test(`of ${method}, ${isRunning ? "while the core runs" : "before the core runs"}`, async (t) => {
        const tokens = rejectingFor(t, refused);
        if (isRunning) await tokens.ready();

        const error = await failure(call(tokens));

        const { stack } = error;
        assert.equal(typeof Object.getOwnPropertyDescriptor(error, "stack")?.value, "string");
        const [head, ...frames] = `${stack}`.split("\n");
        assert.match(`${head}`, /^TokenError: /);
        assert.ok(
          frames.some((frame) => frame.includes(call.name) && frame.includes("stacks.test.js")),
          stack,
        );
        assert.doesNotMatch(`${stack}`, /wasm/);
      });
    }
  }
});

test("callers that share a failure receive errors of their own with the same fields", async (t) => {
  const tokens = rejectingFor(t, refused);

  const [one, other] = await Promise.all([
    failure(CALLS.getToken?.(tokens) ?? Promise.resolve()),
    failure(CALLS.refresh?.(tokens) ?? Promise.resolve()),
  ]);

  assert.notEqual(one, other);
  assert.match(`${one.stack}`, /callerOfGetToken/);
  assert.match(`${other.stack}`, /callerOfRefresh/);
  for (const error of [one, other]) {
    assert.ok(TokenError.is(error));
    assert.deepEqual(
      [error.code, error.status, error.requestId, error.retryable, error.provider],
      ["invalid_credentials", 401, "r-1", false, "acme"],
    );
  }
});

test("callers receive errors of their own also if the options are invalid", async (t) => {
  const tokens = acmeFor(t, { unknown: 1 });
  const calls = [
    () => tokens.ready(),
    () => tokens.request("{ ok }"),
    () => tokens.fetch(ENDPOINT),
    () => tokens.revoke(),
  ];
  for (const call of calls) {
    const [one, other] = await Promise.all([failure(call()), failure(call())]);

    assert.equal(one.code, "invalid_options");
    assert.notEqual(one, other);
    assert.match(one.stack ?? "", /stacks\.test\.js/);
  }
});

test("the reason of an aborted signal is passed on as it is, also if it is a TokenError", async (t) => {
  const tokens = rejectingFor(t, () => new Promise(() => {}));
  const controller = new AbortController();
  const reason = new TokenError("closed", "mine");

  const pending = tokens.getToken({ signal: controller.signal });
  controller.abort(reason);

  assert.equal(await failure(pending), reason);
});

test("where the stack is unavailable, the error has that of its creation", async (t) => {
  const tokens = rejectingFor(t, refused);
  const { stackTraceLimit } = Error;
  t.after(() => (Error.stackTraceLimit = stackTraceLimit));
  Error.stackTraceLimit = 0;

  const error = await failure(tokens.getToken());

  assert.equal(error.code, "invalid_credentials");
});

describe("callers that share a failure receive errors of their own", () => {
  /** @type {Record<string, PropertyDescriptor>} */
  const limits = {
    "where no stack is recorded": { value: 0, writable: true },
    "where the limit of stacks is read-only": { value: 10, writable: false },
    "where the limit of stacks cannot be read": {
      get: () => {
        throw new Error("the limit cannot be read");
      },
    },
  };
  for (const [name, limit] of Object.entries(limits)) {
    test(name, async (t) => {
      const tokens = rejectingFor(t, refused);
      await failure(tokens.getToken());
      const before = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit") ?? {};
      const restore = () => Object.defineProperty(Error, "stackTraceLimit", before);
      t.after(restore);
      Object.defineProperty(Error, "stackTraceLimit", { ...limit, configurable: true });

      const failures = Promise.all([failure(tokens.getToken()), failure(tokens.getToken())]);
      const [one, other] = await within(failures, "the failures").finally(restore);

      assert.notEqual(one, other);
      assert.deepEqual([one.code, other.code], ["invalid_credentials", "invalid_credentials"]);
    });
  }

  test("where stacks have another format", async (t) => {
    const tokens = rejectingFor(t, refused);
    const { captureStackTrace } = Error;
    t.after(() => (Error.captureStackTrace = captureStackTrace));
    // Then the stack of the call is unknown, as in an engine with another format.
    Error.captureStackTrace = () => {};

    const [one, other] = await Promise.all([failure(tokens.getToken()), failure(tokens.getToken())]);

    assert.notEqual(one, other);
    assert.deepEqual([one.status, other.status], [401, 401]);
  });
});

test("a first call without a stack does not take it from later calls", () => {
  // A separate process, in which that call is the first.
  const program = `
    import { TokenManager, TokenError } from "graphql-token-manager";
    const grant = () => {
      throw new TokenError("invalid_credentials", "no");
    };
    const provider = { name: "acme", endpoint: "https://api.acme.test", grant };
    const tokens = new TokenManager({ provider, retry: { attempts: 1 } });
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    await tokens.getToken().catch(() => {});
    Error.stackTraceLimit = stackTraceLimit;
    const laterCaller = async () => await tokens.getToken();
    const error = await laterCaller().catch((error) => error);
    console.log(error.stack.includes("laterCaller"), error.stack.includes("wasm"));
    await tokens.close();
  `;
  const child = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: import.meta.dirname,
    encoding: "utf8",
    timeout: TEST_TIMEOUT_MS,
  });

  assert.equal(child.stdout, "true false\n", child.stderr.slice(-1_000));
});

describe("the cause has the class and the stack of what the user's function threw, and no message,", () => {
  class VaultError extends Error {
    name = "VaultError";
  }
  const throwing = () => {
    throw new VaultError("planted-secret\n    at planted-secret");
  };
  const data = {
    token: { data: "login" },
    expiry: { lifetimeMs: 1_000 },
    authenticate: { document: "{ login }", variables: { secret: throwing } },
  };

  /** @type {Record<string, [profile: Record<string, any>, code: string]>} */
  const functions = {
    "a secret function": [data, "credentials_unavailable"],
    "a `grant` function": [{ grant: throwing }, "network"],
    "a `grant` function that rejects": [{ grant: async () => throwing() }, "network"],
  };
  for (const [name, [profile, code]] of Object.entries(functions)) {
    test(`of ${name}`, async (t) => {
      const error = await failure(acmeFor(t, profile).getToken());

      const cause = /** @type {any} */ (error.cause);
      assert.equal(error.code, code);
      assert.deepEqual([cause.name, cause.message], ["VaultError", ""]);
      assert.match(cause.stack, /^VaultError\n {4}at throwing .*stacks\.test\.js/);
      assert.doesNotMatch(inspect(error), /planted/);
    });
  }
});

test("the cause of a `fetch` that throws has its class and message", async (t) => {
  const fetch = () => {
    throw Object.assign(new Error("the mock has no reply"), { name: "MockError" });
  };

  const error = await failure(
    acmeFor(t, { grant: () => ({ accessToken: "one", expiresInMs: 9_000 }) }, { fetch }).request("{ ok }"),
  );

  const cause = /** @type {any} */ (error.cause);
  assert.deepEqual(
    [error.code, cause.name, cause.message],
    ["fetch_threw", "MockError", "the mock has no reply"],
  );
});
