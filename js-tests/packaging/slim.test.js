// The entry without an inlined core, and user-supplied cores for the other entries.

import "../support/guard.js";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterEach, describe, mock, test } from "node:test";

import { listening } from "../support/server.js";
import { fluz, sandboxFor, unreachable } from "../support/setup.js";
import { failure } from "../support/waiting.js";

/** @typedef {typeof import("graphql-token-manager")} Package */

const require = createRequire(import.meta.url);
const core = readFileSync(require.resolve("graphql-token-manager/core.wasm"));
const folder = dirname(require.resolve("graphql-token-manager/package.json"));
const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const KEY = Symbol.for(`graphql-token-manager@${version}`);
let copies = 0;

/**
 * Imports a copy of an entry. `afterEach` removes the state that copies share, so the core of each copy has not
 * started.
 *
 * @param {"slim" | "index"} entry
 * @returns {Promise<Package>}
 */
const copy = (entry) => import(`${join(folder, "dist", `${entry}.js`)}?copy=${copies++}`);

afterEach(() => {
  mock.restoreAll();
  Reflect.deleteProperty(globalThis, KEY);
});

/**
 * Starts a server with the core and with other responses.
 *
 * @param {import("node:test").TestContext} t
 */
async function serverFor(t) {
  const server = createServer((request, response) => {
    const status = { "/none": 404, "/down": 503 }[`${request.url}`] ?? 200;
    response.writeHead(status, { "content-length": core.length });
    if (request.url === "/cut") response.write(core.subarray(0, 1000), () => response.destroy());
    else response.end(request.url === "/page" ? Buffer.alloc(core.length, "<") : core);
  });
  return listening(t, server);
}

describe("slim", () => {
  test("contains no module bytes, unlike the main entry", () => {
    const inlined = (/** @type {string} */ name) =>
      /[\w+/=]{1000}/.test(readFileSync(join(folder, "dist", name), "utf8"));

    for (const name of ["slim.js", "slim.cjs"]) assert.equal(inlined(name), false, name);
    for (const name of ["index.js", "index.cjs"]) assert.equal(inlined(name), true, name);
  });

  for (const [what, source] of /** @type {[string, (site: string) => any][]} */ ([
    ["a compiled module", () => new WebAssembly.Module(core)],
    ["bytes", () => core],
    ["an ArrayBuffer", () => Uint8Array.from(core).buffer],
    ["a URL string", (site) => `${site}/core.wasm`],
    ["a URL object", (site) => new URL(`${site}/core.wasm`)],
    ["a pending response", (site) => fetch(`${site}/core.wasm`)],
  ])) {
    test(`gets tokens after it received ${what}`, async (t) => {
      const { TokenManager } = await copy("slim");
      const tokens = new TokenManager(/** @type {any} */ (fluz(await sandboxFor(t))));
      t.after(() => tokens.close());

      await TokenManager.ready(source(await serverFor(t)));

      assert.equal(typeof (await tokens.getToken()), "string");
    });
  }

  test("rejects calls before `ready` with an instruction, and works afterwards", async (t) => {
    const { TokenManager } = await copy("slim");
    const tokens = new TokenManager(/** @type {any} */ (fluz(await sandboxFor(t))));
    t.after(() => tokens.close());

    const early = tokens.getToken();
    const ready = TokenManager.ready(core);

    const { code, message } = await failure(early);
    assert.equal(code, "unsupported");
    assert.match(message, /TokenManager\.ready\(\) with graphql-token-manager\/core\.wasm/);
    await ready;
    assert.equal(typeof (await tokens.getToken()), "string");
  });

  test("accepts one core; later ones are neither read nor loaded", async () => {
    const compile = mock.method(WebAssembly, "compile");
    const { TokenManager } = await copy("slim");
    const other = await copy("slim");

    await Promise.all([TokenManager.ready(core), TokenManager.ready(core), other.TokenManager.ready(core)]);
    await TokenManager.ready("/not-found");
    await TokenManager.ready();

    assert.equal(compile.mock.callCount(), 1);
  });

  const refusals = /** @type {[string, (site: string) => any, string, RegExp][]} */ ([
    ["a number", () => 42, "invalid_options", / WebAssembly;/],
    ["an HTML page", (site) => `${site}/page`, "invalid_options", / WebAssembly;/],
    ["a URL that is not found", (site) => `${site}/none`, "invalid_options", /404/],
    ["a server that is down", (site) => `${site}/down`, "server", /503/],
    ["a response that breaks off", (site) => `${site}/cut`, "network", /broke off/],
    ["an unreachable server", () => unreachable(), "network", /could not be loaded/],
    ["an invalid URL", () => "http://", "network", /could not be loaded/],
    ["another module", () => otherModule(), "invalid_options", /another module/],
    ["a modified core", () => withSection(core), "invalid_options", /has the SHA-256 [0-9a-f]{64};/],
    ["the core of another version", () => otherVersion(), "invalid_options", /9\.9\.9/],
  ]);
  for (const [what, source, code, message] of refusals) {
    test(`reports ${what} as ${code}, and another attempt succeeds`, async (t) => {
      const { TokenManager } = await copy("slim");

      const error = await failure(TokenManager.ready(source(await serverFor(t))));

      assert.equal(error.code, code);
      assert.match(error.message, message);
      await TokenManager.ready(core);
    });
  }

  test("reports a policy that forbids WebAssembly with its remedy", async () => {
    const refusal = new WebAssembly.CompileError("call to WebAssembly.compile() blocked by CSP");
    mock.method(WebAssembly, "compile", () => Promise.reject(refusal));
    const { TokenManager } = await copy("slim");

    const error = await failure(TokenManager.ready(core));

    assert.equal(error.code, "wasm_blocked");
    assert.match(error.message, /'wasm-unsafe-eval'.*script-src/);
  });
});

describe("the main entry", () => {
  test("can start the core without a manager", async () => {
    const compile = mock.method(WebAssembly, "compile");
    const { TokenManager } = await copy("index");

    await TokenManager.ready();

    assert.equal(compile.mock.callCount(), 1);
    await new TokenManager({ provider: "toggle", username: "me", password: "secret" }).close();
    assert.equal(compile.mock.callCount(), 1);
  });

  test("accepts a compiled module, and falls back to its own if that is incompatible", async () => {
    const module = new WebAssembly.Module(core);
    const compile = mock.method(WebAssembly, "compile");
    const [one, other] = [await copy("index"), await copy("index")];

    await one.TokenManager.ready(module);
    assert.equal(compile.mock.callCount(), 0);

    Reflect.deleteProperty(globalThis, KEY);
    assert.equal((await failure(other.TokenManager.ready(otherModule()))).code, "invalid_options");
    await other.TokenManager.ready();
    assert.equal(compile.mock.callCount(), 1);
  });
});

/** Returns an empty module. */
const otherModule = () => new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));

/** Returns the core as if it had been built by another version. */
/** @param {Uint8Array} module */
function withSection(module) {
  // A custom section named `x` that changes nothing: the module would compile and report the same version.
  return Buffer.concat([module, Buffer.from([0, 2, 1, 0x78])]);
}

function otherVersion() {
  const bytes = Buffer.from(core);
  assert.ok(bytes.subarray(-version.length).equals(Buffer.from(version)));
  bytes.write("9.9.9", bytes.length - version.length);
  return bytes;
}
