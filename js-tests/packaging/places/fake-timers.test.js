// Test runners that replace timers, the clock and `queueMicrotask`: a manager works without them, and fake timers drive
// its refreshes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { projectFor } from "./project.js";

describe("Jest's fake timers", () => {
  for (const [how, ...options] of [
    ["as a test switches them on"],
    ["on from the start", '--fakeTimers={"enableGlobally":true}'],
    ["in jsdom", "--env=./page-with-fetch.cjs"],
  ]) {
    test(how, async (t) => {
      const project = await projectFor(t, "fake-timers");

      const { status, stderr } = await project.node(
        "jest/bin/jest.js",
        ...["--rootDir=.", "--watchman=false", ...options, "fake.test.js"],
      );

      assert.equal(status, 0, stderr);
      assert.match(stderr, /Tests: +4 passed, 4 total/);
    });
  }
});

describe("Vitest's fake timers", () => {
  for (const environment of ["node", "jsdom"]) {
    test(`in ${environment}`, async (t) => {
      const project = await projectFor(t, "fake-timers");

      const ended = await project.node(
        "vitest/vitest.mjs",
        "run",
        `--environment=${environment}`,
        "fake.test.mjs",
      );

      assert.equal(ended.status, 0, ended.stdout + ended.stderr);
      assert.match(ended.stdout, /Tests +2 passed \(2\)/);
    });
  }
});

describe("sinon's fake timers", () => {
  for (const [how, ...options] of [
    ["as a test switches them on"],
    ["on while the package is loaded", "faked"],
  ]) {
    test(how, async (t) => {
      const project = await projectFor(t, "fake-timers");

      const { status, stderr } = await project.run(process.execPath, project.path("sinon.mjs"), ...options);

      assert.equal(status, 0, stderr);
    });
  }
});
