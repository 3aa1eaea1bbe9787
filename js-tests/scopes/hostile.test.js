// Untrusted documents: random, damaged, huge, deeply nested and circular ones.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import "../support/guard.js";
import { parse, print } from "graphql";
import { TokenError } from "graphql-token-manager";
import { analyse, requiredScopes } from "graphql-token-manager/scopes";

import { processorMsOf } from "../support/processor-time.js";

const CASES = Number(process.env.SCOPES_CASES ?? 2_000);
const SEED = Number(process.env.SCOPES_SEED ?? 1);

/**
 * Deterministic PRNG: the same seed yields the same numbers below a bound.
 * @param {number} seed
 */
function random(seed) {
  let state = Math.imul(seed, 0x9e3779b9) >>> 0;
  return (/** @type {number} */ bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** @typedef {ReturnType<typeof random>} Random */

/**
 * @template T
 * @param {Random} below
 * @param {readonly T[]} list
 */
const oneOf = (below, list) => list[below(list.length)];

const FIELDS = [
  "chargeCreditCard",
  "createCustomer",
  "refundTransaction",
  "node",
  "deleteCustomer",
  "__typename",
  "ping",
];
const TYPES = ["VenmoPaymentContext", "Node", "Dispute", "Mutation", "Query"];
const FRAGMENTS = ["A", "B", "C"];
const CONDITIONS = [
  "",
  "",
  "",
  "@skip(if: true)",
  "@include(if: false)",
  "@include(if: $x)",
  "@skip(if: $x)",
];

/**
 * @param {Random} below
 * @param {number} depth
 * @returns {string}
 */
function selectionSet(below, depth) {
  const selections = Array.from({ length: 1 + below(3) }, () => {
    const condition = oneOf(below, CONDITIONS);
    const inner = depth > 0 ? selectionSet(below, depth - 1) : "{ id }";
    switch (below(4)) {
      case 0:
        return `...${oneOf(below, FRAGMENTS)} ${condition}`;
      case 1:
        return `... ${below(2) ? `on ${oneOf(below, TYPES)}` : ""} ${condition} ${inner}`;
      default:
        return `${below(3) ? "" : "alias: "}${oneOf(below, FIELDS)}(id: "x", n: [1, {a: null}]) ${condition} ${inner}`;
    }
  });
  return `{ ${selections.join(" ")} }`;
}

/**
 * Returns a document that parses; its fragments may be circular.
 * @param {Random} below
 */
function documentOf(below) {
  const operations = Array.from(
    { length: 1 + below(3) },
    (_, place) =>
      `${oneOf(below, ["query", "mutation"])} Op${place}($x: Boolean = true) ${selectionSet(below, 2)}`,
  );
  const fragments = FRAGMENTS.map(
    (name) => `fragment ${name} on ${oneOf(below, TYPES)} ${selectionSet(below, 1)}`,
  );
  return { text: [...operations, ...fragments].join("\n"), operations: operations.length };
}

/**
 * Returns the result, or the code of the error, which must be documented.
 * @param {any} document
 * @param {string} [seed]
 */
function outcome(document, seed = "") {
  try {
    return analyse(document, "braintree");
  } catch (error) {
    assert.ok(TokenError.is(error), `${seed}: ${error}`);
    assert.equal(error.code, "invalid_options", seed);
    assert.ok(error.message.length < 1_500, seed);
    return error.message;
  }
}

/** @param {(below: Random, name: string) => void} property */
function forEachSeed(property) {
  for (let seed = SEED; seed < SEED + CASES; seed += 1) property(random(seed), `SCOPES_SEED=${seed}`);
}

describe("for any document", () => {
  test("the result is the same each time, for the text, the parsed and the printed document", () => {
    forEachSeed((below, seed) => {
      const { text } = documentOf(below);

      const expected = outcome(text, seed);

      assert.ok(typeof expected === "object", seed);
      assert.deepEqual(outcome(text, seed), expected, seed);
      assert.deepEqual(outcome(parse(text), seed), expected, seed);
      assert.deepEqual(outcome(print(parse(text)), seed), expected, seed);
    });
  });

  test("several operations need the union of their scopes, and known variables never add any", () => {
    forEachSeed((below, seed) => {
      const { text, operations } = documentOf(below);
      const each = Array.from({ length: operations }, (_, place) =>
        analyse(text, "braintree", { operationName: `Op${place}` }),
      );

      const all = analyse(text, "braintree");

      for (const key of /** @type {const} */ (["scopes", "unknown"])) {
        assert.deepEqual(all[key], [...new Set(each.flatMap((one) => one[key]))].sort(), seed);
      }
      for (const x of [true, false, undefined]) {
        const known = analyse(text, "braintree", { variables: { x } });
        assert.ok(
          known.scopes.every((scope) => all.scopes.includes(scope)),
          seed,
        );
      }
    });
  });

  test("requiredScopes returns the scopes if all are known, and otherwise throws `unsupported`", () => {
    forEachSeed((below, seed) => {
      const { text } = documentOf(below);
      const { scopes, unknown } = analyse(text, "braintree");

      if (unknown.length === 0) assert.deepEqual(requiredScopes(text, "braintree"), scopes, seed);
      else
        assert.throws(
          () => requiredScopes(text, "braintree"),
          { name: "TokenError", code: "unsupported" },
          seed,
        );
    });
  });
});

describe("only TokenErrors are thrown", () => {
  test("for damaged documents", () => {
    const scraps = [
      "{",
      "}",
      "...",
      "(",
      "[",
      '"',
      '"""',
      "\\u{",
      "@",
      "$",
      "on",
      "\0",
      "\ud800",
      "🎁",
      "#",
      "0x",
      "\ufeff",
    ];
    forEachSeed((below, seed) => {
      let { text } = documentOf(below);
      for (let count = 1 + below(4); count > 0; count -= 1) {
        const at = below(text.length);
        const scrap = below(2) ? oneOf(below, scraps) : String.fromCharCode(below(0x250));
        text = text.slice(0, at) + scrap + text.slice(at + below(6));
      }
      const first = outcome(text, seed);
      assert.deepEqual(outcome(text, seed), first, seed);
    });
  });

  test("for random characters", () => {
    forEachSeed((below, seed) => {
      const length = below(60);
      outcome(String.fromCharCode(...Array.from({ length }, () => below(below(2) ? 128 : 0x10000))), seed);
    });
  });

  test("for parsed documents with missing or invalid nodes", () => {
    const strange = [undefined, null, 0, "", "x", [], {}, [null], { kind: "Field" }, { kind: 1 }, new Map()];
    forEachSeed((below, seed) => {
      const document = JSON.parse(JSON.stringify(parse(documentOf(below).text, { noLocation: true })));
      /** @type {[any, string][]} */
      const places = [];
      const visit = (/** @type {any} */ value) => {
        if (typeof value !== "object" || value === null) return;
        for (const key of Object.keys(value)) {
          places.push([value, key]);
          visit(value[key]);
        }
      };
      visit(document);
      const [parent, key] = oneOf(below, places);
      parent[key] = oneOf(below, strange);

      outcome(document, seed);
    });
  });

  test("for documents that throw, or are cyclic", () => {
    const throwing = new Proxy(/** @type {any} */ ({}), {
      get() {
        throw new Error("planted");
      },
    });
    const circular = /** @type {any} */ (parse("{ a { b } }"));
    circular.definitions[0].selectionSet.selections[0].selectionSet = circular.definitions[0].selectionSet;

    assert.doesNotMatch(`${outcome(throwing)}`, /planted/);
    assert.deepEqual(outcome(circular), { scopes: [], unknown: ["Query.a"] });
    assert.throws(() => analyse("{ a }", "fluz", throwing), { code: "invalid_options" });
  });
});

describe("analysis is fast for a document that is", () => {
  /** Maximum CPU time in milliseconds; each document needs a fraction of it. */
  const MOST_MS = 5_000;

  for (const [what, document] of /** @type {[string, () => string][]} */ ([
    ["nested deeply in fields", () => "{ a ".repeat(200_000)],
    ["nested deeply in lists", () => `{ a(b: ${"[".repeat(200_000)}) }`],
    ["nested deeply in objects", () => `{ a(b: ${"{b:".repeat(200_000)}) }`],
    ["nested deeply in types", () => `query ($a: ${"[".repeat(200_000)}) { a }`],
    ["wide", () => `{ ${"a ".repeat(400_000)} }`],
    ["long", () => `{ a } # ${"x".repeat(2_000_000)}`],
    ["one long string", () => `{ a(b: "${"\\u0041".repeat(100_000)}") ...B }`],
    ["one long name", () => `{ ...${"a".repeat(500_000)} }`],
    [
      "exponential in nested fragments",
      () =>
        `{ ...F0 node { ...F0 } } ${Array.from({ length: 2_000 }, (_, place) => `fragment F${place} on Query { ...F${place + 1} ...F${place + 1} a: node { ...F0 } }`).join(" ")} fragment F2000 on Query { a }`,
    ],
    [
      "many operations with one large fragment",
      () =>
        `${Array.from({ length: 5_000 }, (_, place) => `query O${place} { ...F }`).join(" ")} fragment F on Query { ${"a ".repeat(50_000)} }`,
    ],
    [
      "many nodes with one large fragment",
      () =>
        `{ ${Array.from({ length: 8_000 }, (_, place) => `n${place}: node { ...F }`).join(" ")} } fragment F on Node { ${"... { a } ".repeat(8_000)} }`,
    ],
  ])) {
    test(what, async () => {
      const text = document();

      const ms = await processorMsOf(() => outcome(text, what));

      assert.ok(ms < MOST_MS, `${ms} ms`);
    });
  }

  test("nested deeply, with the same limit in every engine", () => {
    const nested = (/** @type {number} */ levels) => "{ a ".repeat(levels) + "}".repeat(levels);

    assert.deepEqual(outcome(nested(500)), { scopes: [], unknown: ["Query.a"] });
    assert.ok(`${outcome(nested(501))}`.includes("column 2001"));
  });

  test("nested deeply, if the caller has left little stack", () => {
    const deep = `{ ${"a { ".repeat(490)} a ${"}".repeat(490)} }`;
    assert.deepEqual(analyse(deep, "fluz").unknown, ["Query.a"]);
    /** @type {Set<string>} */
    const seen = new Set();
    const descend = () => {
      try {
        descend();
      } catch {
        // While the stack unwinds, there is too little of it at first, then enough.
      }
      if (seen.size > 1) return;
      try {
        seen.add(JSON.stringify(analyse(deep, "fluz").unknown));
      } catch (error) {
        if (TokenError.is(error)) seen.add(error.code);
      }
    };

    descend();

    assert.ok(seen.has('["Query.a"]') || (seen.size === 1 && seen.has("invalid_options")), [...seen].join());
  });
});
