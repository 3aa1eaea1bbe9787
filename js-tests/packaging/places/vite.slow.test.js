// Vite's development server, which bundles dependencies itself, and major versions that are still in use.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { chromiumFor } from "../../stores/browsers.js";
import { RESULT, assertQuiet, projectFor } from "./project.js";
import { siteFor, resultOf } from "./site.js";

const browser = chromiumFor({ after });

for (const [name, tool] of [
  ["Vite 8", "vite/bin/vite.js"],
  ["Vite 7", "vite-7/bin/vite.js"],
  ["Vite 6", "vite-6/bin/vite.js"],
]) {
  describe(name, () => {
    test("serves the package in development", async (t) => {
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

      assert.equal(await resultOf(await browser, site), RESULT);
      project.assertServed();
    });

    test("hot-reloads the module without adding a manager", async (t) => {
      const project = await projectFor(t, "vite-hot");
      const options = async (/** @type {object} */ more) =>
        writeFile(project.path("public/options.json"), JSON.stringify({ ...project.options, ...more }));
      await mkdir(project.path("public"));
      await options({});
      const source = await readFile(project.path("tokens.js"), "utf8");
      const port = ["--host=127.0.0.1", "--port=0"];
      const site = await project.serve(t, process.execPath, project.tool(tool), ...port);
      const tab = await (await browser).tab(site, () => document.title !== "");
      /** Edits the module until the page has the change, because an edit may precede the server's watch. */
      const edited = async (/** @type {number} */ count) => {
        const text = source.replace("edition = 0", `edition = ${count}`);
        for (let turn = 0; turn < 60; turn++) {
          // Written atomically, because a partial file would be a module without a manager.
          await writeFile(project.path("edited"), text);
          await rename(project.path("edited"), project.path("tokens.js"));
          const shown = JSON.parse(await tab.run(shownBy, count));
          if (shown.edition === count) return shown;
        }
        throw new Error(`the page never had edition ${count}`);
      };

      // A reload of the page would remove it, and the managers with it.
      await tab.run(() => void Object.assign(globalThis, { isFirstPage: true }));
      for (let count = 1; count <= 4; count++) {
        assert.deepEqual(await edited(count), { edition: count, offers: true, alive: 1, made: 1 });
      }
      assert.equal(project.sandbox.counts().fluz.grants, 1);
      await options({ scopes: ["LIST_OFFERS", "LIST_PAYMENT"] });
      assert.deepEqual(await edited(5), { edition: 5, offers: true, alive: 1, made: 2 });
      assert.equal(await tab.run(() => "isFirstPage" in globalThis), true);
      await tab.close();
    });

    test("bundles the package into a page", async (t) => {
      const project = await projectFor(t, "page");

      assertQuiet(await project.node(tool, "build"));

      assert.equal(await resultOf(await browser, await siteFor(t, project, "dist")), RESULT);
      project.assertServed();
    });
  });
}

/** Returns the edition that the page shows: the given one, or the one after two seconds. @param {number} edition */
async function shownBy(edition) {
  const end = performance.now() + 2_000;
  while (JSON.parse(document.title).edition !== edition && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return document.title;
}
