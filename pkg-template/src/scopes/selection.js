// The fields of a selection at one level, with those of its fragments and without those that `@skip` and `@include`
// omit.

import { nameOf, selectionsOf } from "./document.js";

/** @import { Node } from "./document.js" */

/**
 * @typedef {object} Reading
 * @property {ReadonlyMap<string, Node>} fragments
 * @property {(condition: unknown) => boolean | undefined} valueOf returns the value of an argument `if`; `undefined` if
 *   it is unknown
 * @property {() => void} step
 */

/**
 * Returns the fields, and the types to which fragments restrict some of them.
 * @param {readonly Node[]} parents
 * @param {Reading} reading
 */
export function selected(parents, { fragments, valueOf, step }) {
  /** @type {Node[]} */
  const fields = [];
  /** @type {Set<string>} */
  const types = new Set();
  // Each node is visited once, because a fragment may spread itself.
  const seen = new Set();
  const open = [...parents];
  for (let parent = open.pop(); parent; parent = open.pop()) {
    if (seen.has(parent)) continue;
    seen.add(parent);
    for (const selection of selectionsOf(parent)) {
      step();
      if (isLeftOut(selection, valueOf)) continue;
      if (selection.kind === "Field") fields.push(selection);
      const fragment = selection.kind === "FragmentSpread" ? fragments.get(nameOf(selection)) : selection;
      if (!fragment || fragment.kind === "Field") continue;
      if (fragment.typeCondition) types.add(nameOf(fragment.typeCondition));
      open.push(fragment);
    }
  }
  return { fields, types };
}

/**
 * Returns whether a selection is certainly omitted. If that is unknown, it counts as selected.
 * @param {Node} selection
 * @param {Reading["valueOf"]} valueOf
 */
function isLeftOut({ directives }, valueOf) {
  if (!Array.isArray(directives)) return false;
  return directives.some((directive) => {
    const name = nameOf(directive);
    if (name !== "skip" && name !== "include") return false;
    const condition = directive.arguments?.find?.(
      (/** @type {Node} */ argument) => nameOf(argument) === "if",
    );
    return valueOf(condition?.value) === (name === "skip");
  });
}

/**
 * Returns a function that evaluates conditions in one operation.
 *
 * @param {Node} operation
 * @param {Readonly<Record<string, unknown>> | undefined} variables all variables of the request, so that an omitted one
 *   has its default; `undefined` if they are unknown
 * @returns {Reading["valueOf"]}
 */
export function conditionsOf({ variableDefinitions }, variables) {
  /** @param {any} node */
  const literal = (node) => (node?.kind === "BooleanValue" ? node.value === true : undefined);
  return (/** @type {any} */ node) => {
    if (node?.kind !== "Variable" || !variables) return literal(node);
    const name = nameOf(node);
    const given = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (given !== undefined) return typeof given === "boolean" ? given : undefined;
    const definition = variableDefinitions?.find?.(
      (/** @type {Node} */ { variable }) => nameOf(variable) === name,
    );
    return literal(definition?.defaultValue);
  };
}
