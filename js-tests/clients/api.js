/**
 * A custom API at a separate origin, with features beyond GraphQL over HTTP: a REST resource, subscriptions over a
 * WebSocket (graphql-ws), and incremental responses. The sandbox's acme issues and validates its tokens, so that they
 * can expire, be revoked and be counted.
 *
 * @module
 */

import { EventEmitter, on, once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { useServer } from "graphql-ws/use/ws";
import { CloseCode } from "graphql-ws";
import { createSchema } from "graphql-yoga";
import { WebSocketServer } from "ws";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";

/** @import { IncomingMessage, ServerResponse } from "node:http" */
/** @import { AddressInfo } from "node:net" */
/** @import { WebSocket } from "ws" */
/** @import { Sandbox } from "graphql-token-manager/testing" */

/** The interval of pings, for graphql-ws. */
const NO_PINGS = 0;

/** @param {Sandbox} sandbox */
export async function startApi(sandbox) {
  /** @type {(authorization: unknown) => Promise<{ id: string } | undefined>} */
  const owner = async (authorization) => {
    const response = await fetch(sandbox.acme.endpoint, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `${authorization ?? ""}` },
      body: JSON.stringify({ query: "{ me { id } }" }),
    });
    const { data } = await response.json();
    return data?.me ?? undefined;
  };
  const orders = new EventEmitter();
  /** @type {(request: IncomingMessage, response: ServerResponse) => Promise<void>} */
  const serve = async (request, response) => {
    const me = await owner(request.headers.authorization);
    if (!me) return send(response, 401, { error: "invalid_token" });
    if (request.url === "/v1/me") return send(response, 200, me);
    const { query = "" } = /** @type {{ query?: string }} */ (await json(request).catch(() => ({})));
    if (query.includes("@defer")) return sendParts(response, me, orders);
    if (query.startsWith("subscription")) return sendEvents(response, orders);
    send(response, 404, { error: "not_found" });
  };
  // If the sandbox is closed and does not respond, this server does not respond either.
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  /** The authorization that each connection was opened with. @type {Map<WebSocket, unknown>} */
  const opened = new Map();
  const sockets = new WebSocketServer({ server, path: "/graphql" });
  const subscriptions = useServer(
    {
      schema: schema(orders),
      // The default of 3 s, and pings that must be answered within 12 s, end connections on a loaded machine.
      connectionInitWaitTimeout: TEST_TIMEOUT_MS,
      // graphql-ws closes rejected connections with 4403.
      onConnect: async ({ connectionParams, extra: { socket } }) => {
        const { authorization } = connectionParams ?? {};
        if (!(await owner(authorization))) return false;
        opened.set(socket, authorization);
        socket.once("close", () => opened.delete(socket));
        return true;
      },
    },
    sockets,
    NO_PINGS,
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {AddressInfo} */ (server.address());

  return {
    url: `http://127.0.0.1:${port}/`,
    /** Number of active subscriptions. */
    subscriptions: () => orders.listenerCount("order"),
    connections: () => opened.size,
    /** @param {string} id */
    order: (id) => void orders.emit("order", id),
    /** Sends the remaining parts of deferred responses. */
    release: () => void orders.emit("release"),
    /** Validates the token of each connection again, and closes connections if it is no longer valid. */
    recheck: (code = CloseCode.Forbidden) =>
      Promise.all(
        [...opened].map(async ([socket, authorization]) => {
          if (!(await owner(authorization))) socket.close(code, CloseCode[code]);
        }),
      ),
    close: async () => {
      await subscriptions.dispose();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** @param {EventEmitter} orders */
function schema(orders) {
  return createSchema({
    typeDefs: /* GraphQL */ `
      type Order {
        id: ID!
      }
      type Query {
        orders: [Order!]!
      }
      type Subscription {
        orders: Order!
      }
    `,
    resolvers: {
      Subscription: {
        orders: {
          subscribe: () => on(orders, "order"),
          resolve: (/** @type {[id: string]} */ [id]) => ({ id }),
        },
      },
    },
  });
}

/**
 * Incremental delivery: sends the owner's id immediately, and the name on release.
 * @param {ServerResponse} response
 * @param {{ id: string }} me
 * @param {EventEmitter} orders
 */
async function sendParts(response, { id }, orders) {
  /** @param {unknown} part */
  const write = (part) =>
    response.write(`\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(part)}\r\n---`);
  response.writeHead(200, { "content-type": 'multipart/mixed; boundary="-"; deferSpec=20220824' });
  response.write("---");
  write({ data: { me: { __typename: "Me", id } }, hasNext: true });
  await once(orders, "release");
  write({ incremental: [{ path: ["me"], data: { __typename: "Me", name: "Ada" } }], hasNext: false });
  response.end("--\r\n");
}

/**
 * A subscription over HTTP: server-sent events in the format of graphql-sse.
 * @param {ServerResponse} response
 * @param {EventEmitter} orders
 */
function sendEvents(response, orders) {
  /** @param {string} id */
  const write = (id) =>
    response.write(`event: next\ndata: ${JSON.stringify({ data: { orders: { id } } })}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  orders.on("order", write);
  response.once("close", () => orders.off("order", write));
}

/**
 * @param {ServerResponse} response
 * @param {number} status
 * @param {unknown} body
 */
function send(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
