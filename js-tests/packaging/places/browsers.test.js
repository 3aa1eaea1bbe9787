// Browsers, without a build: a script tag, a module worker and a service worker, and a page under strict policies.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, describe, test } from "node:test";
import { chromiumFor, firefoxFor, webkitFor } from "../../stores/browsers.js";
import { RESULT, projectFor } from "./project.js";
import { siteFor, resultOf } from "./site.js";

/** @import { TestContext } from "node:test" */

/** Import for pages without name resolution: the file, as served by a content delivery network. */
const FILE = "/node_modules/graphql-token-manager/dist/index.js";
const SLIM = "/node_modules/graphql-token-manager/dist/slim.js";

/**
 * @param {TestContext} t
 * @param {string} file
 */
async function projectWith(t, file) {
  const project = await projectFor(t, "browser");
  const program = await readFile(project.path("program.js"), "utf8");
  assert.ok(program.includes('"graphql-token-manager"'));
  await writeFile(project.path("program.js"), program.replace('"graphql-token-manager"', `"${file}"`));
  return project;
}

for (const [engine, browserFor] of /** @type {const} */ ([
  ["Chromium", chromiumFor],
  ["Firefox", firefoxFor],
  ["WebKit", webkitFor],
])) {
  const browser = browserFor({ after });

  describe(engine, () => {
    for (const [place, page] of [
      ["a script tag", "script.html"],
      ["a module worker", "worker.html"],
      ["a service worker", "service-worker.html"],
    ]) {
      test(`${place}, which imports one file`, async (t) => {
        const project = await projectWith(t, FILE);

        assert.equal(await resultOf(await browser, `${await siteFor(t, project, ".")}/${page}`), RESULT);

        project.assertServed();
      });
    }

    test("a script tag that imports `/slim` and fetches the module", async (t) => {
      const project = await projectWith(t, SLIM);

      assert.equal(await resultOf(await browser, `${await siteFor(t, project, ".")}/slim.html`), RESULT);

      project.assertServed();
    });

    test("a page under `script-src 'self' 'wasm-unsafe-eval'`", async (t) => {
      const project = await projectWith(t, FILE);
      const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${project.sandbox.url}`;

      const site = await siteFor(t, project, ".", { "content-security-policy": policy });
      assert.equal(await resultOf(await browser, `${site}/policy.html`), RESULT);

      project.assertServed();
    });

    test("under `script-src 'self'` an error names the directive to add", async (t) => {
      const project = await projectWith(t, FILE);
      const policy = `default-src 'none'; script-src 'self'; connect-src 'self' ${project.sandbox.url}`;

      const site = await siteFor(t, project, ".", { "content-security-policy": policy });
      const error = await resultOf(await browser, `${site}/policy.html`);

      assert.match(error, /^wasm_blocked: .*'wasm-unsafe-eval'/);
      assert.deepEqual(project.sandbox.requests(), []);
    });
  });
}
