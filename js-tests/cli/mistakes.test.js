// Usage errors and failures: one line on standard error, a specific exit status, and no secrets.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";

import { sandboxFor, sharedSandbox, unreachable } from "../support/setup.js";
import { folderFor } from "../stores/support.js";
import { apis, assertKeepsSecrets, run } from "./support.js";

/** A secret in the wrong place. */
const SECRET = "s3cr3t_0f_somebody";

const TOGGLE = ["--provider", "toggle", "--username", "u"];
const FLUZ = ["--provider", "fluz", "--environment", "sandbox", "--user-id", "u", "--account-id", "a"];

const BRAINTREE = [
  ...["--provider", "braintree", "--environment", "sandbox", "--client-id", "c", "--scopes", "A"],
  ...["--client-secret-env", "SET"],
];

/** Invalid usage, with the expected message. @type {[words: string[], said: RegExp][]} */
const MISTAKES = [
  [["tokne"], /no such command; did you mean token\?/],
  [["--provider", "fluz", "token"], /the command comes first/],
  [["token"], /write either --provider fluz, toggle or braintree, or --profile FILE/],
  [["token", "--provder", "fluz"], /the flag --provder is not known here; did you mean --provider\?/],
  [["token", `--${SECRET}`], /one of the flags is not known here/],
  [["token", "--provider", SECRET], /--provider takes fluz, toggle, braintree/],
  [
    ["token", ...FLUZ, "--api-key", SECRET],
    /--api-key is refused: process lists .* write --api-key-env NAME/,
  ],
  [["token", ...FLUZ, `--api-key=${SECRET}`], /--api-key is refused/],
  [["token", ...FLUZ, "--app-id", "a", "--app-secret", SECRET], /--app-secret is refused/],
  [["token", ...TOGGLE, "--password", SECRET], /--password is refused/],
  [["token", "--client-secret", SECRET], /--client-secret is refused/],
  [["watch", "--client-secret", SECRET], /--client-secret is refused/],
  [["scopes", "--api-key", SECRET], /--api-key is refused/],
  [["token", SECRET], /it takes flags and no other words/],
  [["token", ...TOGGLE, "--password-env", "SET", "--", SECRET], /it takes nothing after --/],
  [["token", ...TOGGLE], /toggle needs --password-env NAME or --password-file PATH/],
  [
    ["token", "--provider", "toggle", "--password-env", "SET"],
    /toggle needs --username NAME or --email ADDRESS/,
  ],
  [
    ["token", ...FLUZ, "--scopes", "A"],
    /fluz needs --api-key-env NAME or --api-key-file PATH or --app-id ID/,
  ],
  [["token", ...FLUZ, "--scopes", "A", "--app-id", "i"], /fluz needs --app-secret-env NAME or/],
  [["token", ...FLUZ, "--api-key-env", "SET"], /fluz needs --scopes LIST/],
  [["token", "--provider", "braintree", "--client-id", "c"], /braintree needs --client-secret-env NAME/],
  [["token", ...TOGGLE, "--environment", "sandbox"], /--environment is not for toggle/],
  [
    ["token", ...TOGGLE, "--client-secret-env", "SET"],
    /--client-secret-env is for braintree, not for toggle/,
  ],
  [["token", ...TOGGLE, "--password-env"], /--password-env wants a value: NAME/],
  [["token", ...TOGGLE, "--password-env", "--quiet"], /--password-env wants a value: NAME/],
  [["token", ...TOGGLE, "--password-env", "SET", "--password-env", "SET"], /--password-env is given twice/],
  [["token", ...TOGGLE, "--password-env", "SET", "--password-file", "p"], /--password-file, not both/],
  [
    ["token", ...TOGGLE, "--password-env", SECRET],
    /the environment variable that --password-env names is not set/,
  ],
  [
    ["token", ...TOGGLE, "--password-env", `${SECRET}==`],
    /--password-env takes the name of an environment variable/,
  ],
  // Properties of `Object.prototype` are not environment variables.
  ...["toString", "constructor", "__proto__", "hasOwnProperty"].map(
    (name) =>
      /** @type {[string[], RegExp]} */ ([
        ["token", ...TOGGLE, "--password-env", name],
        /the environment variable that --password-env names is not set/,
      ]),
  ),
  [["token", ...TOGGLE, "--password-env", "EMPTY"], /that --password-env names is empty/],
  [
    ["token", ...TOGGLE, "--password-file", SECRET],
    /the file that --password-file names cannot be read \(ENOENT\)/,
  ],
  [["token", ...TOGGLE, "--password-file", "js-tests"], /--password-file names cannot be read \(EISDIR\)/],
  [["token", ...TOGGLE, "--password-file", "-"], /standard input holds nothing/],
  // A device is endless, and does not state a size.
  [
    ["token", ...TOGGLE, "--password-file", "/dev/zero"],
    /the file that --password-file names is longer than 65536 bytes/,
  ],
  [["token", "--profile", "/dev/zero"], /the file that --profile names is longer than 1048576 bytes/],
  [["scopes", "/dev/zero", "--provider", "fluz"], /\/dev\/zero is longer than 1048576 bytes/],
  [["token", ...TOGGLE, "--password-env", "SET", "--json=yes"], /--json takes no value/],
  [
    ["token", ...TOGGLE, "--password-env", "SET", "--timeout", "10"],
    /--timeout takes a number with its unit/,
  ],
  [
    ["token", ...TOGGLE, "--password-env", "SET", "--attempts", "0"],
    /--attempts takes a whole number from 1/,
  ],
  [["token", ...TOGGLE, "--password-env", "SET", "--endpoint", SECRET], /invalid_options: .*--endpoint/],
  [
    ["token", ...TOGGLE, "--password-env", "SET", "--endpoint", "http://api.test/"],
    /--endpoint.*--allow-insecure/,
  ],
  [["token", ...BRAINTREE, "--braintree-version", SECRET], /invalid_options: .*--braintree-version/],
  [["token", "--profile", SECRET], /the file that --profile names cannot be read \(ENOENT\)/],
  [["token", "--profile", "Cargo.toml"], /the file that --profile names is not JSON/],
];

describe("a wrong use ends with 2 and says what to write:", () => {
  for (const [words, said] of MISTAKES) {
    test(words.join(" ").replaceAll(SECRET, "…"), async () => {
      const { status, stdout, stderr } = await run(words, { env: { SET: "value", EMPTY: "" } });

      assert.match(stderr, said);
      assert.match(stderr, /^graphql-token-manager[^\n]*\n$/);
      assert.doesNotMatch(stderr, /s3cr3t/);
      assert.equal(stdout, "");
      assert.equal(status, 2);
    });
  }

  test("a file too long for a secret", async (t) => {
    const file = join(await folderFor(t), "log");
    await writeFile(file, "x".repeat(70_000), { mode: 0o600 });

    const { status, stderr } = await run(["token", ...TOGGLE, "--password-file", file]);

    assert.match(stderr, /longer than 65536 bytes/);
    assert.equal(status, 2);
  });

  test("standard input for two secrets", async () => {
    const words = ["--app-id", "i", "--app-secret-file", "-", "--api-key-file", "-"];

    const { status, stderr } = await run(["token", ...FLUZ, "--scopes", "A", ...words], { input: SECRET });

    assert.match(stderr, /-file - reads standard input, which another flag has read/);
    assert.equal(status, 2);
  });
});

describe("a failure", () => {
  test("that stays ends with 1", async (t) => {
    const sandbox = await sharedSandbox(t);

    const ending = await run(["token", ...apis(sandbox).toggle.flags], { env: { SECRET } });

    assert.equal(ending.status, 1);
    assert.equal(ending.stdout, "");
    assert.match(ending.stderr, /^graphql-token-manager token: invalid_credentials: [^\n]+ check [^\n]+\n$/);
    assert.doesNotMatch(ending.stderr, /s3cr3t/);
    assertKeepsSecrets(sandbox, ending);
  });

  test("that may pass ends with 75, after as many attempts as are allowed", async (t) => {
    const sandbox = await sandboxFor(t, { faults: [{ kind: "status", status: 503 }] });
    const { flags, env } = apis(sandbox).fluz;

    const ending = await run(["token", ...flags, "--attempts", "1"], { env });

    assert.equal(ending.status, 75);
    assert.match(ending.stderr, /^graphql-token-manager token: server: [^\n]+\n$/);
    assert.equal(sandbox.requests().length, 1);
    assertKeepsSecrets(sandbox, ending);
  });

  test("is a line of JSON where JSON is asked for, with what is known of it", async (t) => {
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

  test("of the network ends with 75", async () => {
    const words = ["token", ...TOGGLE, "--endpoint", await unreachable(), "--password-env", "SET"];

    const { status, stderr } = await run([...words, "--attempts", "1"], { env: { SET: SECRET } });

    assert.equal(status, 75);
    assert.match(stderr, /token: network: /);
    assert.doesNotMatch(stderr, /s3cr3t/);
  });

  test("of a wrong use is a line of JSON as well", async () => {
    const { status, stderr } = await run(["token", "--json", "--provdier", "x"]);

    assert.equal(status, 2);
    assert.deepEqual(Object.keys(JSON.parse(stderr).error), ["code", "message"]);
    assert.equal(JSON.parse(stderr).error.code, "usage");
  });
});

test("a profile that is nested deeply ends with 2", async (t) => {
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
      assert.match(stderr, /the file that --profile names has more than 64 levels/);
    }
  }
});

test("names in a profile are those of variables alone", async (t) => {
  const path = join(await folderFor(t), "profile.json");
  await writeFile(path, JSON.stringify({ name: "acme", headers: { "x-key": { $env: "toString" } } }));

  const { status, stderr } = await run(["token", "--profile", path]);

  assert.equal(status, 2);
  assert.match(stderr, /the environment variable that --profile names is not set/);
});

test("no control character of an API reaches a terminal", async (t) => {
  const evil = "OK\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eroot#\r\nfake: line";
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ data: { login: { jwt: "token", scope: [evil] } } }));
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const path = join(await folderFor(t), "profile.json");
  const profile = {
    name: `acme${evil}`,
    endpoint: `http://127.0.0.1:${port}/graphql`,
    authenticate: { document: "mutation { login { jwt scope } }" },
    token: { data: "login.jwt" },
    scopes: { data: "login.scope" },
    expiry: { lifetimeMs: 60_000 },
  };
  for (const name of ["acme", `acme${evil}`]) {
    await writeFile(path, JSON.stringify({ ...profile, name }));
    for (const words of [["token"], ["token", "--json"], ["watch"], ["watch", "--events"]]) {
      const { status, stdout, stderr } = await run([...words, "--profile", path]);

      assert.notEqual(status, 0);
      assert.notEqual(stderr, "");
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(stdout + stderr, /[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    }
  }
});
