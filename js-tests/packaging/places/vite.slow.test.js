// Vite's development server, which bundles dependencies for itself, and majors that are still in use.

import { mkdir, writeFile } from "node:fs/promises";
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { chromiumFor } from "../../stores/browsers.js";
import { TOLD, assertQuiet, projectFor } from "./project.js";
import { siteFor, told } from "./site.js";

const browser = chromiumFor({ after });

for (const [name, tool] of [
  ["Vite 8", "vite/bin/vite.js"],
  ["Vite 7", "vite-7/bin/vite.js"],
  ["Vite 6", "vite-6/bin/vite.js"],
]) {
  describe(name, () => {
    test("serves it while it is developed with", async (t) => {
      const project = await projectFor(t, "page");
      await mkdir(project.path("public"));
      await writeFile(project.path("public/options.json"), JSON.stringify(project.options));

      const site = await project.serve(
        t,
        process.execPath,
        project.tool(tool),
        "--host=127.0.0.1",
        "--port=0",
      );

      assert.equal(await told(await browser, site), TOLD);
      project.assertServed();
    });

    test("builds it into a page", async (t) => {
      const project = await projectFor(t, "page");

      assertQuiet(await project.node(tool, "build"));

      assert.equal(await told(await browser, await siteFor(t, project, "dist")), TOLD);
      project.assertServed();
    });
  });
}
