// Documents passed as syntax trees keep their meaning when printed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Kind, parse, print, visit } from "graphql";

import { failure } from "../support/waiting.js";
import { apiFor, countedFor } from "./support.js";

const DOCUMENTS = {
  "a shorthand query": "{ a }",
  "a named query with everything that a variable may have": `
    query Named($a: Int! = 1, $b: [String!]! = ["x", "y"] @d, $c: In = { k: "v", n: [1, 2.5e3, null, true, ENUM] }) @live {
      alias: field(a: $a, b: $b, c: { deep: { er: $c } }) @include(if: true) @skip(if: $a) { id }
    }`,
  "fragments, spread and inline": `
    query { a { ...F @d(x: 1) ... on T @d { id } ... { id } ... @include(if: true) { id } } }
    fragment F on T @d { id ...G }
    fragment G on T { id }`,
  "several operations": "query A { a } mutation B { b(input: {}) { id } } subscription C { c }",
  "strings of every kind": String.raw`{ a(b: "q\"\\\/\b\f\n\r\t\u00e9\u2028 ünï 🎉", c: """
      block "quoted" \""" and
        indented
    """, d: "", e: """""") }`,
  "numbers as they were written": "{ a(b: -0, c: 123456789012345678901234567890, d: -1.50e-10) }",
  "an empty list and an empty object": "{ a(b: [], c: {}) }",
};

/**
 * Parses a document and removes positions and the notation of strings, which leaves its meaning.
 *
 * @param {string} text
 */
const meaning = (text) =>
  JSON.stringify(
    visit(parse(text, { noLocation: true, allowLegacyFragmentVariables: true }), {
      StringValue: ({ block, ...node }) => node,
    }),
  );

describe("a DocumentNode", () => {
  for (const [title, text] of Object.entries(DOCUMENTS)) {
    test(`of ${title} is sent with its meaning`, async (t) => {
      const { endpoint, asked } = await apiFor(t);
      const { tokens } = countedFor(t, endpoint);

      await tokens.request(parse(text));
      await tokens.request(parse(text, { noLocation: true }));

      const [first, second] = asked.map(({ body }) => JSON.parse(`${body}`).query);
      assert.equal(meaning(first), meaning(text));
      assert.equal(meaning(first), meaning(print(parse(text))));
      assert.equal(second, first);
    });
  }

  test("that a tool has changed since it was read is sent as it is now", async (t) => {
    const { endpoint, asked } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);
    const read = parse("{ a { ...F } }");
    const changed = {
      ...visit(read, {
        Field: (node) =>
          node.name.value === "a" ? { ...node, alias: { kind: Kind.NAME, value: "b" } } : node,
      }),
      definitions: [
        ...visit(read, { Field: (node) => ({ ...node, alias: { kind: Kind.NAME, value: "b" } }) })
          .definitions,
        ...parse("fragment F on T { id }").definitions,
      ],
    };

    await tokens.request(changed);

    assert.equal(
      meaning(JSON.parse(`${asked[0]?.body}`).query),
      meaning("{ b: a { ...F } } fragment F on T { id }"),
    );
  });

  test("with variables of fragments keeps them", async (t) => {
    const { endpoint, asked } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);
    const text = "{ a { ...F } } fragment F($n: Int = 1) on T { id(n: $n) }";

    await tokens.request(parse(text, { allowLegacyFragmentVariables: true }));

    assert.equal(meaning(JSON.parse(`${asked[0]?.body}`).query), meaning(text));
  });

  test("of types is refused", async (t) => {
    const { endpoint } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);

    assert.equal((await failure(tokens.request(parse("type T { id: ID }")))).code, "invalid_options");
  });

  test("that is nested without end, or is not a tree, is refused", async (t) => {
    const { endpoint, asked } = await apiFor(t);
    const { tokens } = countedFor(t, endpoint);
    const field = (/** @type {object} */ inner) => ({
      kind: "Field",
      name: { kind: "Name", value: "a" },
      ...inner,
    });
    const selected = (/** @type {object} */ it) => ({ kind: "SelectionSet", selections: [it] });
    /** @type {any} */
    const endless = field({});
    endless.selectionSet = selected(endless);

    for (const one of [endless, { kind: "Field" }]) {
      const definitions = [{ kind: "OperationDefinition", operation: "query", selectionSet: selected(one) }];
      const document = /** @type {any} */ ({ kind: "Document", definitions });

      assert.equal((await failure(tokens.request(document))).code, "invalid_options");
    }
    assert.equal(asked.length, 0);
  });
});

test("a text that carries its types, as GraphQL Code Generator writes it, is a text", async (t) => {
  const { endpoint, asked } = await apiFor(t);
  const { tokens } = countedFor(t, endpoint);
  class TypedDocumentString extends String {
    /** @param {string} value */
    constructor(value) {
      super(value);
      this.value = value;
    }
    toString() {
      return this.value;
    }
  }

  await tokens.request(new TypedDocumentString("{ ok }"));

  assert.equal(JSON.parse(`${asked[0]?.body}`).query, "{ ok }");
});
