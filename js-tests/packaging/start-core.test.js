// Start of the core. Runs pkg-template/src/start-core.js with the built core, without the rest of the package.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, mock, test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const KEY = Symbol.for("graphql-token-manager@0.0.0-test");
const folder = mkdtempSync(join(tmpdir(), "graphql-token-manager-start-"));
const bundle = join(folder, "start-core.mjs");
let copies = 0;

before(async () => {
  const here = (/** @type {string} */ path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  await build({
    entryPoints: [here("pkg-template/src/start-core.js")],
    alias: {
      "#glue": here("target/npm/core/glue.js"),
      "#module": here("pkg-template/src/module-source/inline.js"),
      "#microtask": here("pkg-template/src/microtask.js"),
      "#weak": here("pkg-template/src/weak.js"),
      "#utf8": here("pkg-template/src/utf8.js"),
      "#wasm": here("target/npm/core/wasm.js"),
    },
    bundle: true,
    define: { __VERSION__: '"0.0.0-test"' },
    // As in the package, because the module imports its glue by these names.
    mangleProps: /^__wb/,
    mangleCache: JSON.parse(readFileSync(here("target/npm/core/short-names.json"), "utf8")),
    format: "esm",
    outfile: bundle,
  });
});

afterEach(() => {
  mock.restoreAll();
  delete (/** @type {Record<symbol, unknown>} */ (/** @type {unknown} */ (globalThis))[KEY]);
});

after(() => rmSync(folder, { recursive: true }));

/**
 * Imports a copy of the module, as in a second bundle on the same page.
 *
 * @returns {Promise<typeof import("../../pkg-template/src/start-core.js")>}
 */
const copy = () => import(`${bundle}?copy=${copies++}`);

describe("startCore", () => {
  test("compiles once for any number of callers", async () => {
    const compile = mock.method(WebAssembly, "compile");
    const { startCore } = await copy();

    const cores = await Promise.all([startCore(), startCore(), startCore()]);

    assert.equal(compile.mock.callCount(), 1);
    assert.equal(new Set(cores).size, 1);
  });

  test("two copies of one version share one core", async () => {
    const [one, other] = [await copy(), await copy()];

    assert.notEqual(one.startCore, other.startCore);
    assert.equal(await one.startCore(), await other.startCore());
  });

  test("a failure is reported to its callers and not remembered", async () => {
    const compile = mock.method(WebAssembly, "compile");
    compile.mock.mockImplementationOnce(() => Promise.reject(new RangeError("out of memory")));
    const { startCore } = await copy();

    const failures = await Promise.allSettled([startCore(), startCore()]);

    for (const failure of failures) {
      assert.equal(failure.status, "rejected");
      assert.equal(failure.reason.code, "unsupported");
      assert.match(failure.reason.message, /out of memory/);
    }
    assert.ok(await startCore());
  });

  for (const [engine, name, message] of [
    [
      "Chromium",
      "CompileError",
      "WebAssembly.compile(): Compiling or instantiating WebAssembly module violates the following Content " +
        "Security policy directive because 'unsafe-eval' is not an allowed source of script in the following " +
        "Content Security Policy directive: \"script-src 'self'\".",
    ],
    ["Firefox", "CompileError", "call to WebAssembly.compile() blocked by CSP"],
    [
      "WebKit",
      "EvalError",
      "Refused to create a WebAssembly object because 'unsafe-eval' is not an allowed source",
    ],
    ["workerd", "CompileError", "WebAssembly.compile(): Wasm code generation disallowed by embedder"],
  ]) {
    test(`a policy that forbids WebAssembly is reported with its remedy in ${engine}`, async () => {
      const error = Object.assign(new Error(message), { name });
      mock.method(WebAssembly, "compile", () => Promise.reject(error));
      const { startCore } = await copy();

      await assert.rejects(startCore(), (/** @type {any} */ error) => {
        assert.equal(error.code, "wasm_blocked");
        assert.match(error.message, /'wasm-unsafe-eval'.*script-src/);
        assert.equal(error.name, "TokenError");
        return true;
      });
    });
  }

  test("a damaged module is not reported as forbidden by a policy", async () => {
    const damaged = new WebAssembly.CompileError("WebAssembly.compile(): expected magic word");
    mock.method(WebAssembly, "compile", () => Promise.reject(damaged));
    const { startCore } = await copy();

    await assert.rejects(startCore(), { code: "unsupported", message: /expected magic word/ });
  });

  test("a missing WebAssembly global is reported as such", async (t) => {
    without(t, "WebAssembly");
    const { startCore } = await copy();

    await assert.rejects(startCore(), { code: "wasm_blocked", message: /no WebAssembly/ });
  });

  test("a frozen global object prevents sharing, but the core starts", async (t) => {
    const define = Object.defineProperty;
    t.mock.method(Object, "defineProperty", (/** @type {any[]} */ ...args) => {
      if (args[0] === globalThis) throw new TypeError("Cannot define property, object is not extensible");
      return Reflect.apply(define, Object, args);
    });
    const { startCore } = await copy();

    assert.equal(await startCore(), await startCore());
  });

  for (const missing of [["TextDecoder", "TextEncoder"], ["atob"]]) {
    test(`starts without ${missing.join(" and ")}`, async (t) => {
      for (const name of missing) without(t, name);

      const { startCore } = await copy();

      assert.ok(await startCore());
    });
  }
});

/**
 * Removes a global for one test.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} name
 */
function without(t, name) {
  const descriptor = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(globalThis, name));
  Object.defineProperty(globalThis, name, { configurable: true, value: undefined });
  t.after(() => Object.defineProperty(globalThis, name, descriptor));
}
