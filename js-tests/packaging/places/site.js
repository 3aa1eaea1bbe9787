/**
 * A server for what a project has built, or is, and what its page tells.
 *
 * @module
 */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

/** @import { AddressInfo } from "node:net" */
/** @import { TestContext } from "node:test" */
/** @import { Browser } from "../../stores/browsers.js" */
/** @import { Project } from "./project.js" */

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/**
 * A site that ends with the test: the files of a folder, and at `/options.json` the options of a manager.
 *
 * @param {TestContext} t
 * @param {Project} project
 * @param {string} folder Below the project.
 * @param {Record<string, string>} [headers] Of each answer.
 */
export async function siteFor(t, project, folder, headers = {}) {
  const content = async (/** @type {string} */ path) => {
    if (path === "/options.json") return JSON.stringify(project.options);
    return readFile(project.path(folder, path === "/" ? "index.html" : path));
  };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(`${request.url}`, "http://site.test");
    try {
      const body = await content(join("/", pathname));
      const type = TYPES[extname(pathname) || ".html"] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, ...headers }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}`;
}

/**
 * What a page tells by its title, once it does.
 *
 * @param {Browser} browser
 * @param {string} url
 * @returns {Promise<string>}
 */
export async function told(browser, url) {
  const tab = await browser.tab(url, () => document.title !== "");
  const title = await tab.run(() => document.title);
  await tab.close();
  return title;
}
