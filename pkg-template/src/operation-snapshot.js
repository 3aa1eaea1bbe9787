// A snapshot of a GraphQL operation that is passed to `tokens.request`.
//
// The options and variables are validated, copied and serialized when `request` is called, because the caller's objects may
// change while the token is awaited. The document is printed as soon as the core runs: those of `gql` do not change.

import { checkedSignal } from "./abort-signal.js";
import { isObject } from "./is-object.js";
import { invalidOptions } from "./token-error.js";

/**
 * An operation as it was when `request` was called.
 *
 * @typedef {object} OperationSnapshot
 * @property {any} document as the caller passed it
 * @property {any} variables as the caller passed them
 * @property {string | undefined} operationName
 * @property {string} rest of the body of the request, an object without `query`
 * @property {Headers | undefined} headers that the caller adds
 * @property {AbortSignal | undefined} signal
 * @property {any} scopes a list, or a function that returns one
 * @property {number} maxResponseBytes
 */

/**
 * Takes a snapshot of an operation.
 *
 * @param {any} document
 * @param {any} variables
 * @param {any} options
 * @returns {OperationSnapshot}
 */
export function operationSnapshot(document, variables, options) {
  const checkedOptions = checked(options);
  const { operationName } = checkedOptions;
  const rest = serialized({ variables: variables ?? undefined, operationName });
  return { document, variables, rest, ...checkedOptions, operationName: operationName ?? undefined };
}

/** Validates and copies the options of `request()`. @param {any} options */
function checked(options = {}) {
  if (!isObject(options))
    throw invalidOptions("the options of request() are no object; give one, or leave them out");
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key))
      throw invalidOptions(`an option of request() is not known; known are \`${OPTIONS.join("`, `")}\``);
  }
  const { operationName, signal, headers, scopes, maxResponseBytes = DEFAULT_MAX_RESPONSE_BYTES } = options;
  if (operationName !== undefined && operationName !== null && typeof operationName !== "string") {
    throw invalidOptions(
      "option `operationName` is no string; give the name of an operation of the document",
    );
  }
  if (typeof maxResponseBytes !== "number" || !(maxResponseBytes > 0)) {
    throw invalidOptions("option `maxResponseBytes` must be a number of bytes above 0, or left out");
  }
  // Copied, so that later changes by the caller have no effect.
  const own = {
    headers: headers === undefined ? undefined : new Headers(headers),
    scopes: Array.isArray(scopes) ? [...scopes] : scopes,
  };
  return { operationName, signal: checkedSignal(signal), maxResponseBytes, ...own };
}

/** The default of `maxResponseBytes`: 16 MiB, ten times the size of a list of a thousand objects. */
const DEFAULT_MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

const OPTIONS = ["operationName", "signal", "headers", "scopes", "maxResponseBytes"];

/** Serializes a part of the body of a request. @param {{ variables: any, operationName: any }} body */
function serialized(body) {
  if (body.variables !== undefined && !isObject(body.variables)) {
    throw invalidOptions("the variables of request() are no object; give one, or leave them out");
  }
  let text;
  try {
    text = JSON.stringify(body);
  } catch {
    throw invalidOptions(
      "the variables of request() cannot be written as JSON: a bigint, or an object in itself; give JSON",
    );
  }
  return text;
}
