/**
 * The HTTP server on the loopback interface: bodies in, replies out, cross-origin headers, closing.
 *
 * What a reply says is decided elsewhere; this only sends it, whole or cut.
 *
 * @module
 */

import { createServer } from "node:http";

/** @import { IncomingMessage, Server, ServerResponse } from "node:http" */
/** @import { Socket } from "node:net" */
/** @import { Reply } from "./answering.js" */
/** @import { HttpRequest } from "./service.js" */

/** Loopback only, by number: `localhost` may name an interface of another kind in a hosts file. */
const HOST = "127.0.0.1";

/** How long a connection without a request is kept open. */
const KEEP_ALIVE_MS = 120_000;

/** Longest request body read. GraphQL requests are a few kilobytes; more than a mebibyte is a client gone wrong. */
const MOST_BODY_BYTES = 1024 * 1024;

/**
 * @param {object} parts
 * @param {number} parts.port
 * @param {"exposed" | "hidden"} parts.responseHeaders Whether pages of other origins may read the headers.
 * @param {(request: HttpRequest) => Promise<Reply | undefined>} parts.respond
 */
export async function listen({ port, responseHeaders, respond }) {
  const cors = {
    "access-control-allow-origin": "*",
    ...(responseHeaders === "exposed"
      ? { "access-control-expose-headers": "X-Authorization, Authorization, Date, Retry-After" }
      : {}),
  };
  // A connection that is closed while a request arrives costs that request: five seconds, the default, is soon over
  // where the machine is busy.
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
    /** Stops listening and cuts every connection, idle ones and those in use. */
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
    // Echoed, since `*` does not cover Authorization.
    "access-control-allow-headers": headers["access-control-request-headers"] ?? "*",
    // Lets a page from a public address reach a loopback one, where a browser asks for that.
    "access-control-allow-private-network": "true",
    "access-control-max-age": "600",
    vary: "Access-Control-Request-Headers",
  });
  response.end();
}

/**
 * @param {IncomingMessage} request
 * @returns {Promise<string | undefined>} Nothing if it is too long.
 */
async function readBody(request) {
  const chunks = [];
  let length = 0;
  // Without this option, leaving the loop would end the connection before a 413 could be sent.
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
  // Node would add a Date header of its own.
  response.sendDate = false;
  response.writeHead(status, { ...headers, "content-length": bytes.length });
  if (sent === "whole") {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.socket?.end());
}
