/**
 * A server for the files of a project, and the result of its page.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { listening } from "../../support/server.js";

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
 * Starts a site until the end of the test. It serves the files of a folder, and the options of a manager at
 * `/options.json`.
 *
 * @param {TestContext} t
 * @param {Project} project
 * @param {string} folder Below the project.
 * @param {Record<string, string>} [headers] Headers of each response.
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
  return listening(t, server);
}

/**
 * Waits for the result of a page, which it shows as its title.
 *
 * @param {Browser} browser
 * @param {string} url
 * @returns {Promise<string>}
 */
export async function resultOf(browser, url) {
  const tab = await browser.tab(url, () => document.title !== "");
  const title = await tab.run(() => document.title);
  await tab.close();
  return title;
}
