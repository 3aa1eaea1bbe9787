// The broker for `node:http` and what is built on it.

import { handled } from "../../stores/foreign-promise.js";

/** @import { Broker, NodeRequest, NodeResponse } from "../../broker.js" */

/**
 * @param {Broker} broker
 * @returns {(message: NodeRequest, response: NodeResponse) => Promise<void>}
 */
export function toNodeListener(broker) {
  return async (message, response) => {
    try {
      await respond(broker, message, response);
    } catch {
      // `node:http` ignores the promise, and its rejection would end the process.
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
  const headers = Object.fromEntries(answer.headers);
  // What was not read of the body is not waited for. HTTP/2 has no such header, and no need of it.
  if (!message.complete && message.httpVersionMajor < 2) headers.connection = "close";
  response.writeHead(answer.status, headers).end(body);
}

/**
 * Answers with 500 where nothing was sent yet; else ends the connection, so that no page waits for the rest.
 *
 * @param {any} response
 */
function fail(response) {
  try {
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { "cache-control": "no-store" }).end();
  } catch {
    // There is no connection any more.
  }
}

/**
 * The message as a request; undefined where it is none: a `Host` that is no host, a method that none may have.
 *
 * @param {any} message an `IncomingMessage`, of HTTP/1 or HTTP/2, maybe as Express has it
 * @param {AbortSignal} signal
 */
function requestOf(message, signal) {
  const { method, socket } = message;
  const headers = new Headers();
  try {
    for (const [name, value] of Object.entries(message.headers)) {
      // Those with a colon are HTTP/2's own.
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
 * The body; written again where a parser of Express was there first.
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

/** An empty form asks for something else than what was lost. */
const LOST = new Error("the body was read before, and is nowhere to be found");

/**
 * Pulled: what is not read stays with the sender.
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
