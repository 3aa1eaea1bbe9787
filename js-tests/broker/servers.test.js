/**
 * The broker in common servers: node:http, HTTP/2, Express and Hono, over a real connection.
 *
 * @module
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import { test } from "node:test";
import express from "express";
import { Hono } from "hono";
import { toNodeListener } from "graphql-token-manager/broker";
import { until } from "../support/waiting.js";
import { brokerFor, json, listening, outcome } from "./support.js";

/** @import { Broker } from "graphql-token-manager/broker" */
/** @import { RequestListener } from "node:http" */

/** @param {string} url @param {Record<string, string>} [form] @param {Record<string, string>} [headers] */
const post = (url, form = {}, headers = {}) =>
  fetch(url, { method: "POST", headers, body: new URLSearchParams(form) });

/** @type {Record<string, (broker: Broker) => RequestListener>} */
const SERVERS = {
  "node:http": (broker) => toNodeListener(broker),
  Express: (broker) => express().post("/token", toNodeListener(broker)),
  "Express, whose parsers read the body": (broker) =>
    express()
      .use(express.json(), express.urlencoded({ extended: false }))
      .use("/token", toNodeListener(broker)),
  "Express, which keeps bodies as text": (broker) =>
    express()
      .use(express.text({ type: "*/*" }))
      .use("/token", toNodeListener(broker)),
  Hono: (broker) =>
    toNodeListener(async (request) => new Hono().post("/token", (it) => broker(it.req.raw)).fetch(request)),
};

for (const [name, listener] of Object.entries(SERVERS)) {
  test(`${name}: a page receives a token, or the reason why it does not`, async (t) => {
    /** @type {any[]} */
    const asked = [];
    const { broker, tokens } = await brokerFor(t, {
      authorize: (request, selector) => {
        asked.push(selector);
        return request.headers.get("cookie") === "sid=1; theme=dark" ? {} : null;
      },
    });
    const origin = await listening(t, createServer(listener(broker)));
    const cookie = "sid=1; theme=dark";

    const given = await post(`${origin}/token`, { scope: "LIST_OFFERS" }, { cookie, origin });

    assert.equal(given.headers.get("cache-control"), "no-store");
    assert.equal((await json(given)).access_token, await tokens.getToken());
    assert.deepEqual(asked, [{ scopes: ["LIST_OFFERS"] }]);
    assert.deepEqual(await outcome(post(`${origin}/token`, {}, { origin })), [401, "invalid_client"]);
    assert.deepEqual(await outcome(post(`${origin}/token`, { seatId: "x" }, { cookie })), [
      403,
      "unauthorized_client",
    ]);
    assert.deepEqual(await outcome(post(`${origin}/token`, {}, { cookie, origin: "https://other.test" })), [
      403,
      "unauthorized_client",
    ]);
  });
}

test("headers with several values reach the broker, and the page", async (t) => {
  /** @type {(string | null)[]} */
  const received = [];
  const listener = toNodeListener(async ({ headers }) => {
    received.push(headers.get("set-cookie"), headers.get("x-forwarded-for"), headers.get("cookie"));
    const values = [
      ["set-cookie", "a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT"],
      ["set-cookie", "b=2"],
      ["vary", "Origin"],
      ["vary", "Cookie"],
    ];
    return new Response("", { headers: /** @type {[string, string][]} */ (values) });
  });
  const origin = await listening(t, createServer(listener));
  const headers = { "set-cookie": ["a=1", "b=2"], "x-forwarded-for": ["c", "d"], cookie: ["e=3", "f=4"] };
  const asking = httpRequest(`${origin}/token`, { headers });
  asking.end();

  const [response] = await once(asking, "response");

  assert.deepEqual(received, ["a=1, b=2", "c, d", "e=3; f=4"]);
  assert.deepEqual(response.headers["set-cookie"], ["a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "b=2"]);
  assert.equal(response.headers.vary, "Origin, Cookie");
  response.resume();
});

test("a form over the size limit is not read to its end, and the connection is closed", async (t) => {
  const { broker } = await brokerFor(t);
  const origin = await listening(t, createServer(toNodeListener(broker)));
  const headers = { "content-type": "application/x-www-form-urlencoded", "transfer-encoding": "chunked" };
  const asking = httpRequest(`${origin}/token`, { method: "POST", headers });
  asking.on("error", () => {});
  asking.write("a=" + "b".repeat(10_000));

  const [response] = await once(asking, "response");

  assert.equal(response.statusCode, 413);
  assert.equal(response.headers.connection, "close");
  asking.destroy();
});

test("a malformed HTTP request receives no token", async (t) => {
  const { broker } = await brokerFor(t);
  const origin = await listening(t, createServer(toNodeListener(broker)));
  const { port } = new URL(origin);

  for (const how of [{ headers: { host: "a b" } }, { headers: { host: "user@host" } }, { method: "TRACE" }]) {
    const asking = httpRequest({ host: "127.0.0.1", port, path: "/token", method: "POST", ...how });
    asking.end();
    const [response] = await once(asking, "response");

    assert.equal(response.statusCode, 400);
  }
  assert.equal((await fetch(`${origin}/token`)).status, 405);
});

test("a closed connection aborts the pending response", async (t) => {
  /** @type {AbortSignal | undefined} */
  let signal;
  const { broker } = await brokerFor(t, {
    authorize: (request) => {
      signal = request.signal;
      return new Promise(() => {});
    },
  });
  const origin = await listening(t, createServer(toNodeListener(broker)));
  const leaving = new AbortController();

  const asked = fetch(`${origin}/token`, {
    method: "POST",
    body: new URLSearchParams(),
    signal: leaving.signal,
  });
  await until(() => signal, "authorize was called");
  leaving.abort();

  await assert.rejects(asked, { name: "AbortError" });
  await until(() => signal?.aborted, "the broker's signal is aborted");
});

test("a body that another middleware consumed is not treated as an empty one", async (t) => {
  const { broker } = await brokerFor(t);
  const listener = toNodeListener(broker);
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    await listener(request, response);
  });
  const origin = await listening(t, server);

  assert.deepEqual(await outcome(post(`${origin}/token`, { seatId: "x" })), [400, "invalid_request"]);
});

test("HTTP/2 requests, which have :authority instead of Host, are accepted", async (t) => {
  const { broker, tokens } = await brokerFor(t);
  const server = createHttp2Server(toNodeListener(broker));
  const origin = await listening(t, server);
  const session = connect(origin);
  t.after(() => session.destroy());
  const ask = async (/** @type {string} */ from) => {
    const headers = { "content-type": "application/x-www-form-urlencoded", origin: from };
    const stream = session.request({ ":method": "POST", ":path": "/token", ...headers });
    stream.end("scope=LIST_OFFERS");
    const [got] = await once(stream, "response");
    let text = "";
    for await (const chunk of stream.setEncoding("utf8")) text += chunk;
    return [got[":status"], JSON.parse(text)];
  };

  const [status, { access_token }] = await ask(origin);

  assert.deepEqual([status, access_token], [200, await tokens.getToken()]);
  assert.equal((await ask("https://other.test"))[0], 403);
});
