// Responses that count as rejections, and their inspection without consuming the caller's body.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { APIS, NAMES } from "../faults/providers.js";
import { managerFor, sandboxFor } from "../support/setup.js";
import { Gate } from "../support/waiting.js";
import { POST, REJECTION, apiFor, countedFor, json } from "./support.js";

const HEADERS = { "content-type": "application/json", "braintree-version": "2019-01-01" };
/** An operation of each API that requires a token; Braintree's ping does not. */
const QUERIES = { ...APIS, braintree: { ...APIS.braintree, query: '{ node(id: "x") { id } }' } };

describe("each provider's rejection is recognized:", () => {
  /** @type {[title: string, names: typeof NAMES, variants: import("graphql-token-manager/testing").SandboxVariants][]} */
  const cases = [
    ["in its default form", NAMES, {}],
    [
      "inside HTTP 200",
      ["fluz", "toggle"],
      { fluz: { unauthorizedStatus: 200 }, toggle: { unauthorizedStatus: 200 } },
    ],
  ];
  for (const [title, names, variants] of cases) {
    for (const name of names) {
      test(`${name}, ${title}`, async (t) => {
        const sandbox = await sandboxFor(t, { variants });
        const tokens = managerFor(t, APIS[name].options(sandbox));
        await tokens.getToken();
        sandbox.revoke();

        const body = JSON.stringify({ query: QUERIES[name].query });
        const response = await tokens.fetch(sandbox[name].endpoint, {
          method: "POST",
          headers: HEADERS,
          body,
        });

        const answer = await response.json();
        assert.equal(response.status, 200);
        const expected = name === "braintree" ? "NOT_FOUND" : undefined;
        assert.equal(answer.errors?.[0].extensions.errorClass, expected);
        const { grants, refreshes, refused } = sandbox.counts()[name];
        assert.equal(grants + refreshes, 2);
        // The refresh token is revoked as well, and is rejected first.
        assert.equal(refused, APIS[name].refresh ? 2 : 1);
      });
    }
  }
});

describe("a response is inspected", () => {
  for (const type of [
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "application/graphql-response+json",
    "application/problem+json",
  ]) {
    test(`of type ${type}`, async (t) => {
      const { endpoint } = await apiFor(t, ({ token }, response) => {
        if (token === "token-1") json(response, 200, REJECTION, { "content-type": type });
      });
      const { tokens, counts } = countedFor(t, endpoint);

      assert.deepEqual(await (await tokens.fetch(endpoint, POST)).json(), { data: { ok: true } });
      assert.equal(counts.grants, 2);
    });
  }

  for (const [how, encode] of /** @type {const} */ ([
    ["in one piece", (/** @type {any} */ response, /** @type {string} */ text) => response.end(text)],
    [
      "in many pieces, cut inside a character",
      (/** @type {any} */ response, /** @type {string} */ text) => {
        for (const byte of Buffer.from(text)) response.write(Buffer.of(byte));
        response.end();
      },
    ],
  ])) {
    test(`of unknown length, received ${how}`, async (t) => {
      const rejection = JSON.stringify({ errors: [{ message: "Unauthorized", note: "ünïcode €" }] });
      const { endpoint } = await apiFor(t, ({ token }, response) => {
        if (token !== "token-1") return;
        response.writeHead(200, { "content-type": "application/json" });
        encode(response, rejection);
      });
      const { tokens, counts } = countedFor(t, endpoint);

      assert.deepEqual(await (await tokens.fetch(endpoint, POST)).json(), { data: { ok: true } });
      assert.equal(counts.grants, 2);
    });
  }

  test("and reaches the caller unchanged, whatever its size", async (t) => {
    const sizes = [0, 10, 1024 * 1024 - 20, 1024 * 1024, 3 * 1024 * 1024];
    const { endpoint } = await apiFor(t, ({ url }, response) => {
      const padding = "x".repeat(Number(url.slice(1)));
      const length = Buffer.byteLength(JSON.stringify({ data: { padding } }));
      json(response, 200, { data: { padding } }, { "content-length": `${length}` });
    });
    const { tokens } = countedFor(t, endpoint);

    for (const size of sizes) {
      const { data } = await (await tokens.fetch(endpoint.replace("graphql", `${size}`), POST)).json();
      assert.equal(data.padding.length, size);
    }
  });
});

describe("a response is returned without inspection", () => {
  for (const type of [
    "text/event-stream",
    'multipart/mixed; boundary="-"',
    "application/octet-stream",
    "text/html",
    "application/jsonl",
    "text/plain",
  ]) {
    test(`of type ${type}, before its body is complete`, async (t) => {
      /** @type {Gate} */
      const rest = new Gate();
      const { endpoint } = await apiFor(t, async (_, response) => {
        response.writeHead(200, { "content-type": type });
        response.write(JSON.stringify(REJECTION));
        await rest.opened;
        response.end("the rest");
      });
      const { tokens, counts } = countedFor(t, endpoint);

      const response = await tokens.fetch(endpoint, POST);
      rest.open();

      assert.equal(await response.text(), `${JSON.stringify(REJECTION)}the rest`);
      assert.equal(counts.grants, 1);
    });
  }

  for (const [how, headers] of /** @type {const} */ ([
    ["as received", {}],
    ["according to its Content-Length", { "content-length": `${4 * 1024 * 1024}` }],
  ])) {
    test(`if it is longer than 1 MiB ${how}`, async (t) => {
      /** @type {Gate} */
      const rest = new Gate();
      const start = JSON.stringify(REJECTION).padEnd(2 * 1024 * 1024);
      const { endpoint } = await apiFor(t, async (_, response) => {
        response.writeHead(200, { "content-type": "application/json", ...headers });
        response.write(start);
        await rest.opened;
        response.end(" ".repeat(2 * 1024 * 1024));
      });
      const { tokens, counts } = countedFor(t, endpoint);

      const response = await tokens.fetch(endpoint, POST);
      rest.open();

      assert.deepEqual(await response.json(), REJECTION);
      assert.equal(counts.grants, 1);
    });
  }

  test("if the API rejects tokens by status only", async (t) => {
    /** @type {Gate} */
    const rest = new Gate();
    const { endpoint } = await apiFor(t, async (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write("{");
      await rest.opened;
      response.end("}");
    });
    const { tokens } = countedFor(t, endpoint, {}, { refused: { statuses: [401] } });

    const response = await tokens.fetch(endpoint, POST);
    rest.open();

    assert.deepEqual(await response.json(), {});
  });
});

test("a response that breaks off is returned, and breaks off for the caller", async (t) => {
  const { endpoint } = await apiFor(t, (_, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"errors":');
    setTimeout(() => response.destroy(), 20);
  });
  const { tokens, counts } = countedFor(t, endpoint);

  const response = await tokens.fetch(endpoint, POST);

  await assert.rejects(response.json());
  assert.equal(counts.grants, 1);
});

test("a response without a body, and a `fetch` result that is not a Response, are returned unchanged", async (t) => {
  const odd = {
    status: 200,
    ok: true,
    headers: new Headers({ "content-type": "application/json" }),
    body: null,
  };
  const { endpoint } = await apiFor(t, (_, response) => void response.writeHead(204).end());
  const { tokens } = countedFor(t, endpoint);
  const mocked = countedFor(t, endpoint, { fetch: async () => odd }).tokens;

  assert.equal((await tokens.fetch(endpoint, POST)).status, 204);
  assert.equal(await mocked.fetch(endpoint, POST), odd);
});

test("a response whose body is a Node stream is judged by its status, and is not delayed", async (t) => {
  const { endpoint, rejectedTokens } = await apiFor(t);
  let copies = 0;
  const { tokens, counts } = countedFor(t, endpoint, {
    fetch: async (/** @type {any} */ input, /** @type {any} */ init) => {
      const response = await fetch(input, init);
      const { Readable } = await import("node:stream");
      const text = await response.text();
      const { status, headers } = response;
      return {
        status,
        headers,
        body: Readable.from([text]),
        clone: () => copies++,
        text: async () => text,
      };
    },
  });
  await tokens.getToken();
  rejectedTokens.add("token-1");

  const response = await tokens.fetch(endpoint, POST);

  assert.equal(await response.text(), '{"data":{"ok":true}}');
  assert.deepEqual([counts.grants, copies], [2, 0]);
});
