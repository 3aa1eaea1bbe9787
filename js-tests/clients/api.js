/**
 * An API of one's own beside the sandbox, at an origin of its own, with what GraphQL over HTTP is not: a REST resource,
 * subscriptions over a WebSocket (graphql-ws), and answers that come in parts. The sandbox's acme issues its tokens and
 * judges them, so that they can expire and be revoked, and are counted there.
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

/** @import { IncomingMessage, ServerResponse } from "node:http" */
/** @import { AddressInfo } from "node:net" */
/** @import { WebSocket } from "ws" */
/** @import { Sandbox } from "graphql-token-manager/testing" */

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
  // What the sandbox does not answer, because it was closed, is not answered here either.
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  /** What each connection was opened with. @type {Map<WebSocket, unknown>} */
  const opened = new Map();
  const sockets = new WebSocketServer({ server, path: "/graphql" });
  const subscriptions = useServer(
    {
      schema: schema(orders),
      // What it refuses, graphql-ws closes with 4403.
      onConnect: async ({ connectionParams, extra: { socket } }) => {
        const { authorization } = connectionParams ?? {};
        if (!(await owner(authorization))) return false;
        opened.set(socket, authorization);
        socket.once("close", () => opened.delete(socket));
        return true;
      },
    },
    sockets,
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {AddressInfo} */ (server.address());

  return {
    url: `http://127.0.0.1:${port}/`,
    /** Subscriptions that would get an order now. */
    subscriptions: () => orders.listenerCount("order"),
    connections: () => opened.size,
    /** @param {string} id */
    order: (id) => void orders.emit("order", id),
    /** Sends what deferred answers still lack. */
    release: () => void orders.emit("release"),
    /** Looks at the token of every connection again, and closes those whose token counts no longer. */
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
 * Incremental delivery: the owner's id at once, the name when that is released.
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
 * A subscription over HTTP: server-sent events, in the way of graphql-sse.
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
