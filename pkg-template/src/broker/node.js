// The adapter of the broker to `node:http` and frameworks based on it.

import { handled } from "../../stores/foreign-promise.js";

/** @import { Broker, NodeRequest, NodeResponse } from "../../broker.js" */

/**
 * Returns a request listener for `node:http` that never rejects.
 *
 * @param {Broker} broker
 * @returns {(message: NodeRequest, response: NodeResponse) => Promise<void>}
 */
export function toNodeListener(broker) {
  return async (message, response) => {
    try {
      await respond(broker, message, response);
    } catch {
      // `node:http` ignores the promise, so a rejection would end the process.
      fail(response);
    }
  };
}

/** @param {Broker} broker @param {any} message @param {any} response */
async function respond(broker, message, response) {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const request = requestOf(message, gone.signal);
  if (request === undefined) {
    response.writeHead(400, { "cache-control": "no-store", connection: "close" }).end();
    return;
  }
  const answer = await handled(broker(request));
  const body = await handled(answer.text());
  if (response.destroyed) return;
  /** @type {Record<string, string | string[]>} */
  const headers = Object.fromEntries(answer.headers);
  // The entries have each cookie by itself, of which the object keeps the last.
  const cookies = answer.headers.getSetCookie?.();
  if (cookies?.length) headers["set-cookie"] = cookies;
  // Closes the connection if the body was not read to the end. HTTP/2 does not have this header and does not need it.
  if (!message.complete && message.httpVersionMajor < 2) headers.connection = "close";
  response.writeHead(answer.status, headers).end(body);
}

/**
 * Responds with 500 if nothing was sent yet. Otherwise ends the connection, so that the page does not wait for the
 * rest.
 *
 * @param {any} response
 */
function fail(response) {
  try {
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { "cache-control": "no-store" }).end();
  } catch {
    // The connection is closed already.
  }
}

/**
 * Converts a message to a Request. Returns `undefined` if it is invalid, for example its `Host` or its method.
 *
 * @param {any} message an `IncomingMessage` of HTTP/1 or HTTP/2, which Express may have extended
 * @param {AbortSignal} signal
 */
function requestOf(message, signal) {
  const { method, socket } = message;
  const headers = new Headers();
  try {
    for (const [name, value] of Object.entries(message.headers)) {
      // Names with a colon are pseudo-headers of HTTP/2.
      if (!name.startsWith(":")) headers.set(name, [value].flat().join(", "));
    }
    const host = message.headers[":authority"] ?? message.headers.host ?? "localhost";
    const url = new URL(`${socket?.encrypted ? "https" : "http"}://${host}`);
    url.pathname = (message.originalUrl ?? message.url).split("?")[0];
    const body = method === "GET" || method === "HEAD" ? null : bodyOf(message);
    return new Request(url, /** @type {RequestInit} */ ({ method, headers, body, signal, duplex: "half" }));
  } catch {
    return undefined;
  }
}

/**
 * Returns the body. If a body parser of Express consumed it, the body is serialized again.
 *
 * @param {any} message
 * @returns {BodyInit}
 */
function bodyOf(message) {
  const { body } = message;
  if (!message.readableEnded) return streamOf(message);
  if (typeof body === "string" || body instanceof Uint8Array) return /** @type {any} */ (body);
  if (typeof body !== "object" || body === null) return new ReadableStream({ start: (it) => it.error(LOST) });
  const pairs = Object.entries(body).flatMap(([key, values]) => [values].flat().map((it) => [key, `${it}`]));
  return new URLSearchParams(pairs).toString();
}

/** The error for a lost body. An empty form in its place would be another request. */
const LOST = new Error("the body was read before, and is nowhere to be found");

/**
 * Returns a stream of the body that reads only as it is read itself, so that backpressure reaches the sender.
 *
 * @param {any} message
 * @returns {ReadableStream<Uint8Array>}
 */
function streamOf(message) {
  const chunks = message[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
  });
}
