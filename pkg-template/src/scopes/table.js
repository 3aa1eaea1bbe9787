// The published scopes in two forms: as a list for documentation and user interfaces, and as an index by operation.

/** @import { Scope } from "../../scopes.js" */

/**
 * The published usage of a scope. `nodes` are types that the root field `node` returns.
 * @typedef {{ description?: string, queries?: string[], mutations?: string[], nodes?: string[] }} Usage
 */

/**
 * The scopes of a provider, and the operations that need none by its documentation.
 * @typedef {{ usage: Record<string, Usage>, unscoped: { queries?: string[], mutations?: string[] } }} Table
 */

/**
 * The literal names in a type that also accepts any other string.
 * @template T
 * @typedef {T extends string ? (string extends T ? never : T) : never} Known
 */

/**
 * Scopes by operation: a field of a root type, such as `Mutation.purchaseGiftCard`, or a type that `Query.node`
 * returns, such as `Node.venmoPaymentContext`.
 * @typedef {ReadonlyMap<string, readonly string[]>} Index
 */

/**
 * Returns the scopes of a provider as a list.
 *
 * @param {Table} table
 * @returns {readonly Scope[]}
 */
export function listOf({ usage }) {
  return Object.freeze(
    Object.entries(usage).map(([name, { description, queries = [], mutations = [], nodes = [] }]) => {
      const operations = [...queries, ...mutations, ...nodes.map(nodeName)];
      return Object.freeze({
        name,
        ...(description && { description }),
        ...(operations.length > 0 && { operations: Object.freeze(operations) }),
      });
    }),
  );
}

/**
 * Returns the scopes of a provider by operation.
 *
 * @param {Table} table
 * @returns {Index}
 */
export function indexOf({ usage, unscoped }) {
  /** @type {Map<string, string[]>} */
  const index = new Map();
  for (const operation of operationsOf(unscoped)) index.set(operation, []);
  for (const [scope, uses] of Object.entries(usage)) {
    for (const operation of operationsOf(uses))
      index.set(operation, [...(index.get(operation) ?? []), scope]);
  }
  return index;
}

/** @param {Usage} usage */
function operationsOf({ queries = [], mutations = [], nodes = [] }) {
  return [
    ...queries.map((field) => `Query.${field}`),
    ...mutations.map((field) => `Mutation.${field}`),
    ...nodes.map(nodeName),
  ];
}

/**
 * Returns the key of a type that `node` returns.
 * @param {string} type
 */
export function nodeName(type) {
  return `Node.${type.slice(0, 1).toLowerCase()}${type.slice(1)}`;
}
