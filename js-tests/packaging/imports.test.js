// An import has no side effects and loads nothing until it is used.

import "../support/guard.js";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";

import { build } from "esbuild";
import { run } from "../support/child.js";

const require = createRequire(import.meta.url);
const manifest = JSON.parse(readFileSync(require.resolve("graphql-token-manager/package.json"), "utf8"));
const modules = Object.keys(manifest.exports).filter((entry) => !/\.(?:wasm|json)$/.test(entry));
/** Globals that only some engines have, or that have effects outside the program. */
const OUTSIDE = [
  ...["document", "window", "self", "location", "navigator", "localStorage", "sessionStorage", "indexedDB"],
  ...["addEventListener", "BroadcastChannel", "Worker", "caches", "fetch", "crypto", "WebAssembly"],
  ...["TextDecoder", "TextEncoder", "setTimeout", "setInterval", "queueMicrotask", "FinalizationRegistry"],
];

/** @param {string} code */
async function bundled(code, resolveDir = import.meta.dirname) {
  const options = /** @type {const} */ ({
    bundle: true,
    format: "esm",
    minify: true,
    write: false,
    logLevel: "silent",
  });
  const packages = { external: ["node:*", "graphql", "graphql-yoga"] };
  const { outputFiles } = await build({ stdin: { contents: code, resolveDir }, ...options, ...packages });
  return outputFiles[0].text.replaceAll(/^import"node:[\w/]+";\n?/gm, "");
}

for (const entry of modules) {
  const name = join("graphql-token-manager", entry);

  describe(name, () => {
    test("adds nothing to a bundle that uses none of its exports", async () => {
      const exported = Object.keys(await import(name)).join(", ");

      for (const code of [`import "${name}";`, `import { ${exported} } from "${name}";`]) {
        assert.equal(await bundled(`${code}\nconsole.log("used");`), 'console.log("used");\n');
      }
    });

    test("reads no global while it is imported", async () => {
      const { status, stdout, stderr } = await run(
        `
        const looked = [];
        // What imports themselves need.
        await import("node:module");
        for (const name of given.outside) {
          const { value } = Object.getOwnPropertyDescriptor(globalThis, name) ?? {};
          Object.defineProperty(globalThis, name, {
            configurable: true,
            get() {
              const { stack } = new Error();
              if (/graphql-token-manager.dist|graphql-token-manager.stores/.test(stack)) looked.push(name);
              return value;
            },
          });
        }
        await import(given.name);
        for (const name of given.outside) delete globalThis[name];
        process.stdout.write(looked.join());
        `,
        { given: { name, outside: OUTSIDE } },
      );

      assert.equal(stdout, "", `${stderr}`);
      assert.equal(status, 0, stderr);
    });
  });
}

for (const [use, bytes] of /** @type {const} */ ([
  ['import { requiredScopes } from "graphql-token-manager/scopes"; requiredScopes("{ a }", "fluz");', 60_000],
  [
    'import { webStorageStore } from "graphql-token-manager/stores/web"; webStorageStore(() => localStorage);',
    20_000,
  ],
  [
    'import { encrypted } from "graphql-token-manager/stores/encrypted"; encrypted(window.store, "");',
    20_000,
  ],
  ['import { saleor } from "graphql-token-manager/providers"; saleor(window.options);', 3_000],
])) {
  test(`${use.replace(/.*"(graphql.*?)".*/, "$1")} includes neither the core nor another entry`, async () => {
    const code = await bundled(use);

    assert.ok(code.length < bytes, `${code.length} bytes`);
    assert.equal(code.includes("WebAssembly"), false);
  });
}

test("a bundle with one description of an API has no other", async () => {
  const code = await bundled(
    'import { saleor } from "graphql-token-manager/providers"; saleor(window.options);',
  );

  assert.match(code, /tokenCreate/);
  assert.doesNotMatch(code, /auth_login|obtainKrakenToken|myshopify|loginUser|vendure/);
});

test("the package has no dependencies of any kind", () => {
  for (const kind of ["dependencies", "optionalDependencies", "bundleDependencies", "bundledDependencies"]) {
    assert.equal(manifest[kind], undefined, kind);
  }
  assert.equal(manifest.sideEffects, false);
  const folder = dirname(require.resolve("graphql-token-manager/package.json"));
  assert.throws(() => readFileSync(join(folder, "node_modules")), { code: "ENOENT" });
});
