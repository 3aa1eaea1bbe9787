// What compilers make of the types, and what those who publish packages look for.

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
      test(`takes right uses and refuses wrong ones, by ${resolution}`, async (t) => {
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

test("publint finds nothing", async (t) => {
  const project = await projectFor(t, "types");

  const { status, stdout, stderr } = await project.node("publint/src/cli.js", "--strict", await tarball());

  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /All good!/);
});

test("@arethetypeswrong/cli finds nothing", async (t) => {
  const project = await projectFor(t, "types");
  const cli = "@arethetypeswrong/cli/dist/index.js";
  // By `node10` nothing reads `exports`, and TypeScript no longer has it. `core.wasm` is no module that could be one
  // of the wrong kind.
  const options = ["--profile=node16", "--exclude-entrypoints=core.wasm", "--format=json"];

  const { status, stdout, stderr } = await project.node(cli, ...options, await tarball());

  assert.equal(status, 0, stdout + stderr);
  const entries = Object.keys(JSON.parse(stdout).analysis.entrypoints);
  assert.ok(entries.includes(".") && entries.includes("./stores/web"), stdout);
});
