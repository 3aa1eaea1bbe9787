// What is published about scopes, in the two forms in which it is used: as a list for people, and by operation.

/** @import { Scope } from "../../scopes.js" */

/**
 * What a scope is for, as published. A node is a type that the root field `node` gives.
 * @typedef {{ description?: string, queries?: string[], mutations?: string[], nodes?: string[] }} Usage
 */

/**
 * A provider's scopes, and the operations that are documented to need none.
 * @typedef {{ usage: Record<string, Usage>, unscoped: { queries?: string[], mutations?: string[] } }} Table
 */

/**
 * The names in a type of names that accepts any string as well.
 * @template T
 * @typedef {T extends string ? (string extends T ? never : T) : never} Known
 */

/**
 * Scopes by operation: a field of a root type, as `Mutation.purchaseGiftCard`, or a type that `Query.node` gives, as
 * `Node.venmoPaymentContext`.
 * @typedef {ReadonlyMap<string, readonly string[]>} Index
 */

/**
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
 * What Braintree's table calls a type that `node` gives.
 * @param {string} type
 */
export function nodeName(type) {
  return `Node.${type.slice(0, 1).toLowerCase()}${type.slice(1)}`;
}
