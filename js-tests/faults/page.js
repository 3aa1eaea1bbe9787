/**
 * A page with its own origin in headless Chromium, in which the packed package runs and contacts the sandbox.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { chromium } from "playwright-core";

import { TEST_TIMEOUT_MS } from "../support/timeouts.js";

/** @import { Server } from "node:http" */
/** @import { TestContext } from "node:test" */
/** @import { Browser } from "playwright-core" */

/** Path of Chromium. Default: Debian's, which `cargo xtask test` installs. */
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Without Chromium's sandbox, since tests may run as root, and without services that use the network. */
const ARGS = [
  ...["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...[
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
  ],
];

const folder = dirname(createRequire(import.meta.url).resolve("graphql-token-manager/package.json"));

/** @type {Promise<{ browser: Browser, server: Server }> | undefined} */
let running;

async function start() {
  const script = await readFile(join(folder, "dist", "index.js"));
  const server = createServer((request, response) => {
    const isScript = request.url === "/index.js";
    response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html; charset=utf-8" });
    response.end(isScript ? script : "<!doctype html><title>A page</title>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  return { server, browser: await chromium.launch({ executablePath, args: ARGS, timeout: TEST_TIMEOUT_MS }) };
}

after(async () => {
  const { browser, server } = (await running) ?? {};
  await browser?.close();
  server?.close();
});

/**
 * Opens a page in which `window.make(options)` returns a manager, with its events in `window.events`. Closed after the
 * test.
 * @param {TestContext} t
 * @param {string} [before] A script that runs first.
 */
export async function pageFor(t, before = "") {
  const { browser, server } = await (running ??= start());
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const context = await browser.newContext();
  context.setDefaultTimeout(TEST_TIMEOUT_MS);
  t.after(() => context.close());
  const page = await context.newPage();
  await page.addInitScript(before);
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.addScriptTag({
    type: "module",
    content: `
      import { TokenManager } from "/index.js";
      window.events = [];
      window.make = (options) => {
        const tokens = new TokenManager(options);
        for (const type of ["token", "retry", "error", "expired", "warning", "close"]) {
          tokens.on(type, ({ type, reason, code }) => events.push(reason ?? code ?? type));
        }
        return (window.tokens = tokens);
      };`,
  });
  await page.waitForFunction("window.make !== undefined");
  return page;
}
