// The scopes that a document requires.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import "../support/guard.js";
import { parse } from "graphql";
import { TokenError } from "graphql-token-manager";
import { analyse, requiredScopes } from "graphql-token-manager/scopes";

/** @import { ScopesOptions } from "graphql-token-manager/scopes" */

/**
 * @param {string} document
 * @param {ScopesOptions} [options]
 */
const braintree = (document, options) => requiredScopes(document, "braintree", options);

/**
 * Returns the thrown error, which must be a documented one.
 * @param {() => unknown} work
 * @returns {TokenError}
 */
function errorOf(work) {
  try {
    work();
  } catch (error) {
    assert.ok(TokenError.is(error), `${error}`);
    assert.equal(error.retryable, false);
    return error;
  }
  return assert.fail("nothing was thrown");
}

describe("a document needs the scopes of", () => {
  test("all its root fields, sorted and without duplicates", () => {
    const document = `mutation {
      vaultPaymentMethod { clientMutationId } createCustomer { clientMutationId }
      authorizeCreditCard { clientMutationId } authorizeVenmoAccount { clientMutationId }
    }`;

    assert.deepEqual(braintree(document), ["CUSTOMER_CREATE", "PAYMENT_METHOD_VAULT", "TRANSACTION_SALE"]);
  });

  test("fields, whatever their aliases", () => {
    const document = "mutation { createCustomer: chargeCreditCard { a } other: chargeCreditCard { a } }";

    assert.deepEqual(braintree(document), ["TRANSACTION_CHARGE"]);
  });

  test("fragments, inline fragments and fragments in them", () => {
    const document = `
      mutation { ...A ... on Mutation { ... { createCustomer { a } } } }
      fragment A on Mutation { chargeCreditCard { a } ...B }
      fragment B on Mutation { refundTransaction { a } }
      fragment Unused on Mutation { vaultPaymentMethod { a } }`;

    assert.deepEqual(braintree(document), ["CUSTOMER_CREATE", "TRANSACTION_CHARGE", "TRANSACTION_REFUND"]);
  });

  test("root fields only: nested fields of the same name do not count", () => {
    const document = "mutation { chargeCreditCard { createCustomer { node { ... on Dispute { id } } } } }";

    assert.deepEqual(braintree(document), ["TRANSACTION_CHARGE"]);
  });

  test("no field, for introspection", () => {
    assert.deepEqual(
      braintree('{ __typename __schema { types { name } } __type(name: "Node") { name } }'),
      [],
    );
  });

  test("no field at Toggle, which has no scopes", () => {
    assert.deepEqual(requiredScopes("{ loginUser { id } }", "toggle"), []);
    assert.deepEqual(analyse("{ Products { id } }", "toggle"), { scopes: [], unknown: [] });
  });
});

describe("with several operations", () => {
  const document = `
    query Find($id: ID!) { node(id: $id) { ... on VenmoPaymentContext { status } } }
    mutation Charge { chargeCreditCard { a } }
    mutation Keep { vaultPaymentMethod { a } }`;

  test("each counts, unless one is named", () => {
    assert.deepEqual(braintree(document), [
      "PAYMENT_CONTEXT_FIND",
      "PAYMENT_METHOD_VAULT",
      "TRANSACTION_CHARGE",
    ]);
    assert.deepEqual(braintree(document, { operationName: "Keep" }), ["PAYMENT_METHOD_VAULT"]);
    assert.deepEqual(braintree(document, { operationName: null }), braintree(document));
  });

  test("an unknown name is an error that lists the existing ones", () => {
    const { code, message } = errorOf(() => braintree(document, { operationName: "charge" }));

    assert.equal(code, "invalid_options");
    for (const named of ["operationName", "Find", "Charge", "Keep"]) assert.ok(message.includes(named));
    for (const operationName of ["A", ""]) {
      assert.equal(errorOf(() => braintree("{ __typename }", { operationName })).code, "invalid_options");
    }
  });
});

describe("the type requested from Braintree's node", () => {
  const found = ["PAYMENT_CONTEXT_FIND"];

  for (const [place, selection] of Object.entries({
    "an inline fragment": "{ ... on VenmoPaymentContext { status } }",
    "an inline fragment beside other fields": "{ id __typename ... on VenmoPaymentContext { status } }",
    "a named fragment": "{ ...Context }",
    "a fragment in a fragment on the interface": "{ ... on Node { ... { ...Context } } }",
  })) {
    test(`is determined by ${place}`, () => {
      const document = `{ one: node(id: 1) ${selection} } fragment Context on VenmoPaymentContext { status }`;

      assert.deepEqual(braintree(document), found);
    });
  }

  test("is determined by all selections of one response key, which servers merge", () => {
    assert.deepEqual(
      braintree("{ node { id } ...A } fragment A on Query { node { ... on VenmoPaymentContext { id } } }"),
      found,
    );
    assert.deepEqual(
      analyse("{ a: node { id } b: node { ... on VenmoPaymentContext { id } } }", "braintree"),
      {
        scopes: found,
        unknown: ["Query.node"],
      },
    );
  });

  test("is unknown without a type condition, or with a type that is not in the table", () => {
    assert.deepEqual(analyse("{ node(id: 1) { id } }", "braintree").unknown, ["Query.node"]);
    assert.deepEqual(analyse("{ node(id: 1) { ... on Dispute { id } } }", "braintree").unknown, [
      "Node.dispute",
    ]);
    assert.deepEqual(analyse("{ node(id: 1) { ... on Node { id } } }", "braintree").unknown, ["Query.node"]);
  });

  test("is not determined by excluded selections", () => {
    const document = "{ node(id: 1) { id ... on VenmoPaymentContext @skip(if: true) { status } } }";

    assert.deepEqual(analyse(document, "braintree"), { scopes: [], unknown: ["Query.node"] });
  });
});

describe("@skip and @include", () => {
  /** @type {(directives: string, options?: ScopesOptions, variables?: string) => string[]} */
  const needed = (directives, options, variables = "") =>
    braintree(
      `mutation ${variables} { createCustomer ${directives} { a } refundTransaction { a } }`,
      options,
    );
  const without = ["TRANSACTION_REFUND"];
  const both = ["CUSTOMER_CREATE", "TRANSACTION_REFUND"];

  test("with literals include or exclude fields", () => {
    assert.deepEqual(needed("@skip(if: true)"), without);
    assert.deepEqual(needed("@skip(if: false)"), both);
    assert.deepEqual(needed("@include(if: false)"), without);
    assert.deepEqual(needed("@include(if: true)"), both);
    assert.deepEqual(needed("@include(if: true) @skip(if: true)"), without);
    assert.deepEqual(needed("@include(if: false) @skip(if: false)"), without);
  });

  test("exclude fragments as well", () => {
    const document = `mutation { ...A @skip(if: true) ... @include(if: false) { chargeCreditCard { a } } __typename }
      fragment A on Mutation { createCustomer { a } }`;

    assert.deepEqual(braintree(document), []);
  });

  test("exclude a spread without the fragment's other uses", () => {
    const document = `mutation { ...A @skip(if: true) ...B } fragment B on Mutation { ...A }
      fragment A on Mutation { createCustomer { a } }`;

    assert.deepEqual(braintree(document), ["CUSTOMER_CREATE"]);
  });

  test("with variables exclude nothing while the values are unknown", () => {
    assert.deepEqual(needed("@skip(if: $x)", undefined, "($x: Boolean!)"), both);
    assert.deepEqual(needed("@skip(if: $x)", undefined, "($x: Boolean = true)"), both);
    assert.deepEqual(needed("@skip(if: $x)", { variables: {} }, "($x: Boolean!)"), both);
    assert.deepEqual(needed("@skip(if: $x)", { variables: { x: "true" } }, "($x: Boolean!)"), both);
    assert.deepEqual(needed("@skip(if: $x)", { variables: { x: null } }, "($x: Boolean = true)"), both);
  });

  test("with variables use their values, or their defaults", () => {
    assert.deepEqual(needed("@skip(if: $x)", { variables: { x: true } }, "($x: Boolean!)"), without);
    assert.deepEqual(needed("@include(if: $x)", { variables: { x: true } }, "($x: Boolean = false)"), both);
    assert.deepEqual(needed("@include(if: $x)", { variables: { x: false } }, "($x: Boolean!)"), without);
    assert.deepEqual(needed("@include(if: $x)", { variables: {} }, "($x: Boolean = false)"), without);
    assert.deepEqual(needed("@skip(if: $toString)", { variables: {} }, "($toString: Boolean!)"), both);
  });

  test("without an argument, and other directives, exclude nothing", () => {
    assert.deepEqual(needed("@skip"), both);
    assert.deepEqual(needed("@skip(unless: true)"), both);
    assert.deepEqual(needed("@hide(if: true)"), both);
  });
});

describe("an unpublished scope", () => {
  test("is an error that names the field", () => {
    const document =
      "mutation { deleteCustomer { a } again: deleteCustomer { a } chargeCreditCard { a } voidAll }";

    const error = errorOf(() => braintree(document));

    assert.equal(error.code, "unsupported");
    assert.equal(error.provider, "braintree");
    for (const named of ["Mutation.deleteCustomer", "column 12", "Mutation.voidAll"]) {
      assert.ok(error.message.includes(named), named);
    }
  });

  test("is reported without a position if none is known, and a position that throws is an error", () => {
    const name = { kind: "Name", value: "voidAll" };
    const places = {
      none: undefined,
      throwing: {
        get startToken() {
          throw new Error("not for you");
        },
      },
    };
    const document = (/** @type {unknown} */ loc) => {
      const selectionSet = { kind: "SelectionSet", selections: [{ kind: "Field", name, loc }] };
      const operation = { kind: "OperationDefinition", operation: "mutation", selectionSet };
      return { kind: "Document", definitions: [operation] };
    };

    const plain = errorOf(() => requiredScopes(document(places.none), "braintree"));
    const hostile = errorOf(() => requiredScopes(document(places.throwing), "braintree"));

    assert.ok(plain.message.includes("`Mutation.voidAll`") && !plain.message.includes("line"));
    assert.equal(hostile.code, "invalid_options");
  });

  test("is listed by analyse, in addition to the known scopes", () => {
    const document = "mutation { deleteCustomer { a } chargeCreditCard { a } }";

    assert.deepEqual(analyse(document, "braintree"), {
      scopes: ["TRANSACTION_CHARGE"],
      unknown: ["Mutation.deleteCustomer"],
    });
  });

  test("is specific to the root type", () => {
    assert.deepEqual(analyse("{ chargeCreditCard { a } }", "braintree").unknown, ["Query.chargeCreditCard"]);
    assert.deepEqual(analyse("subscription { getWallet }", "fluz").unknown, ["Subscription.getWallet"]);
    assert.deepEqual(analyse("{ node { ... on VenmoPaymentContext { id } } }", "fluz").unknown, [
      "Query.node",
    ]);
    assert.deepEqual(analyse("mutation { node { id } }", "braintree").unknown, ["Mutation.node"]);
  });

  test("includes fields named like members of Object.prototype", () => {
    assert.deepEqual(analyse("{ constructor toString hasOwnProperty valueOf }", "fluz").scopes, []);
    assert.equal(analyse("{ constructor toString hasOwnProperty valueOf }", "fluz").unknown.length, 4);
  });
});

describe("a parsed document", () => {
  const text = `query A { ...F } fragment F on Query { node { ... on VenmoPaymentContext { id } } }
    mutation B { createCustomer @skip(if: true) { a } chargeCreditCard { a } }`;

  test("has the same result as its text", () => {
    const expected = braintree(text);

    assert.deepEqual(requiredScopes(parse(text), "braintree"), expected);
    assert.deepEqual(requiredScopes(parse(text, { noLocation: true }), "braintree"), expected);
  });

  test("may be of any version of graphql-js: only its structure is used", () => {
    const plain = JSON.parse(JSON.stringify(parse(text)));
    // Version 17 omits empty members.
    const sparse = JSON.parse(
      JSON.stringify(plain, (_key, value) =>
        Array.isArray(value) && value.length === 0 ? undefined : value,
      ),
    );

    assert.deepEqual(requiredScopes(plain, "braintree"), braintree(text));
    assert.deepEqual(requiredScopes(sparse, "braintree"), braintree(text));
  });

  test("may be a String object, as generated by code generators", () => {
    class TypedDocumentString extends String {}

    assert.deepEqual(requiredScopes(new TypedDocumentString(text), "braintree"), braintree(text));
  });

  test("is not modified", () => {
    const document = parse(text);
    const before = JSON.stringify(document);

    requiredScopes(document, "braintree");

    assert.equal(JSON.stringify(document), before);
  });
});

describe("an invalid argument:", () => {
  for (const [what, text, place] of [
    ["an unexpected end", "{\n  getWallet {", "line 2, column 14"],
    ["a stray bracket", "{ a }\n}", "line 2, column 1"],
    ["an unterminated string", '{ a(b: "x) }', "line 1"],
    ["an empty document", "", "line 1, column 1"],
    ["a comment", "# nothing", "line 1, column 10"],
  ]) {
    test(`${what} is reported with line and column`, () => {
      const { code, message } = errorOf(() => requiredScopes(text, "fluz"));

      assert.equal(code, "invalid_options");
      assert.ok(message.includes(place), message);
    });
  }

  test("the message does not quote the document, which may contain a secret", () => {
    for (const text of [
      '{ a(b: "planted" "x") }',
      '{ a(b: "x" planted"y") }',
      '{ a(b: """planted""" 1) }',
      '{ a(b: "plan\\ted" }',
      '{ a(b: "x\\uplanted") }',
      "{ a(b: 1planted) }",
      '"planted"',
    ]) {
      const error = errorOf(() => requiredScopes(text, "fluz"));

      assert.ok(!/plan/.test(error.message + JSON.stringify(error)), error.message);
      assert.equal(error.cause, undefined);
    }
  });

  test("undefined fragments are named, wherever they are used", () => {
    for (const document of [
      "{\n ...Missing }",
      "{ __typename\n getWallet { a { ...Missing } } }",
      "{ __typename } query Other { __typename ... @skip(if: true) { ...Missing } }",
    ]) {
      const { code, message } = errorOf(() => requiredScopes(document, "fluz"));

      assert.equal(code, "invalid_options");
      assert.ok(message.includes("`Missing`"));
      assert.ok(errorOf(() => requiredScopes(parse(document), "fluz")).message.includes("`Missing`"));
    }
  });

  test("a document without an operation is rejected", () => {
    for (const document of ["fragment A on Query { a }", "type Query { a: Int }"]) {
      assert.equal(errorOf(() => requiredScopes(document, "fluz")).code, "invalid_options");
    }
  });

  test("anything but a document is rejected", () => {
    for (const document of [
      undefined,
      null,
      1,
      {},
      [],
      { kind: "Document" },
      { kind: "Field" },
      () => "{ a }",
    ]) {
      const { code, message } = errorOf(() => requiredScopes(/** @type {any} */ (document), "fluz"));

      assert.equal(code, "invalid_options");
      assert.ok(message.includes("`document`"));
    }
  });

  test("an unknown provider is rejected, and its name not shown", () => {
    for (const provider of ["planted", "Fluz", undefined, {}, "constructor"]) {
      const { code, message } = errorOf(() => requiredScopes("{ a }", /** @type {any} */ (provider)));

      assert.equal(code, "invalid_options");
      assert.ok(message.includes("`provider`") && !message.includes("planted"));
    }
  });

  test("options are validated", () => {
    for (const [options, named] of /** @type {[any, string][]} */ ([
      [{ operationname: "A" }, "`options`"],
      [{ operationName: 1 }, "`operationName`"],
      [{ variables: [] }, "`variables`"],
      [{ variables: "x" }, "`variables`"],
      ["A", "`options`"],
    ])) {
      const { code, message } = errorOf(() => requiredScopes("{ __typename }", "fluz", options));

      assert.equal(code, "invalid_options");
      assert.ok(message.includes(named), message);
    }
  });
});
