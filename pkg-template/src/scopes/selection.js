// What a selection asks for at one level, through fragments, as far as `@skip` and `@include` leave it in.

import { nameOf, selectionsOf } from "./document.js";

/** @import { Node } from "./document.js" */

/**
 * @typedef {object} Reading
 * @property {ReadonlyMap<string, Node>} fragments
 * @property {(condition: unknown) => boolean | undefined} valueOf Of the argument `if`; `undefined` if it is not known.
 * @property {() => void} step
 */

/**
 * The fields, and the types to which fragments restrict some of them.
 * @param {readonly Node[]} parents
 * @param {Reading} reading
 */
export function selected(parents, { fragments, valueOf, step }) {
  /** @type {Node[]} */
  const fields = [];
  /** @type {Set<string>} */
  const types = new Set();
  // Each once: a document may spread a fragment in itself.
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
 * Whether a selection is certainly left out. Where that is not known, it is asked for.
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
 * Values of conditions in one operation.
 *
 * @param {Node} operation
 * @param {Readonly<Record<string, unknown>> | undefined} variables All of the request, so that those left out have
 * their default; nothing is known of any if `undefined`.
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
