// Test runners, in Node and with a page simulated by jsdom.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { projectFor } from "./project.js";

describe("Jest", () => {
  for (const [around, file] of [
    ["Node", "main.test.js"],
    ["jsdom", "page.test.js"],
  ]) {
    test(`in ${around}`, async (t) => {
      const project = await projectFor(t, "jest");
      // The default of a project that does not specify a module type.
      const { status, stderr } = await project.node(
        "jest/bin/jest.js",
        "--rootDir=.",
        "--watchman=false",
        file,
      );

      assert.equal(status, 0, stderr);
      assert.match(stderr, /Tests: +1 passed, 1 total/);
      project.assertServed();
    });
  }
});

describe("Vitest", () => {
  for (const [around, file] of [
    ["Node", "main.test.js"],
    ["jsdom", "page.test.js"],
  ]) {
    test(`in ${around}`, async (t) => {
      const project = await projectFor(t, "vitest");

      const { status, stdout, stderr } = await project.node("vitest/vitest.mjs", "run", file);

      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /Tests +1 passed \(1\)/);
      project.assertServed();
    });
  }
});
