/**
 * The outline of a GraphQL request, extracted from its document.
 *
 * It is used for the log, for matching faults and for Toggle's query cost. graphql-js executes the document and
 * reports its errors.
 *
 * @module
 */

/** @import * as graphql from "graphql" */

/**
 * @typedef {object} Outline
 * @property {readonly string[]} rootFields Names of the called fields, without aliases and duplicates.
 * @property {number} fieldCount Number of selected fields, at any depth.
 */

/** @type {Outline} */
const UNREADABLE = Object.freeze({ rootFields: [], fieldCount: 0 });

/**
 * @param {Pick<typeof graphql, "parse">} engine
 * @param {{ query?: unknown, operationName?: unknown }} request
 * @returns {Outline}
 */
export function outline({ parse }, { query, operationName }) {
  if (typeof query !== "string") return UNREADABLE;
  let document;
  try {
    document = parse(query, { noLocation: true });
  } catch {
    return UNREADABLE;
  }
  const operation = document.definitions.find(
    (definition) =>
      definition.kind === "OperationDefinition" &&
      (typeof operationName !== "string" || definition.name?.value === operationName),
  );
  if (operation?.kind !== "OperationDefinition") return UNREADABLE;

  /** @type {Map<string, graphql.SelectionSetNode>} */
  const fragments = new Map();
  for (const definition of document.definitions) {
    if (definition.kind === "FragmentDefinition")
      fragments.set(definition.name.value, definition.selectionSet);
  }
  const rootFields = new Set();
  let fieldCount = 0;
  for (const { name, depth } of fields(operation.selectionSet, fragments, new Set(), 0)) {
    if (depth === 0) rootFields.add(name);
    fieldCount += 1;
  }
  return { rootFields: [...rootFields], fieldCount };
}

/**
 * @param {graphql.SelectionSetNode} selectionSet
 * @param {Map<string, graphql.SelectionSetNode>} fragments
 * @param {Set<string>} spread Fragments already spread: a document may contain a cycle, which only validation rejects.
 * @param {number} depth
 * @returns {Generator<{ name: string, depth: number }>}
 */
function* fields(selectionSet, fragments, spread, depth) {
  for (const selection of selectionSet.selections) {
    if (selection.kind === "Field") {
      yield { name: selection.name.value, depth };
      if (selection.selectionSet) yield* fields(selection.selectionSet, fragments, spread, depth + 1);
    } else if (selection.kind === "InlineFragment") {
      yield* fields(selection.selectionSet, fragments, spread, depth);
    } else {
      const name = selection.name.value;
      const fragment = fragments.get(name);
      if (!fragment || spread.has(name)) continue;
      spread.add(name);
      yield* fields(fragment, fragments, spread, depth);
    }
  }
}
