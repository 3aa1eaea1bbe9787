/**
 * Servers of tests, on free ports of this machine.
 *
 * @module
 */

import { once } from "node:events";
import { createServer } from "node:net";

/** @import { AddressInfo, Server } from "node:net" */
/** @import { TestContext } from "node:test" */

/**
 * Starts a server on a free port until the end of the test, and returns its origin.
 * @param {{ after: TestContext["after"] }} t
 * @param {Server & { closeAllConnections?: () => void }} server of `node:net`, `node:http` or `node:http2`
 */
export async function listening(t, server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections?.();
  });
  return `http://127.0.0.1:${portOf(server)}`;
}

/** @param {Server} server that is listening */
export const portOf = (server) => /** @type {AddressInfo} */ (server.address()).port;

/** Returns a port that was just released. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}
