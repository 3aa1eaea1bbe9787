/**
 * The API under the benchmark, in a separate process, so that its CPU time is not attributed to the clients.
 *
 * @module
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

/** Response bodies: a small query and a list. */
export const BODIES = { "200 B": body(200), "20 KB": body(20_000) };

/** @typedef {keyof typeof BODIES} Size */

/**
 * Starts the server.
 *
 * @returns {Promise<{ origin: string, close: () => unknown }>}
 */
export async function startServer() {
  const child = fork(fileURLToPath(import.meta.url));
  const [port] = await once(child, "message");
  return { origin: `http://127.0.0.1:${port}`, close: () => child.disconnect() };
}

/** Returns the path of the response with a size. @param {Size} size */
export const pathOf = (size) => `/graphql/${encodeURIComponent(size)}`;

/**
 * Returns a GraphQL response of the given number of bytes.
 *
 * @param {number} bytes
 */
function body(bytes) {
  const item = { id: "9b2f", name: "Gift card", price: { amount: "25.00", currency: "USD" } };
  /** @type {{ data: { items: unknown[], rest: string } }} */
  const answer = { data: { items: [], rest: "" } };
  const length = () => JSON.stringify(answer).length;
  while (length() + JSON.stringify(item).length + 1 < bytes) answer.data.items.push(item);
  answer.data.rest = "-".repeat(bytes - length());
  return JSON.stringify(answer);
}

/** Serves in the child process until the parent ends. */
function serve() {
  const answers = new Map(
    Object.entries(BODIES).map(([size, text]) => [pathOf(/** @type {Size} */ (size)), Buffer.from(text)]),
  );
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const answer = request.headers.authorization?.startsWith("Bearer ") && answers.get(request.url ?? "");
      const status = answer ? 200 : 401;
      const bytes = answer || Buffer.from('{"errors":[{"message":"Unauthorized"}]}');
      const headers = { "content-type": "application/json; charset=utf-8", "content-length": bytes.length };
      response.writeHead(status, headers).end(bytes);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => {
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    process.send?.(port);
  });
  process.on("disconnect", () => process.exit());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve();
