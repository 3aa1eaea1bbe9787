// Next, built by Turbopack and by webpack: on the server, at the edge and in a page.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, test } from "node:test";
import { chromiumFor } from "../../stores/browsers.js";
import { TOLD, install, projectFor } from "./project.js";
import { told } from "./site.js";

const browser = chromiumFor({ after });
const NEXT = "node_modules/next/dist/bin/next";

for (const bundler of ["turbopack", "webpack"]) {
  test(`Next with ${bundler}`, async (t) => {
    const project = await projectFor(t, "next");
    await install(project.folder);
    // Next itself fails at any route for the edge that webpack builds; the middleware is at the edge as well.
    if (bundler === "webpack") await rm(project.path("app/edge"), { recursive: true });

    const built = await project.run(process.execPath, NEXT, "build", `--${bundler}`);
    assert.equal(built.status, 0, built.stdout + built.stderr);
    assert.doesNotMatch(built.stdout + built.stderr, /graphql-token-manager|WebAssembly|Dynamic Code/i);
    const site = await project.serve(t, process.execPath, NEXT, "start", "--hostname=127.0.0.1", "--port=0");

    await t.test("in a server component", async () => {
      const page = await (await fetch(site)).text();

      assert.ok(page.includes(`<p>${TOLD}</p>`), page);
      project.assertServed();
    });

    for (const [place, path, expected] of [
      ["a route handler", "/api", TOLD],
      ["the middleware, at the edge", "/middleware", `string ${TOLD}`],
      ...(bundler === "webpack" ? [] : [["a route at the edge", "/edge", `string ${TOLD}`]]),
    ]) {
      await t.test(`in ${place}`, async () => {
        assert.equal(await (await fetch(site + path)).text(), expected);

        project.assertServed();
      });
    }

    await t.test("in a page", async () => {
      assert.equal(await told(await browser, `${site}/client`), TOLD);

      project.assertServed();
    });
  });
}
