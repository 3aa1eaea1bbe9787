// Each program of docs/testing.md runs in its test runner.

import assert from "node:assert/strict";
import { readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { projectFor } from "./project.js";

const ROOT = join(import.meta.dirname, "../../..");
const page = await readFile(join(ROOT, "docs/testing.md"), "utf8");
const programs = [...page.matchAll(/^```js (\S+)\n(.*?)^```$/gms)].map(([, name, code]) => ({ name, code }));

test("every code block has a file name", () => {
  assert.equal(programs.length * 2, page.match(/^```/gm)?.length);
  const names = programs.map(({ name }) => name);
  for (const part of ["fake-timers.test.js", "fake-timers.spec.mjs", "fake-timers.mjs", "sandbox.mjs"]) {
    assert.ok(names.includes(part), part);
  }
});

for (const { name, code } of programs) {
  test(`${name} runs`, async (t) => {
    const project = await projectFor(t, "testing-page");
    // A project of CommonJS, as Jest runs it without an option.
    await rm(project.path("package.json"));
    await writeFile(project.path("package.json"), '{ "private": true }\n');
    for (const peer of ["graphql-yoga", "graphql"]) {
      await symlink(join(ROOT, "node_modules", peer), project.path("node_modules", peer)).catch(() => {});
    }
    for (const other of programs) await writeFile(project.path(other.name), other.code);
    const shared = programs.find((program) => program.name === "acme.mjs")?.code ?? "";
    await writeFile(project.path("acme.cjs"), shared.replaceAll(/^export const (\w+)/gm, "exports.$1"));

    const { status, stdout, stderr } = name.endsWith(".test.js")
      ? await project.node("jest/bin/jest.js", "--rootDir=.", "--watchman=false", name)
      : name.endsWith(".spec.mjs")
        ? await project.node("vitest/vitest.mjs", "run", name)
        : await project.run(process.execPath, project.path(name));

    assert.equal(status, 0, `${code}\n${stdout}${stderr}`);
    if (/\.(test|spec)\./.test(name)) assert.match(stdout + stderr, /1 passed/);
  });
}
