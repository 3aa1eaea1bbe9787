// A snapshot of a GraphQL operation that is passed to `tokens.request`.
//
// Everything is validated, copied and serialized when `request` is called, because the caller's objects may change while
// the token is awaited.

import { checkedSignal } from "./abort-signal.js";
import { print } from "./print-document.js";
import { TokenError } from "./token-error.js";

/**
 * An operation as it was when `request` was called.
 *
 * @typedef {object} OperationSnapshot
 * @property {any} document as the caller passed it
 * @property {any} variables as the caller passed them
 * @property {string | undefined} operationName
 * @property {string} body of the request
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
  const query = textOf(document);
  if (/^(?:[\s,]|#.*)*subscription\b/.test(query)) throw notOneResponse();
  const body = serialized({ query, variables: variables ?? undefined, operationName });
  return { document, variables, body, ...checkedOptions, operationName: operationName ?? undefined };
}

/** Validates and copies the options of `request()`. @param {any} options */
function checked(options = {}) {
  if (!isObject(options))
    throw invalid("the options of request() are no object; give one, or leave them out");
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key))
      throw invalid(`an option of request() is not known; known are \`${OPTIONS.join("`, `")}\``);
  }
  const { operationName, signal, headers, scopes, maxResponseBytes = DEFAULT_MAX_RESPONSE_BYTES } = options;
  if (operationName !== undefined && operationName !== null && typeof operationName !== "string") {
    throw invalid("option `operationName` is no string; give the name of an operation of the document");
  }
  if (typeof maxResponseBytes !== "number" || !(maxResponseBytes > 0)) {
    throw invalid("option `maxResponseBytes` must be a number of bytes above 0, or left out");
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

/** @param {any} document */
function printed(document) {
  try {
    return print(document);
  } catch (error) {
    if (TokenError.is(error)) throw error;
    throw invalid("the document of request() is nested too deep, or is not a tree as graphql-js makes it");
  }
}

/** Returns the source of a document. @param {any} document */
function textOf(document) {
  if (isObject(document) && Array.isArray(document.definitions)) return printed(document);
  const isText =
    typeof document === "string" || Object.prototype.toString.call(document) === "[object String]";
  const text = isText ? `${document}` : "";
  if (text.trim() !== "") return text;
  throw invalid("request() needs a GraphQL document first: a string, or a DocumentNode as `gql` gives");
}

/** Serializes the body of a request. @param {{ query: string, variables: any, operationName: any }} body */
function serialized(body) {
  if (body.variables !== undefined && !isObject(body.variables)) {
    throw invalid("the variables of request() are no object; give one, or leave them out");
  }
  let text;
  try {
    text = JSON.stringify(body);
  } catch {
    throw invalid(
      "the variables of request() cannot be written as JSON: a bigint, or an object in itself; give JSON",
    );
  }
  // A file is written as an empty object, which is rare, so most variables are not searched.
  if (text.includes("{}") && containsFile(body.variables)) {
    throw invalid(
      "the variables of request() contain a file; send it with `tokens.fetch` and a `FormData`, in the form of the " +
        "GraphQL multipart request specification",
    );
  }
  return text;
}

/**
 * Returns whether a value is a `Blob` or `File`, or contains one.
 *
 * @param {any} value that can be written as JSON
 * @returns {boolean}
 */
function containsFile(value) {
  if (typeof value !== "object" || value === null) return false;
  if (/^\[object (?:Blob|File)\]$/.test(Object.prototype.toString.call(value))) return true;
  return Object.values(value).some(containsFile);
}

function notOneResponse() {
  return new TokenError(
    "unsupported",
    "request() returns one response, and a subscription has many; subscribe with a client such as graphql-ws or " +
      "graphql-sse, and give it `tokens.authorization()`",
  );
}

/** @param {string} message */
function invalid(message) {
  return new TokenError("invalid_options", message);
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
