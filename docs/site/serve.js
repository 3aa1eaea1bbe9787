/**
 * A server for the finished site, on the loopback interface.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/**
 * Serves the files of a folder.
 *
 * @param {string} folder
 * @param {number} [port] 0 for any free port.
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export async function serve(folder, port = 0) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(`${request.url}`, "http://site.test");
    // `join` resolves `..` below the root, so no file outside of the folder is read.
    const name = path.posix.join("/", decodeURIComponent(pathname));
    const file = path.join(folder, name.endsWith("/") ? `${name}index.html` : name);
    try {
      const body = await readFile(file);
      response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" });
      response.end(body);
    } catch {
      response.writeHead(404, { "content-type": "text/html; charset=utf-8" });
      response.end(await readFile(path.join(folder, "404.html")).catch(() => ""));
    }
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(undefined));
  });
  const address = server.address();
  const chosen = typeof address === "object" && address ? address.port : port;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${chosen}`, close };
}
