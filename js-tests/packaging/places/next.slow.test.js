// Next 15 and 16, built with Turbopack and with webpack: on the server, in the edge runtime and in a page, during token
// refreshes and in development mode. Only one Next runs at a time.

import assert from "node:assert/strict";
import { once } from "node:events";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { chromiumFor } from "../../stores/browsers.js";
import { sandboxFor } from "../../support/setup.js";
import { until } from "../../support/waiting.js";
import { RESULT, install, projectFor } from "./project.js";
import { resultOf } from "./site.js";

/** @import { AddressInfo } from "node:net" */
/** @import { TestContext } from "node:test" */
/** @import { Sandbox } from "graphql-token-manager/testing" */
/** @import { Project } from "./project.js" */

const browser = chromiumFor({ after });
const NEXT = "node_modules/next/dist/bin/next";
const LOCAL = ["--hostname=127.0.0.1", "--port=0"];
/** Far more than a development server needs to build a route on any machine. */
const TEST_TIMEOUT_MS = 120_000;

const page = await readFile(join(import.meta.dirname, "../../../docs/next.md"), "utf8");
/** The files of docs/next.md. @type {Record<string, string>} */
const files = Object.fromEntries(
  [...page.matchAll(/^```js (\S+)\n(.*?)^```$/gms)].map((block) => block.slice(1)),
);

/**
 * Creates a project with the files of docs/next.md and a manager that uses a separate sandbox.
 *
 * @param {TestContext} t
 * @param {string} version
 */
async function nextFor(t, version) {
  const project = await projectFor(t, "next");
  if (version === "15")
    await cp(join(import.meta.dirname, "fixtures/next-15"), project.folder, { recursive: true });
  await install(project.folder);
  const sandbox = await sandboxFor(t, { lifetimes: { fluz: 8_000 } });
  await write(project, "lib/tokens.js", edition(0));
  await write(project, "app/offers/page.js", `${files["app/offers/page.js"]}`);
  await useSandbox(project, sandbox);
  return { project, sandbox };
}

/**
 * Configures the manager for a sandbox, effective from the next start.
 *
 * @param {Project} project @param {Sandbox} sandbox
 */
async function useSandbox(project, sandbox) {
  const { endpoint, apiKey, userId, accountId } = sandbox.fluz;
  const variables = { ENDPOINT: endpoint, API_KEY: apiKey, USER_ID: userId, ACCOUNT_ID: accountId };
  const lines = Object.entries(variables).map(([name, value]) => `FLUZ_${name}=${value}\n`);
  await write(project, ".env", lines.join(""));
}

/** Returns the source of the manager's module after the given number of edits. @param {number} count */
const edition = (count) => `${files["lib/tokens.js"]}\nexport const edition = ${count};\n`;

/** @param {Project} project @param {string} file @param {string} text */
async function write(project, file, text) {
  await mkdir(dirname(project.path(file)), { recursive: true });
  // Written atomically, because a watching server might read a partial file.
  await writeFile(project.path("written"), text);
  await rename(project.path("written"), project.path(file));
}

/** Returns the flag that selects the bundler. @param {string} version @param {string} bundler */
const flags = (version, bundler) => (version === "15" && bundler === "webpack" ? [] : [`--${bundler}`]);

/** @param {Project} project @param {string[]} options */
async function build(project, ...options) {
  await rm(project.path(".next"), { recursive: true, force: true });
  return project.run(process.execPath, NEXT, "build", ...options);
}

/** @param {string} address */
const json = async (address) => (await fetch(address)).json();

/**
 * Waits until the response of a route satisfies `fits`, and returns it.
 *
 * @param {string} address
 * @param {(answer: any) => boolean} fits
 */
async function answerOf(address, fits) {
  const end = performance.now() + TEST_TIMEOUT_MS;
  let last = "";
  while (performance.now() < end) {
    const response = await fetch(address).catch(() => undefined);
    last = (await response?.text()) ?? "";
    try {
      const answer = JSON.parse(last);
      if (fits(answer)) return answer;
    } catch {
      // The route is still being built.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`timed out waiting for ${address}; last: ${last.slice(0, 2_000)}`);
}

/**
 * Sends concurrent requests over two background refreshes.
 *
 * @param {string} site
 * @param {Sandbox} sandbox
 * @param {boolean} hasEdge
 */
async function assertShared(site, sandbox, hasEdge) {
  const several = (/** @type {(place: number) => Promise<void>} */ one) =>
    Promise.all(Array.from({ length: 5 }, (_, place) => one(place)));
  for (let round = 0; round < 3; round++) {
    const before = sandbox.counts().fluz.refreshes;
    if (round > 0) await until(() => sandbox.counts().fluz.refreshes > before, "the token was refreshed");
    await several(async () => {
      const answers = [
        json(`${site}/shared/api`),
        fetch(`${site}/offers`).then((response) => response.text()),
      ];
      if (hasEdge) answers.push(json(`${site}/shared/edge`));
      const [api, offers, edge] = await Promise.all(answers);
      assert.deepEqual(api, { edition: 0, offers: true, alive: 1, made: 1 });
      assert.match(offers, /<p>\d+(<!-- -->)? (<!-- -->)?offers<\/p>/);
      if (hasEdge) assert.deepEqual(edge, { runtime: "string", offers: true });
    });
  }
  const { grants, calls, refused } = sandbox.counts().fluz;
  const places = hasEdge ? 3 : 2;
  assert.deepEqual({ grants, calls, refused }, { grants: places - 1, calls: 15 * places, refused: 0 });
}

/**
 * Checks that refreshes reach the provider although `fetch` uses the data cache.
 *
 * @param {TestContext} t @param {string} site
 */
async function assertNotCached(t, site) {
  let count = 0;
  const counter = createServer((_request, response) => void response.end(`${++count}`)).listen(
    0,
    "127.0.0.1",
  );
  await once(counter, "listening");
  t.after(() => counter.close());
  const { port } = /** @type {AddressInfo} */ (counter.address());
  const answers = [];
  for (let call = 0; call < 3; call++) {
    answers.push(await json(`${site}/shared/cached?counter=http://127.0.0.1:${port}/`));
  }

  assert.deepEqual(
    answers.map(({ counted }) => counted),
    ["1", "1", "1"],
    "the data cache is in use",
  );
  assert.equal(new Set(answers.map(({ end }) => end)).size, 3);
}

for (const version of ["15", "16"]) {
  for (const bundler of ["turbopack", "webpack"]) {
    test(`Next ${version} with ${bundler}`, async (t) => {
      const { project, sandbox } = await nextFor(t, version);
      const hasEdge = bundler === "turbopack";
      // Next fails for any edge route built with webpack; the middleware covers the edge runtime.
      for (const route of hasEdge ? [] : ["app/edge", "app/shared/edge"]) {
        await rm(project.path(route), { recursive: true });
      }

      const built = await build(project, ...flags(version, bundler));
      assert.equal(built.status, 0, built.stdout + built.stderr);
      assert.doesNotMatch(built.stdout + built.stderr, /graphql-token-manager|WebAssembly|Dynamic Code/i);
      assert.equal(sandbox.requests().length + project.sandbox.requests().length, 0, "no token at the build");

      await t.test("started", async (t) => {
        const site = await project.serve(t, process.execPath, NEXT, "start", ...LOCAL);

        await t.test("in a server component", async () => {
          const page = await (await fetch(site)).text();

          assert.ok(page.includes(`<p>${RESULT}</p>`), page);
          project.assertServed();
        });

        for (const [place, path, expected] of [
          ["a route handler", "/api", RESULT],
          ["the middleware, at the edge", "/middleware", `string ${RESULT}`],
          ...(hasEdge ? [["a route at the edge", "/edge", `string ${RESULT}`]] : []),
        ]) {
          await t.test(`in ${place}`, async () => {
            assert.equal(await (await fetch(site + path)).text(), expected);

            project.assertServed();
          });
        }

        await t.test("in a page", async () => {
          assert.equal(await resultOf(await browser, `${site}/client`), RESULT);

          project.assertServed();
        });

        await t.test("with one manager for several concurrent requests, over two refreshes", () =>
          assertShared(site, sandbox, hasEdge),
        );

        await t.test("with refreshes that no cache answers", (t) => assertNotCached(t, site));
      });

      await t.test("in development: edits and routes add no manager", async (t) => {
        // Its tokens outlive the test, so the number of grants equals the number of managers.
        const sandbox = await sandboxFor(t);
        await useSandbox(project, sandbox);
        await rm(project.path(".next"), { recursive: true });
        const site = await project.serve(
          t,
          process.execPath,
          NEXT,
          "dev",
          ...flags(version, bundler),
          ...LOCAL,
        );
        for (let count = 0; count < 4; count++) {
          if (count > 0) await write(project, "lib/tokens.js", edition(count));
          const answer = await answerOf(`${site}/shared/api`, (answer) => answer.edition === count);
          assert.deepEqual(answer, { edition: count, offers: true, alive: 1, made: 1 });
          assert.match(await (await fetch(`${site}/offers`)).text(), /offers<\/p>/);
        }
        assert.equal(sandbox.counts().fluz.grants, 1);

        await write(
          project,
          "lib/tokens.js",
          edition(4).replace('"LIST_OFFERS"', '"LIST_OFFERS", "LIST_PAYMENT"'),
        );
        const answer = await answerOf(`${site}/shared/api`, (answer) => answer.edition === 4);

        assert.deepEqual(answer, { edition: 4, offers: true, alive: 1, made: 2 });
      });
    });
  }
}

for (const bundler of ["turbopack", "webpack"]) {
  test(`Next 16 with ${bundler} and cacheComponents`, async (t) => {
    const { project, sandbox } = await nextFor(t, "16");
    // Files with route options, or requests without `connection()`, are rejected there.
    for (const file of ["page.js", "api", "client", "edge", "shared/cached", "shared/edge"]) {
      await rm(project.path("app", file), { recursive: true });
    }
    await rm(project.path("middleware.js"));
    await write(project, "next.config.js", "export default { cacheComponents: true };\n");

    await t.test("builds without a token, and renews it once started", async (t) => {
      const built = await build(project, `--${bundler}`);
      assert.equal(built.status, 0, built.stdout + built.stderr);
      assert.equal(sandbox.requests().length, 0);

      await assertShared(await project.serve(t, process.execPath, NEXT, "start", ...LOCAL), sandbox, false);
    });

    await t.test("gets a token without the line that docs/next.md has, or fails and names it", async () => {
      const line = "await connection();";
      const text = `${files["app/offers/page.js"]}`;
      assert.ok(text.includes(line));
      await write(project, "app/offers/page.js", text.replace(line, ""));
      const { grants } = sandbox.counts().fluz;

      const built = await build(project, `--${bundler}`);

      if (built.status === 0) assert.equal(sandbox.counts().fluz.grants, grants + 1);
      else assert.match(built.stdout + built.stderr, /await connection\(\)/);
    });
  });
}
