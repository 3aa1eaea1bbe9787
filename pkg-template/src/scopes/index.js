// Computes the scopes that a document needs, from the providers' published tables. Operations that are not in the
// tables are reported as unknown.

import { PROVIDERS } from "../tables.js";
import { TokenError } from "../token-error.js";
import { BRAINTREE } from "./braintree.js";
import { definitionsOf, nameOf, placeOf, stepCounter } from "./document.js";
import { FLUZ } from "./fluz.js";
import { invalid, listed, refusing } from "./errors.js";
import { conditionsOf, selected } from "./selection.js";
import { indexOf, listOf, nodeName } from "./table.js";

/** @import { Node } from "./document.js" */
/** @import { Reading } from "./selection.js" */
/** @import { Index } from "./table.js" */

export const scopes = Object.freeze({ fluz: listOf(FLUZ), braintree: listOf(BRAINTREE) });

/** @type {ReadonlyMap<unknown, Index | undefined>} `undefined` for a provider without scopes. */
const INDEXES = new Map([
  ...PROVIDERS.map((name) => /** @type {const} */ ([name, undefined])),
  ["fluz", indexOf(FLUZ)],
  ["braintree", indexOf(BRAINTREE)],
]);

/** Root types by the kind of operation. */
const ROOT_TYPES = new Map([
  ["query", "Query"],
  ["mutation", "Mutation"],
  ["subscription", "Subscription"],
]);

/**
 * Returns the scopes that a document needs. Throws if those of a field are not published.
 *
 * @param {unknown} document
 * @param {unknown} of the provider's name, or a request to a provider
 * @param {unknown} [options]
 */
export function requiredScopes(document, of, options) {
  const { provider, ...request } = isRequest(of) ? of : { provider: of };
  const { scopes, unknown } = read(document, provider, isRequest(of) ? request : options);
  const [first, ...others] = [...unknown.keys()].sort();
  if (first === undefined) return scopes;
  const fields = `${listed([first])}${unknown.get(first)}${others.length > 0 ? `, ${listed(others)}` : ""}`;
  throw new TokenError(
    "unsupported",
    `${provider} does not publish the scopes of ${fields}; name the scopes yourself (\`analyse\` gives those that are known)`,
    { provider: /** @type {string} */ (provider) },
  );
}

/**
 * @param {any} of
 * @returns {of is { provider: unknown }}
 */
const isRequest = (of) => typeof of === "object" && of !== null && "provider" in of;

/**
 * Returns the published scopes that a document needs, and the fields without published scopes.
 *
 * @param {unknown} document
 * @param {unknown} provider
 * @param {unknown} [options]
 */
export function analyse(document, provider, options) {
  const { scopes, unknown } = read(document, provider, options);
  return { scopes, unknown: [...unknown.keys()].sort() };
}

/**
 * Returns the scopes, and the fields without published scopes with the position of their first use, for a
 * message.
 * @param {unknown} document
 * @param {unknown} provider
 * @param {unknown} options
 * @returns {{ scopes: string[], unknown: Map<string, string> }}
 */
function read(document, provider, options) {
  return refusing(() => {
    if (!INDEXES.has(provider)) throw invalid(`\`provider\` must be one of "${PROVIDERS.join('", "')}"`);
    const { operationName, variables } = optionsOf(options);
    const step = stepCounter();
    const { operations, fragments } = definitionsOf(document, step);
    const asked = named(operations, operationName);
    const index = INDEXES.get(provider);
    /** @type {Set<string>} */
    const needed = new Set();
    /** @type {Map<string, string>} */
    const unknown = new Map();
    for (const operation of asked) {
      if (!index) break;
      const reading = { fragments, valueOf: conditionsOf(operation, variables), step };
      for (const [name, node] of operationsIn(operation, reading, index)) {
        const found = index.get(name);
        if (!found && !unknown.has(name)) unknown.set(name, placeOf(node));
        found?.forEach((scope) => needed.add(scope));
      }
    }
    return { scopes: [...needed].sort(), unknown };
  });
}

/**
 * Yields the keys to look up (`Mutation.purchaseGiftCard`, `Node.venmoPaymentContext`) and the fields that select them.
 * @param {Node} operation
 * @param {Reading} reading
 * @param {Index} index
 * @returns {Generator<[name: string, field: Node]>}
 */
function* operationsIn(operation, reading, index) {
  const root = ROOT_TYPES.get(operation.operation);
  if (!root) throw invalid("`document` has an operation that is no query, mutation or subscription");
  /** @type {Map<string, Node[]>} */
  const nodes = new Map();
  for (const field of selected([operation], reading).fields) {
    const name = nameOf(field);
    // Introspection needs no scope.
    if (name.startsWith("__")) continue;
    if (root !== "Query" || name !== "node" || !givesNodes(index)) {
      yield [`${root}.${name}`, field];
      continue;
    }
    // Servers merge fields with the same key in the response.
    const key = field.alias ? nameOf({ name: field.alias }) : name;
    nodes.set(key, [...(nodes.get(key) ?? []), field]);
  }
  for (const fields of nodes.values()) {
    for (const name of nodesIn(fields, reading)) yield [name, /** @type {Node} */ (fields[0])];
  }
}

/**
 * Returns whether the provider lists scopes by the type that the root field `node` returns.
 * @param {Index} index
 */
const givesNodes = (index) => [...index.keys()].some((name) => name.startsWith("Node."));

/**
 * Returns the keys for a selection of `node`, from the types of its fragments.
 * @param {Node[]} fields
 * @param {Reading} reading
 */
function nodesIn(fields, reading) {
  const { types } = selected(fields, reading);
  // A fragment on the interface `Node` does not restrict the type.
  types.delete("Node");
  return types.size > 0 ? [...types].map(nodeName) : ["Query.node"];
}

/**
 * Returns the operation that is named, or all if none is named.
 * @param {Node[]} operations
 * @param {string | undefined} operationName
 */
function named(operations, operationName) {
  if (operationName === undefined) return operations;
  const names = operations.filter(({ name }) => name).map(nameOf);
  const found = operations.filter(({ name }) => name?.value === operationName);
  if (found.length > 0) return found;
  const known = names.length > 0 ? `it has ${listed(names)}` : "none of them has a name";
  throw invalid(`\`operationName\` names no operation of the document; ${known}`);
}

/**
 * @param {any} options
 * @returns {{ operationName?: string | undefined, variables?: Record<string, unknown> | undefined }}
 */
function optionsOf(options) {
  if (options === undefined || options === null) return {};
  if (typeof options !== "object") throw invalid("`options` must be an object");
  const unknown = Object.keys(options).filter((key) => key !== "operationName" && key !== "variables");
  if (unknown.length > 0) throw invalid("`options` takes `operationName` and `variables`, and nothing else");
  // In requests, both may be null, which means that they are absent.
  const operationName = options.operationName ?? undefined;
  const variables = options.variables ?? undefined;
  if (operationName !== undefined && typeof operationName !== "string") {
    throw invalid("`operationName` must be a string");
  }
  if (variables !== undefined && (typeof variables !== "object" || Array.isArray(variables))) {
    throw invalid("`variables` must be an object");
  }
  return { operationName, variables };
}
