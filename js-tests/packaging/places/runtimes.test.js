// Runtimes other than browsers: each imports and requires the installed package.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertResult, projectFor } from "./project.js";

for (const major of [20, 22, 24, 26]) {
  describe(`Node ${major}`, () => {
    for (const file of ["main.mjs", "main.cjs"]) {
      test(`runs ${file}`, async (t) => {
        const project = await projectFor(t, "node");

        assertResult(await project.run(project.tool(`node-${major}/bin/node`), file));

        project.assertServed();
      });
    }

    test("import and require return one class, and share one core", async (t) => {
      const project = await projectFor(t, "node");
      const node = project.tool(`node-${major}/bin/node`);
      const version = await project.run(node, "--version");

      const { stdout, stderr } = await project.run(node, "both.mjs");

      assert.ok(version.stdout.startsWith(`v${major}.`));
      assert.deepEqual(JSON.parse(stdout), { oneClass: true, cores: 1, known: true }, stderr);
    });
  });
}

describe("Deno", () => {
  /** @type {(project: import("./project.js").Project, ...options: string[]) => ReturnType<typeof project.run>} */
  const deno = (project, ...options) =>
    project.run(project.tool("@deno/linux-x64-glibc/deno"), "run", "--quiet", "--no-prompt", ...options);

  for (const file of ["main.mjs", "main.cjs"]) {
    test(`runs ${file} with permission for the API's host only`, async (t) => {
      const project = await projectFor(t, "node");
      const allowed = [`--allow-net=${new URL(project.sandbox.url).host}`, "--allow-env=TOKEN_OPTIONS"];
      // To `require` a file, Deno reads its package manifest.
      if (file.endsWith(".cjs")) allowed.push("--allow-read=.");

      assertResult(await deno(project, ...allowed, file));

      project.assertServed();
    });
  }

  test("import and require return one class, and share one core", async (t) => {
    const { stdout, stderr } = await deno(await projectFor(t, "node"), "--allow-read=.", "both.mjs");

    assert.deepEqual(JSON.parse(stdout), { oneClass: true, cores: 1, known: true }, stderr);
  });
});

describe("Bun", () => {
  const bun = "@oven/bun-linux-x64/bin/bun";

  for (const file of ["main.mjs", "main.cjs"]) {
    test(`runs ${file}`, async (t) => {
      const project = await projectFor(t, "node");

      assertResult(await project.run(project.tool(bun), file));

      project.assertServed();
    });
  }

  test("import and require return two classes, and share one core", async (t) => {
    const project = await projectFor(t, "node");

    const { stdout, stderr } = await project.run(project.tool(bun), "both.mjs");

    assert.deepEqual(JSON.parse(stdout), { oneClass: false, cores: 1, known: true }, stderr);
  });
});

for (const [name, fixture] of [
  ["workerd, by miniflare", "workerd"],
  ["edge-runtime", "edge"],
]) {
  test(`${name} runs the file that its export condition selects`, async (t) => {
    const project = await projectFor(t, fixture);

    assertResult(await project.run(process.execPath, "run.mjs"));

    project.assertServed();
  });
}

test("edge-runtime, with one manager at module level: ten concurrent requests, over two refreshes", async (t) => {
  const project = await projectFor(t, "edge");

  const { status, stdout, stderr } = await project.run(process.execPath, "run.mjs", "requests.js");

  assert.deepEqual({ status, stdout }, { status: 0, stdout: "3 answers, 3 tokens\n" }, stderr);
  const { grants, refreshes } = project.sandbox.counts().fluz;
  assert.equal(grants + refreshes, 3);
});
