// A response that tokens.fetch has inspected behaves like one of `fetch` in every use.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Gate } from "../support/waiting.js";
import { POST, apiFor, countedFor, json } from "./support.js";

/** @import { TestContext } from "node:test" */
/** @import { Respond } from "./support.js" */

/** With a byte order mark and invalid UTF-8, which a copy through a string would lose. */
const BODY = Buffer.concat([
  Buffer.from('\ufeff{"data":{"word":"'),
  Buffer.from([0xff]),
  Buffer.from('é"}}'),
]);

/** @type {Respond} */
const respond = (_request, response) => {
  const headers = { "content-type": "application/json", "content-length": BODY.length, "x-own": "1" };
  response.writeHead(200, "Fine", headers).end(BODY);
};

/**
 * Returns a response of `fetch`, and one of tokens.fetch.
 * @param {TestContext} t
 * @param {Respond} [answer]
 */
async function bothOf(t, answer = respond) {
  const api = await apiFor(t, answer);
  const { tokens } = countedFor(t, api.endpoint);
  return async () => [await fetch(api.endpoint, POST), await tokens.fetch(api.endpoint, POST)];
}

/** @type {Record<string, (response: Response) => unknown>} */
const USES = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  arrayBuffer: async (response) => Buffer.from(await response.arrayBuffer()),
  bytes: async (response) => "bytes" in response && Buffer.from(await response.bytes()),
  blob: async (response) => {
    const blob = await response.blob();
    return [blob.type, Buffer.from(await blob.arrayBuffer())];
  },
  formData: (response) => response.formData(),
  body: async (response) => {
    const parts = [];
    for await (const part of /** @type {any} */ (response.body)) parts.push(part);
    return Buffer.concat(parts);
  },
  "the same body twice": (response) => response.body === response.body,
  "a reader": async (response) => [response.body?.getReader() && response.body?.locked, response.bodyUsed],
  "a cancelled body": async (response) => [await response.body?.cancel(), response.bodyUsed],
  "text after the body was locked": (response) => response.body?.getReader() && response.text(),
  twice: async (response) => [await response.text(), response.bodyUsed, await response.json()],
  "a body after text": async (response) => [await response.text(), response.bodyUsed, response.body?.locked],
  "the body of a used one": async (response) => [await response.json(), await response.arrayBuffer()],
  "a clone": async (response) => [await response.clone().json(), await response.text(), response.bodyUsed],
  "a clone of a clone": async (response) => {
    const { url, redirected, type, status, statusText, headers, bodyUsed } = response.clone().clone();
    return [new URL(url).pathname, redirected, type, status, statusText, headers.get("x-own"), bodyUsed];
  },
  "a clone that outlives it": async (response) => {
    const clone = response.clone();
    return [await response.text(), await clone.text(), clone.bodyUsed];
  },
  "a clone of a used one": async (response) => [await response.text(), response.clone()],
  "a clone after its body was received for": async (response) =>
    [response.body, response.clone()].length && [await response.clone().text(), await response.text()],
  "a copy by its parts": (response) => new Response(response.body, response).text(),
  about: ({ url, ok, status, statusText, headers, redirected, type, bodyUsed, body }) => [
    new URL(url).pathname,
    ...[
      ok,
      status,
      statusText,
      headers.get("x-own"),
      redirected,
      type,
      bodyUsed,
      body instanceof ReadableStream,
    ],
  ],
  "its class": (response) => [
    response instanceof Response,
    response.constructor === Response,
    Object.prototype.toString.call(response),
    Object.keys(response),
    inspect(response).split(" ")[0],
  ],
};

/**
 * Returns the result of a use: a value, or the kind of error.
 * @param {Response} response
 * @param {(response: Response) => unknown} use
 */
async function outcome(response, use) {
  try {
    return { value: await use(response) };
  } catch (error) {
    return { thrown: error instanceof Error ? error.name : error };
  }
}

for (const [name, use] of Object.entries(USES)) {
  test(`an inspected response behaves like one of fetch: ${name}`, async (t) => {
    const both = await bothOf(t);

    const [expected, found] = await Promise.all((await both()).map((response) => outcome(response, use)));

    assert.deepEqual(found, expected);
  });
}

test("a response over the inspection limit is returned complete, while it is received", async (t) => {
  const half = Buffer.from(`{"data":"${"-".repeat(1024 * 1024)}`);
  const ends = new Gate();
  const both = await bothOf(t, async (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).write(half);
    await ends.opened;
    response.end('"}');
  });

  const answers = await both();
  ends.open();

  for (const answer of answers) assert.equal((await answer.text()).length, half.length + 2);
});

test("a response in several chunks is returned complete", async (t) => {
  const both = await bothOf(t, async (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    for (const part of ['{"data":', '{"a":', "1}}"]) await new Promise((sent) => response.write(part, sent));
    response.end();
  });

  const answers = await both();

  for (const answer of answers) assert.deepEqual(await answer.clone().json(), { data: { a: 1 } });
  for (const answer of answers) assert.equal((await answer.arrayBuffer()).byteLength, 16);
});

test("a response that breaks off fails when the caller reads it, like one of `fetch`", async (t) => {
  const both = await bothOf(t, (_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": 100 });
    response.write('{"data":', () => response.destroy());
  });

  for (const use of ["text", "json", "arrayBuffer", "body", "a clone"]) {
    const [expected, found] = await Promise.all(
      (await both()).map((response) => outcome(response, /** @type {any} */ (USES[use]))),
    );

    assert.deepEqual(found, expected);
    assert.ok(found && "thrown" in found);
  }
});

test("a response with members added by a replacement of `fetch` is cloned and keeps them", async (t) => {
  const api = await apiFor(t, (_request, response) => json(response, 200, { data: { ok: true } }));
  const { tokens } = countedFor(t, api.endpoint, {
    fetch: async (/** @type {any} */ url, /** @type {any} */ init) => {
      const response = await fetch(url, init);
      return Object.assign(response, { json: async () => "ours" });
    },
  });

  const response = await tokens.fetch(api.endpoint, POST);

  assert.equal(await response.json(), "ours");
  assert.equal(await response.text(), '{"data":{"ok":true}}');
});
