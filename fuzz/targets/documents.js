/**
 * GraphQL documents: for any input, `requiredScopes` and `analyse` settle with scopes or a documented error, in linear
 * time; and the document that `request` sends is equivalent to the one it received.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parse, print, visit } from "graphql";
import { TokenManager } from "graphql-token-manager";
import { analyse, requiredScopes, scopes } from "graphql-token-manager/scopes";

import { edited, edits, text } from "../generators.js";
import { assertDocumented, settled } from "../oracles.js";

const FIELDS = [
  ...[
    "chargeCreditCard",
    "refundTransaction",
    "getOffers",
    "node",
    "ping",
    "__typename",
    "deleteCustomer",
    "viewer",
  ],
];
const NAMES = fc.constantFrom("A", "B", "C", "type", "on1", "_");
const TYPES = fc.constantFrom("Query", "Mutation", "VenmoPaymentContext", "Dispute", "Node");

const { selection } = fc.letrec(
  (/** @type {(name: string) => import("fast-check").Arbitrary<any>} */ tie) => ({
    constant: fc.constantFrom(
      "1",
      "-0.5e3",
      "true",
      "null",
      "ENUM",
      '"te\\u0041xt \\" # {"',
      '"""block\n  of\ntext"""',
      "[]",
    ),
    value: fc.oneof(
      { maxDepth: 3, depthIdentifier: "document" },
      tie("constant"),
      fc.constant("$v"),
      fc
        .array(tie("value"), { maxLength: 3, depthIdentifier: "document" })
        .map((items) => `[${items.join(", ")}]`),
      fc.tuple(NAMES, tie("value")).map(([name, of]) => `{${name}: ${of}}`),
    ),
    selection: fc.oneof(
      { maxDepth: 4, depthIdentifier: "document" },
      fc.constantFrom(...FIELDS),
      fc
        .tuple(
          fc.option(NAMES, { nil: undefined }),
          fc.constantFrom(...FIELDS),
          fc.option(tie("value"), { nil: undefined }),
          fc.constantFrom(
            "",
            "",
            "@skip(if: true)",
            "@include(if: $v)",
            '@include(if: false) @note(of: """a""")',
          ),
          fc.array(tie("selection"), { maxLength: 3, depthIdentifier: "document" }),
        )
        .map(([alias, field, of, directive, inner]) =>
          [
            alias === undefined ? field : `${alias}: ${field}`,
            of === undefined ? "" : `(of: ${of})`,
            directive,
            inner.length > 0 ? `{${inner.join(" ")}}` : "",
          ].join(" "),
        ),
      NAMES.map((name) => `...${name}`),
      fc
        .tuple(fc.option(TYPES, { nil: undefined }), tie("selection"))
        .map(([type, of]) => `...${type === undefined ? "" : ` on ${type}`} {${of}}`),
    ),
  }),
);

const selections = fc
  .array(/** @type {import("fast-check").Arbitrary<string>} */ (selection), { minLength: 1, maxLength: 4 })
  .map((all) => `{ ${all.join("\n")} }`);
const definition = fc.oneof(
  fc
    .tuple(fc.constantFrom("query", "mutation", "subscription"), fc.option(NAMES, { nil: "" }), selections)
    .map(([kind, name, all]) => `${kind} ${name} ($v: Boolean = true) ${all}`),
  fc.tuple(NAMES, TYPES, selections).map(([name, type, all]) => `fragment ${name} on ${type} ${all}`),
  selections,
);
const document = fc.array(definition, { minLength: 1, maxLength: 4 }).map((all) => all.join("\n"));

export const cases = fc.record({
  provider: fc.constantFrom("fluz", "braintree"),
  source: fc.oneof(
    { weight: 6, arbitrary: document },
    { weight: 3, arbitrary: fc.tuple(document, edits).map(([base, changes]) => edited(base, changes)) },
    { weight: 1, arbitrary: text },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          fc.constantFrom("{a", "[", "...A ", "{node(id:1)", '"', "#", "a:", "@a", "query A{a}"),
          fc.constantFrom(50, 1_000, 10_000),
        )
        .map(([piece, times]) => piece.repeat(times)),
    },
  ),
  operationName: fc.option(NAMES, { nil: undefined }),
});

/** @param {{ provider: "fluz" | "braintree", source: string, operationName?: string }} input */
export async function check({ provider, source, operationName }) {
  const tree = parsed(source);
  const options = operationName === undefined ? {} : { operationName };
  const known = new Set(scopes[provider].map(({ name }) => /** @type {string} */ (name)));
  const required = attempt(() => requiredScopes(source, provider, options));
  const analysed = attempt(() => analyse(source, provider, options));
  for (const list of [required, analysed?.scopes]) {
    if (list === undefined) continue;
    assert.deepEqual(list, [...new Set(list)].sort(), "neither sorted nor each once");
    for (const scope of list) assert.ok(known.has(scope), `an unknown scope ${scope}`);
  }
  if (required !== undefined) assert.deepEqual(analysed?.scopes, required, "both read the same document");
  if (tree === undefined) assert.equal(required, undefined, "scopes of a text that is not a document");
  if (tree !== undefined) {
    assert.deepEqual(
      attempt(() => requiredScopes(tree, provider, options)),
      required,
      "the tree of the same document",
    );
    await sent(tree);
  }
}

/** Checks that the document sent for a tree is equivalent to it. @param {import("graphql").DocumentNode} tree */
async function sent(tree) {
  /** @type {string | undefined} */
  let query;
  /** @param {unknown} _url @param {RequestInit} init */
  const fetch = async (_url, init) => {
    query = JSON.parse(`${init.body}`).query;
    return Response.json({ data: { ok: true } });
  };
  const grant = () => ({ accessToken: "tok.documents", expiresInMs: 60_000 });
  const provider = { name: "acme", endpoint: "https://api.test/graphql", grant };
  const tokens = new TokenManager({ provider, fetch, refresh: "on-demand" });
  try {
    const { error } = await settled(() => tokens.request(tree));
    if (error === undefined)
      assert.equal(normal(parse(`${query}`)), normal(tree), "another document was sent");
    else assert.equal(query, undefined, "it was sent, and failed all the same");
  } finally {
    await tokens.close();
  }
}

/**
 * Prints the document with block strings as ordinary strings, because both have the same value.
 *
 * @param {import("graphql").DocumentNode} tree
 */
const normal = (tree) => print(visit(tree, { StringValue: (node) => ({ ...node, block: false }) }));

/** @param {string} source */
function parsed(source) {
  try {
    return parse(source, { noLocation: true });
  } catch {
    // Not a document, or nested too deeply for graphql-js.
    return undefined;
  }
}

/**
 * @template T
 * @param {() => T} call
 */
function attempt(call) {
  try {
    return call();
  } catch (error) {
    assertDocumented(error);
    return undefined;
  }
}
