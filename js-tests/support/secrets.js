/**
 * Searches for secrets in all representations of a value.
 *
 * @module
 */

import assert from "node:assert/strict";
import { format, inspect } from "node:util";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/**
 * Returns all secrets in the sandbox's credentials, in the forms in which they are configured and sent.
 * @param {Sandbox} sandbox
 */
export function secretsOf({ fluz, toggle, braintree, acme }) {
  const pair = Buffer.from(fluz.apiKey, "base64").toString();
  const client = Buffer.from(`${braintree.clientId}:${braintree.clientSecret}`).toString("base64");
  const secrets = [fluz.apiKey, pair, pair.split(":")[1] ?? pair, toggle.password];
  return [...secrets, braintree.clientSecret, client, acme.secret];
}

/**
 * Fails if any representation of a value, printed, copied or traversed, contains one of the secrets.
 *
 * The error does not contain them either.
 * @param {unknown} value
 * @param {readonly string[]} secrets
 */
export function assertHoldsNone(value, secrets) {
  for (const [way, text] of waysToShow(value)) {
    secrets.forEach((secret, place) => {
      assert.ok(secret.length > 3, "a secret this short is found by chance");
      assert.ok(!text.includes(secret), `secret number ${place} is seen by ${way}`);
    });
  }
}

/**
 * @param {unknown} value
 * @returns {[way: string, text: string][]}
 */
export function waysToShow(value) {
  return [
    ["String()", String(value)],
    ["JSON.stringify", `${JSON.stringify(value)}`],
    ["inspect", inspect(value)],
    ["inspect in depth", inspect(value, { showHidden: true, depth: Infinity })],
    ["inspect without its own method", inspect(value, { customInspect: false, depth: Infinity })],
    ["inspect of hidden parts", inspect(value, { customInspect: false, depth: Infinity, showHidden: true })],
    [
      "assert's inspect",
      inspect(value, { customInspect: false, depth: Infinity, getters: true, sorted: true }),
    ],
    ["console.log", format("%s %o %O %j", value, value, value, value)],
    ["structuredClone", clone(value)],
    ["taking it apart", [...parts(value)].join("\n")],
  ];
}

/** @param {unknown} value */
function clone(value) {
  try {
    return inspect(structuredClone(value), { showHidden: true, depth: Infinity });
  } catch {
    // Not all values can be cloned.
    return "";
  }
}

/**
 * Yields all strings in a value: keys and values of own properties, enumerable or not, at any depth.
 * @param {unknown} value
 * @param {Set<unknown>} [seen]
 * @returns {Generator<string>}
 */
function* parts(value, seen = new Set()) {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    yield String(value);
    return;
  }
  if (seen.has(value)) return;
  seen.add(value);
  for (const key of Reflect.ownKeys(value)) {
    yield String(key);
    yield* parts(Reflect.get(value, key), seen);
  }
}
