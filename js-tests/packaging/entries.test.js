// The installed package in module systems, bundlers and package managers.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { TEST_TIMEOUT_MS } from "../support/timeouts.js";

const ROOT = join(import.meta.dirname, "../..");
const require = createRequire(import.meta.url);
const folder = dirname(require.resolve("graphql-token-manager/package.json"));
const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const entries = ["index.js", "index.cjs", "slim.js", "slim.cjs", "scopes.js", "scopes.cjs"].map((name) =>
  join(folder, "dist", name),
);
/** Options that list the imports of a file without writing output. */
/** @type {{ bundle: true, write: false, metafile: true, format: "esm", platform: "node", external: string[], logLevel: "silent" }} */
const INSPECTION = {
  bundle: true,
  write: false,
  metafile: true,
  format: "esm",
  platform: "node",
  external: ["*.wasm", "*.wasm?module"],
  logLevel: "silent",
};
/** Entries for runtimes that cannot compile WebAssembly at run time. */
const beforehand = ["workerd.js", "edge.js"].map((name) => join(folder, "dist", name));

describe("module systems", () => {
  test("import and require return the same class if Node can require ES modules", async () => {
    const features = /** @type {{ require_module?: boolean }} */ (process.features);

    const imported = await import("graphql-token-manager");
    const required = require("graphql-token-manager");

    assert.equal(typeof imported.TokenManager, "function");
    assert.equal(required.TokenManager === imported.TokenManager, features.require_module === true);
    assert.ok(required.TokenError.is(new imported.TokenError("network", "of the other")));
  });

  for (const [entry, exported] of [
    ["index", "TokenManager"],
    ["slim", "TokenManager"],
    ["scopes", "requiredScopes"],
  ]) {
    test(`${entry}.cjs has the exports of the ES module, for require and for import`, async () => {
      const [esm, cjs] = ["js", "cjs"].map((extension) => join(folder, "dist", `${entry}.${extension}`));
      const names = Object.keys(await import(esm)).sort();

      const required = Object.keys(require(cjs)).sort();
      const imported = Object.keys(await import(cjs)).filter((name) => !name.startsWith("default"));

      assert.ok(names.includes(exported));
      assert.deepEqual(required, names);
      assert.deepEqual(imported.filter((name) => name !== "module.exports").sort(), names);
    });
  }

  test("the document parser is a separate entry without the core, and TokenError.is accepts its errors", async () => {
    const { TokenError } = await import("graphql-token-manager");
    for (const { requiredScopes } of [
      await import("graphql-token-manager/scopes"),
      require("graphql-token-manager/scopes"),
    ]) {
      assert.throws(() => requiredScopes("{", "fluz"), TokenError.is);
    }

    for (const name of ["js", "cjs"]) {
      const code = readFileSync(join(folder, "dist", `scopes.${name}`), "utf8");
      assert.doesNotMatch(code, /WebAssembly/);
      assert.match(code, /^(?:"use strict";)?\/\*! .*graphql-js.*MIT.*THIRD-PARTY-LICENSES/);
      assert.doesNotMatch(
        readFileSync(join(folder, "dist", `index.${name}`), "utf8"),
        /Syntax Error|With parts of graphql-js/,
      );
    }
  });

  test("the licences of third-party code are in the package", () => {
    const texts = readFileSync(join(folder, "THIRD-PARTY-LICENSES"), "utf8");

    for (const [component, copyright] of /** @type {const} */ ([
      ["graphql 16", /Copyright \(c\) GraphQL Contributors/],
      ["wasm-bindgen 0", /Copyright \(c\) 2014 Alex Crichton/],
      ["hmac-sha256 1", /Copyright \(c\) .*Frank Denis/],
      ["rlsf 0", /Copyright \(c\) yvt/],
      ["The Rust standard library 1", /Copyright \(c\) The Rust Project Developers/],
    ])) {
      const [, section = ""] = texts.split(`\n${component}`);
      const text = section.split("=".repeat(80))[1] ?? "";
      assert.match(text, copyright, component);
      assert.match(text, /Permission (?:is hereby granted|to use, copy, modify)/, component);
    }
    assert.ok(!texts.includes("serde_json"), "what only tests use is not in the package");
  });

  test("no entry loads another file by `import()`, which single-file bundles cannot hold", async () => {
    for (const entry of [...entries, ...beforehand]) {
      const { metafile } = await build({ entryPoints: [entry], ...INSPECTION });
      const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
      assert.deepEqual(
        imports.filter(({ kind }) => kind === "dynamic-import"),
        [],
        entry,
      );
    }
  });

  test("an import has no side effects", () => {
    const program = `
      const before = Object.getOwnPropertyNames(globalThis);
      await import("graphql-token-manager");
      const added = Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name));
      const symbols = Object.getOwnPropertySymbols(globalThis).map(String);
      const shared = symbols.filter((name) => name.includes("graphql-token-manager"));
      const timers = process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate|Server|Socket/.test(name));
      process.on("exit", () => console.error(JSON.stringify([...added, ...shared, ...timers])));
    `;

    const cwd = dirname(fileURLToPath(import.meta.url));
    const options = /** @type {const} */ ({ cwd, encoding: "utf8", timeout: TEST_TIMEOUT_MS });
    const child = spawnSync(process.execPath, ["--input-type=module", "--eval", program], options);

    assert.equal(child.status, 0, `${child.error ?? child.stderr}`);
    assert.equal(child.stdout, "");
    assert.deepEqual(JSON.parse(child.stderr), []);
  });
});

describe("the stores", () => {
  for (const name of ["encrypted", "file", "redis", "web"]) {
    test(`stores/${name} has the same exports for import and require, and no side effects`, async () => {
      const imported = Object.keys(await import(`graphql-token-manager/stores/${name}`)).sort();
      const required = Object.keys(require(join(folder, "stores", `${name}.cjs`))).sort();

      assert.deepEqual(required, imported);
      assert.ok(imported.length > 0);
      assert.ok(Object.keys(require(`graphql-token-manager/stores/${name}`)).length > 0);
    });

    test(`stores/${name} depends only on its runtime`, async () => {
      const { metafile } = await build({
        entryPoints: [join(folder, "stores", `${name}.js`)],
        bundle: true,
        external: name === "file" ? ["node:*"] : [],
        format: "iife",
        logLevel: "silent",
        metafile: true,
        outdir: "out",
        platform: "neutral",
        write: false,
      });

      const inputs = Object.keys(metafile.inputs);
      assert.ok(
        inputs.every((path) => path.includes("graphql-token-manager/stores/")),
        `${inputs}`,
      );
    });
  }
});

test("the descriptions of APIs have the same exports for import and require, and need no other file", async () => {
  const imported = Object.keys(await import("graphql-token-manager/providers")).sort();

  assert.deepEqual(Object.keys(require(join(folder, "providers/index.cjs"))).sort(), imported);
  const entryPoints = [join(folder, "providers/index.js")];
  const { metafile } = await build({ entryPoints, ...INSPECTION, external: [], platform: "neutral" });
  for (const path of Object.keys(metafile.inputs)) assert.match(path, /graphql-token-manager\/providers\//);
});

test("the sandbox can be required, for test runners that support CommonJS only", async () => {
  const imported = Object.keys(await import("graphql-token-manager/testing")).sort();

  const required = require(join(folder, "testing/index.cjs"));

  assert.deepEqual(Object.keys(required).sort(), imported);
  const sandbox = await required.startSandbox();
  await sandbox.close();
});

describe("bundlers", () => {
  for (const entry of beforehand) {
    test(`dist/${basename(entry)} imports the compiled module, and does not compile bytes`, () => {
      const code = readFileSync(entry, "utf8");
      const file = entry.endsWith("edge.js") ? "./core.wasm?module" : "./core.wasm";

      const imported = [...code.matchAll(/\bfrom"([^"]*)"/g)].map(([, name]) => name);
      assert.deepEqual(imported, [file]);
      assert.doesNotMatch(code, /compile(?:Streaming)?\(|instantiateStreaming|import\.meta/);
    });
  }

  for (const entry of [...entries, ...beforehand]) {
    test(`dist/${basename(entry)} does not evaluate code from strings`, () => {
      assert.doesNotMatch(readFileSync(entry, "utf8"), /\bFunction\(|\beval\(/);
    });
  }

  for (const entry of entries) {
    const name = `dist/${basename(entry)}`;

    test(`${name} needs no other file except the scopes entry, no platform and no top-level await`, async () => {
      // `iife` does not support top-level await, `neutral` does not resolve built-in modules.
      const { metafile, warnings } = await build({
        entryPoints: [entry],
        bundle: true,
        external: ["./scopes.*"],
        format: "iife",
        logLevel: "silent",
        metafile: true,
        outdir: "out",
        platform: "neutral",
        write: false,
      });

      assert.deepEqual(warnings, []);
      assert.equal(Object.keys(metafile.inputs).length, 1);
      assert.equal(Object.keys(metafile.outputs).length, 1);
    });

    test(`${name} contains no URL that a bundler would resolve to a file`, () => {
      const code = readFileSync(entry, "utf8");

      assert.doesNotMatch(code, /new URL\([^)]*import\.meta/);
      assert.doesNotMatch(code, /import\.meta\.url/);
      assert.doesNotMatch(code, /\.wasm["'`]/);
    });
  }
});

describe("type declarations", () => {
  test("are valid for CommonJS, also with skipLibCheck off", async () => {
    await mkdir(join(ROOT, "target"), { recursive: true });
    const place = await mkdtemp(join(ROOT, "target/types-"));
    const file = join(place, "required.cts");
    await writeFile(
      file,
      `import { TokenManager, type FluzScope } from "graphql-token-manager";
       import { requiredScopes, type BraintreeScope } from "graphql-token-manager/scopes";
       const needed: string[] = requiredScopes("{ a }", "fluz");
       const names: (FluzScope | BraintreeScope)[] = needed;
       export = { TokenManager, names };`,
    );
    const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
    const options = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,esnext.disposable,dom"];

    const checked = spawnSync(
      process.execPath,
      [compiler, ...options, "--module", "node16", "--types", "node", "--ignoreConfig", file],
      { cwd: ROOT, encoding: "utf8" },
    );
    await rm(place, { recursive: true });

    assert.equal(checked.stdout, "");
    assert.equal(checked.status, 0);
  });
});

describe("the manifest", () => {
  test("has no dependencies", () => {
    const optional = Object.keys(manifest.peerDependenciesMeta ?? {});

    assert.deepEqual(manifest.dependencies ?? {}, {});
    assert.deepEqual(manifest.optionalDependencies ?? {}, {});
    assert.deepEqual(Object.keys(manifest.peerDependencies ?? {}).sort(), optional.sort());
    for (const name of optional) assert.equal(manifest.peerDependenciesMeta[name].optional, true);
  });

  test("has no install scripts", () => {
    assert.deepEqual(manifest.scripts ?? {}, {});
  });

  test("refers to existing files only", () => {
    /** @type {(value: unknown) => string[]} */
    const paths = (value) =>
      typeof value === "string" ? [value] : Object.values(value ?? {}).flatMap(paths);
    const named = [manifest.main, manifest.module, manifest.types, ...paths(manifest.exports)];

    for (const path of named) assert.ok(readFileSync(join(folder, path)).length > 0, path);
  });

  test("lists types first in every branch, and module-sync before import and require", () => {
    const everywhere = ["module-sync", "import", "require", "default"];
    for (const [entry, conditions] of Object.entries({
      ".": ["workerd", "edge-light", ...everywhere],
      "./slim": everywhere,
      "./scopes": everywhere,
      "./providers": everywhere,
      "./testing": everywhere,
    })) {
      const branches = manifest.exports[entry];

      assert.deepEqual(Object.keys(branches), conditions);
      for (const branch of Object.values(branches))
        assert.deepEqual(Object.keys(branch), ["types", "default"]);
    }
  });
});
