// Responses above 64 KiB, of which the core receives an outline, have the same meaning as small ones.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { processorMsOf } from "../support/processor-time.js";
import { failure } from "../support/waiting.js";
import { POST, apiFor, countedFor, json } from "./support.js";

/** Meaningless members and values that make a response large. */
const PADDING = Array.from({ length: 40_000 }, () => null);
const REFUSAL = { message: "no", extensions: { code: "UNAUTHENTICATED" } };

/** @typedef {{ body: unknown, code?: string, replayed?: boolean }} Case */

/** @type {Record<string, Case>} */
const CASES = {
  "an error beside data": {
    body: { data: { ok: true, all: PADDING }, errors: [{ message: "no" }] },
    code: "graphql_errors",
  },
  "an error behind data": {
    body: { all: PADDING, data: null, errors: [{ message: "no" }] },
    code: "graphql_errors",
  },
  "an error with a long message": {
    body: { data: null, errors: [{ message: "no ".repeat(40_000) }] },
    code: "graphql_errors",
  },
  "many errors": {
    body: { data: null, errors: PADDING.map(() => ({ message: "no" })) },
    code: "graphql_errors",
  },
  "a rejection": { body: { data: null, errors: [REFUSAL], extensions: { all: PADDING } }, replayed: true },
  "a rejection by its message": {
    body: { errors: [{ message: "Unauthorized", all: PADDING }] },
    replayed: true,
  },
  "a rejection of all of many fields": {
    body: { data: Object.fromEntries(PADDING.map((none, place) => [`f${place}`, none])), errors: [REFUSAL] },
    replayed: true,
  },
  "a partial rejection": {
    body: { data: { ok: 1, all: PADDING }, errors: [REFUSAL] },
    replayed: true,
  },
  "a rejection of the first of many fields": {
    body: {
      data: { ...Object.fromEntries(PADDING.map((none, place) => [`f${place}`, none])), last: 1 },
      errors: [REFUSAL],
    },
    replayed: true,
  },
  "a rejection in a payload": {
    body: { data: { login: null, ok: { all: PADDING, error: { code: "UNAUTHENTICATED", message: "no" } } } },
    replayed: true,
  },
  "JSON that is not GraphQL": { body: { all: PADDING }, code: "protocol" },
  "JSON that is cut off": { body: JSON.stringify({ data: { all: PADDING } }).slice(0, -1), code: "protocol" },
  "a list": { body: PADDING, code: "protocol" },
};

test("a mutation is not replayed if any of many fields of a large response is not null", async (t) => {
  for (const data of [
    { ok: 1, all: PADDING },
    { ...Object.fromEntries(PADDING.map((none, place) => [`f${place}`, none])), last: 1 },
  ]) {
    const { endpoint, received } = await apiFor(t, (_, response) =>
      json(response, 200, { data, errors: [REFUSAL] }),
    );
    const { tokens } = countedFor(t, endpoint);

    const error = /** @type {any} */ (await failure(tokens.request("mutation { ok }")));

    assert.deepEqual(error.data, data);
    assert.equal(received.length, 1);
  }
});

describe("request() handles a response of more than 64 KiB:", () => {
  for (const [name, { body, code, replayed = false }] of Object.entries(CASES)) {
    test(name, async (t) => {
      const { endpoint, received } = await apiFor(t, ({ token }, response) => {
        if (token === "token-1") json(response, 200, body);
      });
      const { tokens } = countedFor(t, endpoint);

      const outcome = await tokens.request("{ ok }").catch((error) => error);

      assert.equal(outcome.code, code);
      assert.equal(received.length, replayed ? 2 : 1);
      if (code === "graphql_errors")
        assert.deepEqual(
          [outcome.errors, outcome.data],
          [/** @type {any} */ (body).errors, /** @type {any} */ (body).data],
        );
    });
  }
});

test("a batch of responses is rejected if one of them is a rejection", async (t) => {
  const { endpoint, received } = await apiFor(t, ({ token }, response) => {
    if (token === "token-1") json(response, 200, [{ all: PADDING }, { data: null, errors: [REFUSAL] }]);
  });
  const { tokens } = countedFor(t, endpoint);

  assert.deepEqual(await (await tokens.fetch(endpoint, POST)).json(), { data: { ok: true } });
  assert.equal(received.length, 2);
});

test("a response that starts with whitespace other than JSON's is not GraphQL", async (t) => {
  for (const mark of ["\u00a0", "\u0085", "\ufeff\u2003"]) {
    const { endpoint } = await apiFor(t, (_, response) =>
      json(response, 200, `${mark}{"data":null,"errors":[{"message":"no"}]}`),
    );
    const { tokens } = countedFor(t, endpoint);

    assert.equal((await failure(tokens.request("{ ok }"))).code, "protocol");
  }
  const { endpoint } = await apiFor(t, (_, response) =>
    json(response, 200, '\ufeff\ufeff{"data":null,"errors":[{"message":"no"}]}'),
  );
  const { tokens } = countedFor(t, endpoint);

  assert.equal((await failure(tokens.request("{ ok }"))).code, "graphql_errors");
});

describe("a rule of `data` recognizes a value in a small response, and in one of more than 64 KiB:", () => {
  /** @type {Record<string, { data: object | object[], body: string }>} */
  const cases = {
    "below an object that another rule compares": {
      data: [
        { path: "me", is: null },
        { path: "me.state", is: "ENDED" },
      ],
      body: '{"data":{"me":{"state":"ENDED"},"all":ALL}}',
    },
    "behind an item that another rule compares": {
      data: [
        { path: "all.0", is: 1 },
        { path: "all.state", is: "ENDED" },
      ],
      body: '{"data":{"all":[{"state":"OK"},{"state":"ENDED"},ALL]}}',
    },
    "in nested lists": {
      data: { path: "all.state", is: "ENDED" },
      body: '{"data":{"all":[[ALL],[[{"state":"ENDED"}]]]}}',
    },
    "at a position of a list": {
      data: { path: "all.1", is: "ENDED" },
      body: '{"data":{"all":[0,"ENDED",ALL]}}',
    },
    "of items that have the name of a property of lists": {
      data: { path: "all.length", is: 7 },
      body: '{"data":{"all":[{"length":7},ALL]}}',
    },
    "below a field with the name `__proto__`": {
      data: { path: "me.*.*.state", is: "ENDED" },
      body: '{"data":{"me":{"a":{"__proto__":{"state":"ENDED"}}},"all":ALL}}',
    },
    "in the last answer of a large batch": {
      data: { path: "me", is: null },
      body: `[${'{"data":{"me":1}},'.repeat(500)}{"data":{"me":null},"extensions":ALL}]`,
    },
  };
  for (const [name, { data, body }] of Object.entries(cases)) {
    test(name, async (t) => {
      for (const all of [0, PADDING]) {
        const text = body.replace("ALL", JSON.stringify(all));
        const { endpoint, received } = await apiFor(t, ({ token }, response) => {
          if (token === "token-1") json(response, 200, text);
        });
        const { tokens } = countedFor(t, endpoint, {}, { refused: { data } });

        assert.deepEqual(await (await tokens.fetch(endpoint, POST)).json(), { data: { ok: true } });
        assert.equal(received.length, 2);
      }
    });
  }
});

test("no response changes a prototype", async (t) => {
  const value = `{"__proto__":{"state":1}}`;
  const body = `{"data":{"a":{"b":${value}},"all":${JSON.stringify(PADDING)}}}`;
  const { endpoint } = await apiFor(t, (_, response) => json(response, 200, body));
  const data = ["a", "a.*.state", "a.*.*.state"].map((path) => ({ path, is: 2 }));
  const { tokens } = countedFor(t, endpoint, {}, { refused: { codes: "ERRORS", data } });

  await tokens.request("{ ok }");

  assert.equal(/** @type {any} */ ({}).state, undefined);
  assert.equal(/** @type {any} */ ([]).state, undefined);
});

test("a response of deeply nested lists is returned as it is", async (t) => {
  const body = `{"data":{"all":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`;
  const { endpoint } = await apiFor(t, (_, response) => json(response, 200, body));
  const { tokens } = countedFor(t, endpoint, {}, { refused: { data: { path: "all.state", is: 1 } } });

  assert.equal(await (await tokens.fetch(endpoint, POST)).text(), body);
});

test("a response of 12 MiB with errors takes at most four times as long as parsing it", async (t) => {
  const text = `{"data":{"all":[${"1,".repeat(6_000_000)}1]},"errors":[{"message":"no"}]}`;
  const { tokens } = countedFor(t, "https://api.acme.test/graphql", {
    fetch: async () => new Response(text, { headers: { "content-type": "application/json" } }),
  });
  await tokens.getToken();

  const parsing = await processorMsOf(() => JSON.parse(text));
  const cost = await processorMsOf(async () => {
    assert.equal((await failure(tokens.request("{ ok }"))).code, "graphql_errors");
  });

  // The factor is eight if the core copies all values.
  assert.ok(cost < 4 * parsing, `${cost} ms, where parsing takes ${parsing} ms`);
});

test("a response of 60 KB that no rule of `data` matches takes at most seven times as long as parsing it", async (t) => {
  const items = Array.from({ length: 1_000 }, (_, id) => ({
    __typename: "Item",
    id,
    name: "name",
    tags: ["a"],
  }));
  const text = JSON.stringify({ data: { items, all: { errors: [] } } });
  const { tokens } = countedFor(
    t,
    "https://api.acme.test/graphql",
    { fetch: async () => new Response(text, { headers: { "content-type": "application/json" } }) },
    { refused: { codes: ["UNAUTHENTICATED"], data: { path: "*.__typename", is: "AuthInfo" } } },
  );
  await tokens.request("{ ok }");

  const parsing = await processorMsOf(() => {
    for (let count = 0; count < 100; count++) JSON.parse(text);
  });
  const cost = await processorMsOf(async () => {
    for (let count = 0; count < 100; count++) await tokens.request("{ ok }");
  });

  // The factor is ten or more if the core copies all values.
  assert.ok(cost < 7 * parsing, `${cost} ms, where parsing takes ${parsing} ms`);
});
