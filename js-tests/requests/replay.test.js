// A rejected request is replayed once, with the same bytes, or its response is returned.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, test } from "node:test";

import { APIS } from "../faults/providers.js";
import { managerFor, sandboxFor } from "../support/setup.js";
import { Gate } from "../support/waiting.js";
import { POST, REJECTION, apiFor, countedFor, json } from "./support.js";

describe("200 requests in flight when the token is revoked", () => {
  for (const name of /** @type {const} */ (["fluz", "toggle"])) {
    test(`cause one grant at ${name}, and all succeed`, async (t) => {
      const sandbox = await sandboxFor(t);
      const tokens = managerFor(t, APIS[name].options(sandbox));
      const body = JSON.stringify({ query: APIS[name].query });
      const ask = async () => (await tokens.fetch(sandbox[name].endpoint, { ...POST, body })).json();
      await ask();
      sandbox.revoke();

      const answers = await Promise.all(Array.from({ length: 200 }, ask));

      assert.equal(answers.filter(({ errors, error }) => errors ?? error).length, 0);
      const { grants, refreshes } = sandbox.counts()[name];
      assert.equal(grants + refreshes, 2);
    });
  }
});

describe("the replay", () => {
  const bytes = new Uint8Array([123, 34, 97, 34, 58, 49, 125]);
  /** @type {[name: string, make: () => any][]} */
  const bodies = [
    ["a string", () => '{"a":1}'],
    ["an ArrayBuffer", () => bytes.slice().buffer],
    ["a typed array", () => bytes.slice()],
    ["a part of a buffer", () => new Uint8Array([0, ...bytes, 0]).subarray(1, -1)],
    ["a DataView", () => new DataView(bytes.slice().buffer)],
    ["a Blob", () => new Blob([bytes], { type: "application/json" })],
    ["URLSearchParams", () => new URLSearchParams({ a: "1", b: "ä" })],
    ["FormData", () => formData()],
    ["nothing", () => undefined],
  ];

  for (const [name, make] of bodies) {
    for (const input of ["url", "request"]) {
      test(`is the same request: ${name}, by ${input}`, async (t) => {
        const { endpoint, received, rejectedTokens } = await apiFor(t);
        const { tokens, counts } = countedFor(t, endpoint);
        rejectedTokens.add("token-1");
        const init = { method: "POST", headers: { "idempotency-key": "k-1" }, body: make() };

        const response = await (input === "url"
          ? tokens.fetch(endpoint, init)
          : tokens.fetch(new Request(endpoint, init)));

        assert.deepEqual(await response.json(), { data: { ok: true } });
        assert.deepEqual(
          received.map(({ token }) => token),
          ["token-1", "token-2"],
        );
        const [first, second] = received.map(({ method, headers, body }) => {
          const boundary = /boundary=(.*)/.exec(headers["content-type"] ?? "")?.[1] ?? "-";
          return [
            method,
            `${body}`.replaceAll(boundary, "…"),
            headers["content-type"]?.replace(boundary, "…"),
            headers["idempotency-key"],
          ];
        });
        assert.deepEqual(second, first);
        assert.equal(counts.grants, 2);
      });
    }
  }

  for (const [name, make, change] of /** @type {[string, () => any, (body: any) => unknown][]} */ ([
    ["a typed array", () => bytes.slice(), (body) => body.fill(0)],
    ["an ArrayBuffer", () => bytes.slice().buffer, (body) => new Uint8Array(body).fill(0)],
    ["URLSearchParams", () => new URLSearchParams({ a: "1" }), (body) => body.set("a", "2")],
    ["FormData", formData, (body) => body.set("a", "3")],
  ])) {
    test(`has the body and headers of the call, even if they were changed since: ${name}`, async (t) => {
      /** @type {Gate} */
      const arrived = new Gate();
      /** @type {Gate} */
      const changed = new Gate();
      const { endpoint, received, rejectedTokens } = await apiFor(t, async () => {
        arrived.open();
        await changed.opened;
      });
      const { tokens } = countedFor(t, endpoint);
      rejectedTokens.add("token-1");
      const [body, plain, headers] = [make(), { "x-own": "1" }, new Headers({ "x-own": "1" })];

      // When these calls return, the first is not sent yet either, because the core has not started.
      const both = [plain, headers].map((headers) =>
        tokens.fetch(endpoint, { method: "POST", body, headers }),
      );
      change(body);
      plain["x-own"] = "2";
      headers.set("x-own", "2");
      await arrived.opened;
      changed.open();
      for (const response of await Promise.all(both)) assert.equal(response.status, 200);

      const boundary = /--+[\w-]+/g;
      const expected = (await new Response(make()).text()).replaceAll(boundary, "…");
      assert.deepEqual(
        received.map(({ body, headers }) => [`${body}`.replaceAll(boundary, "…"), headers["x-own"]]),
        Array.from({ length: 4 }, () => [expected, "1"]),
      );
    });
  }

  for (const [name, make] of /** @type {[string, () => any][]} */ ([
    ["a ReadableStream", () => new Blob([bytes]).stream()],
    ["a Node stream", () => Readable.from([bytes])],
    [
      "an async generator",
      async function* () {
        yield bytes;
      },
    ],
  ])) {
    test(`is omitted for ${name}: its response is returned, and the next call gets a new token`, async (t) => {
      const { endpoint, received, rejectedTokens } = await apiFor(t);
      const { tokens, counts } = countedFor(t, endpoint);
      rejectedTokens.add("token-1");
      const init = /** @type {any} */ ({ method: "POST", body: make(), duplex: "half" });

      const response = await tokens.fetch(endpoint, init);

      assert.deepEqual([response.status, await response.json()], [401, { error: "no" }]);
      assert.deepEqual(
        received.map(({ body }) => `${body}`),
        ['{"a":1}'],
      );
      assert.equal(await tokens.getToken(), "token-2");
      assert.equal(counts.grants, 2);
    });
  }

  test("of a mutation is omitted if data has a root field: its response is returned", async (t) => {
    const partial = { data: { ping: "pong", me: null }, ...REJECTION };
    const { endpoint, received } = await apiFor(t, (_, response) => json(response, 200, partial));
    const { tokens } = countedFor(t, endpoint);

    const response = await tokens.fetch(endpoint, { ...POST, body: '{"query":"mutation { ping me }"}' });

    assert.deepEqual(await response.json(), partial);
    assert.equal(received.length, 1);
  });

  test("is sent if every root field is null", async (t) => {
    const { endpoint, received } = await apiFor(t, ({ token }, response) => {
      if (token === "token-1") json(response, 200, { data: { me: null }, ...REJECTION });
    });
    const { tokens } = countedFor(t, endpoint);

    assert.deepEqual(await (await tokens.fetch(endpoint, POST)).json(), { data: { ok: true } });
    assert.equal(received.length, 2);
  });

  test("has the newest token if an older one is rejected late, without a grant", async (t) => {
    /** @type {Gate} */
    const late = new Gate();
    const { endpoint, received, rejectedTokens } = await apiFor(t, async ({ url }) => {
      if (url === "/late") await late.opened;
    });
    const { tokens, counts } = countedFor(t, endpoint);
    await tokens.getToken();
    const waiting = tokens.fetch(endpoint.replace("graphql", "late"), POST);
    await tokens.refresh();
    rejectedTokens.add("token-1");
    late.open();

    assert.equal((await waiting).status, 200);

    assert.deepEqual(
      received.map(({ token }) => token),
      ["token-1", "token-2"],
    );
    assert.deepEqual([counts.grants, await tokens.getToken()], [2, "token-2"]);
  });

  test("is omitted if the provider grants the rejected token again", async (t) => {
    const { endpoint, received } = await apiFor(t, (_, response) => json(response, 401, { error: "no" }));
    const grant = () => ({ accessToken: "token-1", expiresInMs: 3_600_000 });
    const { tokens } = countedFor(t, endpoint, {}, { grant });

    for (const count of [1, 2]) {
      assert.equal((await tokens.fetch(endpoint, POST)).status, 401);
      assert.equal(received.length, count);
    }
  });

  test("is sent once: there is no third request", async (t) => {
    const { endpoint, received } = await apiFor(t, (_, response) => json(response, 401, { error: "no" }));
    const { tokens } = countedFor(t, endpoint);

    const response = await tokens.fetch(endpoint, POST);

    assert.deepEqual([response.status, await response.json()], [401, { error: "no" }]);
    assert.deepEqual(
      received.map(({ token }) => token),
      ["token-1", "token-2"],
    );
  });
});

function formData() {
  const form = new FormData();
  form.append("a", "1");
  form.append("a", "2");
  form.append("file", new Blob(["content"], { type: "text/plain" }), "name.txt");
  return form;
}
