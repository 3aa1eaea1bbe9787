// Missing globals: each global that the package reads is absent, throws when read, or is unusable. The constructor does
// not throw, and a call settles with a token or, if the global is required, with an error that names it.

import "../support/guard.js";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { run } from "../support/child.js";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";

const entry = import.meta.resolve("graphql-token-manager");

/** The result of a call for each global that the main entry reads, if it is absent or unusable. */
const TABLE = {
  AbortController: "unsupported",
  AsyncContext: "token",
  Blob: "token",
  BroadcastChannel: "token",
  Buffer: "token",
  DOMException: "token",
  DecompressionStream: "token",
  Deno: "token",
  FinalizationRegistry: "token",
  FormData: "token",
  Headers: "token",
  ReadableStream: "token",
  Request: "token",
  Response: "token",
  TextDecoder: "token",
  TextEncoder: "token",
  URL: "invalid_options, internal",
  URLSearchParams: "token",
  WeakRef: "token",
  WebAssembly: "wasm_blocked, unsupported",
  Zone: "token",
  addEventListener: "token",
  atob: "token",
  btoa: "token",
  clearTimeout: "token",
  document: "token",
  fetch: "token",
  location: "token",
  navigator: "token",
  performance: "token",
  process: "token",
  queueMicrotask: "token",
  removeEventListener: "token",
  self: "token",
  setTimeout: "token",
  window: "token",
  global: "token",
};

/** Globals of the language, without which programs do not run. */
const LANGUAGE = await languageGlobals();

async function languageGlobals() {
  const { stdout } = await run(
    `import vm from "node:vm";
     process.stdout.write(JSON.stringify(vm.runInNewContext("Object.getOwnPropertyNames(globalThis)")));`,
  );
  return new Set(JSON.parse(stdout));
}

test("the table lists every global that the package reads", () => {
  const code = withoutTexts(readFileSync(fileURLToPath(entry), "utf8"));
  const known = new Set([...Object.getOwnPropertyNames(globalThis), ...Object.keys(TABLE), ...BROWSERS]);
  const read = [...known].filter((name) => {
    if (LANGUAGE.has(name) && !(name in TABLE)) return false;
    return new RegExp(`(?<![.\\w$#])${name}(?![\\w$]|\\s*[:(]\\s*\\w*\\s*\\)?\\s*\\{)`).test(code);
  });
  assert.deepEqual(
    read.filter((name) => !(name in TABLE)),
    [],
  );
});

/** Globals of browsers and Workers that Node does not have. */
const BROWSERS = [
  "Bun",
  "caches",
  "indexedDB",
  "localStorage",
  "sessionStorage",
  "postMessage",
  "setInterval",
];

/** @param {string} code */
function withoutTexts(code) {
  return code.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/g, '""');
}

for (const how of ["missing", "throwing", "useless"]) {
  describe(how, () => {
    test("no constructor throws, and each call ends as the table states", async () => {
      const { status, stdout, stderr } = await run(PROGRAM, {
        given: { entry, how, names: Object.keys(TABLE), timeoutMs: TEST_TIMEOUT_MS / 2 },
      });
      assert.equal(status, 0, stderr);
      const ends = JSON.parse(stdout);
      for (const [name, allowed] of Object.entries(TABLE)) {
        const [made, ended] = ends[name];
        assert.equal(made, "made", `${name}: the constructor threw`);
        assert.ok(
          ended === "token" || allowed.split(", ").includes(ended),
          `${name} ${how}: ${ended} instead of ${allowed}`,
        );
      }
    });
  });
}

test("with frozen built-in classes, calls resolve and errors keep their codes", async () => {
  const { status, stdout, stderr } = await run(FROZEN, { given: { entry } });

  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    token: "t",
    grant: "TokenError protocol",
    errors: "GraphQLRequestError graphql_errors",
    store: "StoreError invalid_options",
  });
});

/** Freezes what a hardened realm does, before the package is loaded. */
const FROZEN = `
  const names = ["Array", "Error", "Function", "Map", "Object", "Promise", "RegExp", "Set", "String", "WeakMap"];
  for (const name of names) Object.freeze(Object.freeze(globalThis[name]).prototype);
  const { TokenManager } = await import(given.entry);
  const { encrypted } = await import("graphql-token-manager/stores/encrypted");
  const granted = { data: { login: { jwt: "t", ttl: 60 } } };
  const manager = (...answers) => new TokenManager({
    fetch: async () => Response.json(answers.length > 1 ? answers.shift() : answers[0]),
    retry: { attempts: 1 },
    provider: {
      name: "acme",
      endpoint: "https://api.acme.test/graphql",
      authenticate: { document: "mutation { login { jwt ttl } }" },
      token: { data: "login.jwt" },
      expiry: { expiresIn: "login.ttl", unit: "seconds" },
    },
  });
  const describe = ({ name, code, message }) => code ? name + " " + code : message;
  const thrown = (action) => {
    try {
      return action();
    } catch (error) {
      return describe(error);
    }
  };
  const ends = {
    token: await manager(granted).getToken(),
    grant: await manager(["no answer"]).getToken().catch(describe),
    errors: await manager(granted, { errors: [{ message: "no" }] }).request("{ a }").catch(describe),
    store: thrown(() => encrypted({}, "short")),
  };
  process.stdout.write(JSON.stringify(ends), () => process.exit(0));
`;

const PROGRAM = `
  const { setTimeout, clearTimeout, process, URL } = globalThis;
  const shapes = {
    missing: { value: undefined },
    throwing: { get() { throw new Error("not here"); } },
    useless: { value: class { static useless = true } },
  };
  const body = JSON.stringify({ data: { login: { jwt: "t", ttl: 60 } } });
  const answer = { status: 200, headers: new Map(), text: async () => body };
  const options = {
    fetch: async () => answer,
    provider: {
      name: "acme",
      endpoint: "https://api.acme.test/graphql",
      authenticate: { document: "mutation { login { jwt ttl } }" },
      token: { data: "login.jwt" },
      expiry: { expiresIn: "login.ttl", unit: "seconds" },
    },
  };
  async function outcome(TokenManager) {
    let tokens;
    try {
      tokens = new TokenManager(options);
    } catch (error) {
      return ["threw " + error, ""];
    }
    const late = new Promise((resolve) => setTimeout(resolve, given.timeoutMs, "never ended"));
    const ended = tokens.getToken().then(() => tokens.refresh()).then(() => "token", (error) => error.code ?? String(error));
    const how = await Promise.race([ended, late]);
    tokens.session({ scopes: ["a"] }).status();
    void tokens.close();
    return ["made", how];
  }
  const ends = {};
  for (const [at, name] of given.names.entries()) {
    const original = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { configurable: true, ...shapes[given.how] });
    try {
      const { TokenManager } = await import(given.entry + "?" + at);
      ends[name] = await outcome(TokenManager);
    } catch (error) {
      ends[name] = ["threw " + error.stack, ""];
    } finally {
      if (original) Object.defineProperty(globalThis, name, original);
      else delete globalThis[name];
      // The next copy starts a core of its own.
      for (const symbol of Object.getOwnPropertySymbols(globalThis)) {
        if (symbol.description.startsWith("graphql-token-manager@")) delete globalThis[symbol];
      }
    }
  }
  process.stdout.write(JSON.stringify(ends), () => process.exit(0));
`;
