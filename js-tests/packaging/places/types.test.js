// The type declarations in several compilers, and the usual checks before publishing.

import assert from "node:assert/strict";
import { copyFile, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { projectFor, tarball } from "./project.js";

for (const major of [6, 7]) {
  describe(`TypeScript ${major}`, () => {
    for (const [resolution, options, extensions] of /** @type {const} */ ([
      ["node16", { module: "node16" }, ["mts", "cts"]],
      ["nodenext", { module: "nodenext" }, ["mts", "cts"]],
      ["bundler", { module: "esnext", moduleResolution: "bundler" }, ["ts"]],
    ])) {
      test(`accepts valid uses and rejects invalid ones, with ${resolution}`, async (t) => {
        const project = await projectFor(t, "types");
        const files = extensions.map((extension) => `uses.${extension}`);
        for (const file of files) await copyFile(project.path("all.ts"), project.path(file));
        files.push("core.ts");
        const config = { extends: "./tsconfig.json", compilerOptions: options, files };
        await writeFile(project.path("tsconfig.used.json"), JSON.stringify(config));

        const ended = await project.node(`typescript-${major}/bin/tsc`, "--project", "tsconfig.used.json");

        assert.deepEqual(ended, { status: 0, stdout: "", stderr: "" });
      });
    }
  });
}

for (const major of [6, 7]) {
  describe(`TypeScript ${major} with skipLibCheck off`, () => {
    for (const [lib, types] of /** @type {const} */ ([
      [["es2022"], []],
      [["es2022"], ["node"]],
      [["es2022", "dom"], []],
      [["es2022", "dom"], ["node"]],
      [["esnext", "dom"], ["node"]],
    ])) {
      test(`accepts the types of all entries, with lib ${lib} and types ${types.join() || "of no package"}`, async (t) => {
        const project = await projectFor(t, "types");
        const ended = await compiled(project, major, "entries.ts", { lib, types });

        assert.deepEqual(ended, { status: 0, stdout: "", stderr: "" });
      });
    }

    test("reports an invalid `apiKey` at `apiKey`", async (t) => {
      const project = await projectFor(t, "types");
      const ended = await compiled(project, major, "wrong-key.ts", { lib: ["es2022"], types: [] });

      assert.notEqual(ended.status, 0);
      const explanation = ended.stdout.split("\n").slice(-5).join("\n");
      assert.match(explanation, /'apiKey'/);
      assert.doesNotMatch(explanation, /missing|appId, appSecret/);
    });
  });
}

/**
 * @param {import("./project.js").Project} project
 * @param {number} major
 * @param {string} file
 * @param {object} options
 */
async function compiled(project, major, file, options) {
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    strict: true,
    noEmit: true,
    skipLibCheck: false,
  };
  const config = { compilerOptions: { ...compilerOptions, ...options }, files: [file] };
  await writeFile(project.path("tsconfig.used.json"), JSON.stringify(config));
  return project.node(`typescript-${major}/bin/tsc`, "--project", "tsconfig.used.json");
}

test("publint reports no problem", async (t) => {
  const project = await projectFor(t, "types");

  const { status, stdout, stderr } = await project.node("publint/src/cli.js", "--strict", await tarball());

  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /All good!/);
});

test("@arethetypeswrong/cli reports no problem", async (t) => {
  const project = await projectFor(t, "types");
  const cli = "@arethetypeswrong/cli/dist/index.js";
  // `node10` does not read `exports`, and TypeScript has removed it. `core.wasm` is not a module, so it cannot be one
  // of the wrong kind.
  const options = ["--profile=node16", "--exclude-entrypoints=core.wasm", "--format=json"];

  const { status, stdout, stderr } = await project.node(cli, ...options, await tarball());

  assert.equal(status, 0, stdout + stderr);
  const entries = Object.keys(JSON.parse(stdout).analysis.entrypoints);
  assert.ok(entries.includes(".") && entries.includes("./stores/web"), stdout);
});
