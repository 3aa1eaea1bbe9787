// zone.js, with which Angular detects that an application is stable.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { projectFor } from "./project.js";

describe("zone.js", () => {
  for (const order of ["zone first", "package first"]) {
    test(`has no pending macrotask of the manager in any \`refresh\` mode, loaded ${order}`, async (t) => {
      const project = await projectFor(t, "zone");

      const ended = await project.run(process.execPath, project.path("main.mjs"), order);

      assert.deepEqual(ended, { status: 0, stdout: "stable\n", stderr: "" });
    });
  }
});
