// The hook of docs/react.md, in Chromium.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { chromiumFor } from "../../stores/browsers.js";
import { projectFor } from "./project.js";
import { siteFor, resultOf } from "./site.js";

const browser = chromiumFor({ after });

test("renders each status in StrictMode, also after remounting, and only on changes", async (t) => {
  const project = await projectFor(t, "react");
  const page = await readFile(join(import.meta.dirname, "../../../docs/react.md"), "utf8");
  const hook = /^```js use-token-status\.js\n(.*?)^```$/ms.exec(page)?.[1];
  assert.ok(hook);
  await writeFile(project.path("use-token-status.js"), hook);
  const options = ["--bundle", "--format=esm", "--outfile=built.js", "--log-level=warning"];
  const development = '--define:process.env.NODE_ENV="development"';
  const built = await project.node("esbuild/bin/esbuild", "main.js", ...options, development);
  assert.equal(built.status, 0, built.stderr);

  assert.equal(await resultOf(await browser, `${await siteFor(t, project, ".")}/`), "shown");
});
