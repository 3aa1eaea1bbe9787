// Prints a GraphQL document from its syntax tree (GraphQL specification, section 2).
//
// The source text in `loc` is not used, because tools change the tree: they add fragments and remove fields. Only
// executable definitions are supported, not type definitions.

import { TokenError } from "./token-error.js";

/** @typedef {any} Node a node of graphql-js's tree, of any version */

/** The printed documents. Programs use the same document objects again and again. */
const known = /** @type {WeakMap<object, string>} */ (new WeakMap());

/**
 * @param {Node} document
 * @returns {string}
 */
export function print(document) {
  const before = known.get(document);
  if (before !== undefined) return before;
  const text = list(document.definitions, "\n");
  known.set(document, text);
  return text;
}

/** @param {Node} node @returns {string} */
function write(node) {
  const writer = Object.hasOwn(WRITERS, node?.kind) ? WRITERS[node.kind] : undefined;
  if (writer !== undefined) return writer(node);
  throw new TokenError(
    "invalid_options",
    "the document of request() holds something that cannot be executed; give operations and fragments alone",
  );
}

/** @param {Node[] | undefined} nodes */
function list(nodes, between = " ") {
  return (nodes ?? []).map(write).join(between);
}

/** @param {string} before @param {string} text */
const after = (before, text, end = "") => (text === "" ? "" : before + text + end);

/** @param {Node} node */
const directives = (node) => after(" ", list(node.directives));

/** @param {Node} node */
const variables = (node) => after("(", list(node.variableDefinitions, ", "), ")");

/** @param {Node} node */
const args = (node) => after("(", list(node.arguments, ", "), ")");

/** @param {Node} node */
const selection = (node) => (node.selectionSet ? ` ${write(node.selectionSet)}` : "");

/** @type {Record<string, (node: Node) => string>} */
const WRITERS = {
  OperationDefinition: (it) =>
    `${it.operation}${after(" ", it.name?.value ?? "")}${variables(it)}${directives(it)}${selection(it)}`,
  VariableDefinition: (it) =>
    `${write(it.variable)}: ${write(it.type)}${it.defaultValue ? ` = ${write(it.defaultValue)}` : ""}${directives(it)}`,
  SelectionSet: (it) => `{ ${list(it.selections)} }`,
  Field: (it) =>
    `${it.alias ? `${it.alias.value}: ` : ""}${it.name.value}${args(it)}${directives(it)}${selection(it)}`,
  FragmentSpread: (it) => `...${it.name.value}${args(it)}${directives(it)}`,
  InlineFragment: (it) =>
    `...${it.typeCondition ? ` on ${write(it.typeCondition)}` : ""}${directives(it)}${selection(it)}`,
  FragmentDefinition: (it) =>
    `fragment ${it.name.value}${variables(it)} on ${write(it.typeCondition)}${directives(it)}${selection(it)}`,
  Directive: (it) => `@${it.name.value}${args(it)}`,
  Argument: (it) => `${it.name.value}: ${write(it.value)}`,
  FragmentArgument: (it) => `${it.name.value}: ${write(it.value)}`,
  Variable: (it) => `$${it.name.value}`,
  NamedType: (it) => it.name.value,
  ListType: (it) => `[${write(it.type)}]`,
  NonNullType: (it) => `${write(it.type)}!`,
  IntValue: (it) => it.value,
  FloatValue: (it) => it.value,
  // A block string is equivalent to a quoted string with the same value, and JSON's escapes are valid in GraphQL.
  StringValue: (it) => JSON.stringify(it.value),
  BooleanValue: (it) => `${it.value}`,
  NullValue: () => "null",
  EnumValue: (it) => it.value,
  ListValue: (it) => `[${list(it.values, ", ")}]`,
  ObjectValue: (it) => `{${list(it.fields, ", ")}}`,
  ObjectField: (it) => `${it.name.value}: ${write(it.value)}`,
};
