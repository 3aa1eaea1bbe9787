/**
 * The HTTP server on the loopback interface: reads bodies, sends replies, sets cross-origin headers, closes
 * connections.
 *
 * The content of a reply is determined elsewhere; this module sends it completely or partially.
 *
 * @module
 */

import { createServer } from "node:http";

/** @import { IncomingMessage, Server, ServerResponse } from "node:http" */
/** @import { Socket } from "node:net" */
/** @import { Reply } from "./respond.js" */
/** @import { HttpRequest } from "./service.js" */

/** Loopback only, as a number: a hosts file may map `localhost` to another interface. */
const HOST = "127.0.0.1";

/** Time in ms for which an idle connection is kept open. */
const KEEP_ALIVE_MS = 120_000;

/** Maximum size of a request body. GraphQL requests have a few kilobytes; more than 1 MiB is a faulty client. */
const MOST_BODY_BYTES = 1024 * 1024;

/**
 * @param {object} parts
 * @param {number} parts.port
 * @param {"exposed" | "hidden"} parts.responseHeaders "exposed" lets pages of other origins read the headers.
 * @param {(request: HttpRequest) => Promise<Reply | undefined>} parts.respond
 */
export async function listen({ port, responseHeaders, respond }) {
  const cors = {
    "access-control-allow-origin": "*",
    ...(responseHeaders === "exposed"
      ? { "access-control-expose-headers": "X-Authorization, Authorization, Date, Retry-After" }
      : {}),
  };
  // If a connection is closed while a request arrives, that request fails. The default of five seconds is too short on
  // a busy machine.
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    serve(request, response, cors, respond).catch(() => response.destroy());
  });
  /** @type {Set<Socket>} */
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await listening(server, port);
  const address = server.address();
  const url = `http://${HOST}:${typeof address === "object" && address ? address.port : port}`;

  return {
    url,
    /** Stops listening and closes every connection, idle or in use. */
    close: () =>
      /** @type {Promise<void>} */ (
        new Promise((resolve) => {
          server.close(() => resolve());
          for (const socket of sockets) socket.destroy();
        })
      ),
  };
}

/**
 * @param {Server} server
 * @param {number} port
 * @returns {Promise<void>}
 */
function listening(server, port) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: HOST }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/**
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 * @param {Record<string, string>} cors
 * @param {(request: HttpRequest) => Promise<Reply | undefined>} respond
 */
async function serve(request, response, cors, respond) {
  for (const [name, value] of Object.entries(cors)) response.setHeader(name, value);
  if (request.method === "OPTIONS") return preflight(request, response);
  const body = await readBody(request);
  if (body === undefined) {
    response.writeHead(413, { connection: "close" }).end();
    return;
  }
  const url = new URL(request.url ?? "/", `http://${HOST}`);
  const reply = await respond({ method: request.method ?? "GET", url, headers: request.headers, body });
  if (!reply) {
    request.socket.destroy();
    return;
  }
  send(response, reply);
}

/**
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
function preflight({ headers }, response) {
  response.writeHead(204, {
    "access-control-allow-methods": "GET, POST",
    // Copied from the request, because `*` does not include Authorization.
    "access-control-allow-headers": headers["access-control-request-headers"] ?? "*",
    // Lets a page from a public address access a loopback one, in browsers that require it.
    "access-control-allow-private-network": "true",
    "access-control-max-age": "600",
    vary: "Access-Control-Request-Headers",
  });
  response.end();
}

/**
 * @param {IncomingMessage} request
 * @returns {Promise<string | undefined>} Undefined if it is too long.
 */
async function readBody(request) {
  const chunks = [];
  let length = 0;
  // Without this option, leaving the loop would close the connection before a 413 could be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > MOST_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * @param {ServerResponse} response
 * @param {Reply} reply
 */
function send(response, { status, headers, body, sent }) {
  const bytes = Buffer.from(body);
  // Prevents Node from adding its own Date header.
  response.sendDate = false;
  response.writeHead(status, { ...headers, "content-length": bytes.length });
  if (sent === "whole") {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.socket?.end());
}
