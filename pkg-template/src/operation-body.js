// The body of a GraphQL request.

import { isObject } from "./is-object.js";
import { operationsOf } from "./operations.js";
import { print } from "./print-document.js";
import { TokenError, invalidOptions } from "./token-error.js";

/**
 * Returns the body of a request. Throws a {@link TokenError} if the document cannot be sent.
 *
 * @param {import("./operation-snapshot.js").OperationSnapshot} operation
 */
export function bodyOf({ document, operationName, variables, rest }) {
  // A file is written as an empty object, which is rare, so most variables are not searched.
  if (rest.includes("{}") && containsFile(variables)) {
    throw invalidOptions(
      "the variables of request() contain a file; send it with `tokens.fetch` and a `FormData`, in the form of the " +
        "GraphQL multipart request specification",
    );
  }
  const query = textOf(document);
  if (query.includes("subscription") && isSubscription(query, operationName)) throw notOneResponse();
  return `{"query":${JSON.stringify(query)}${rest === "{}" ? "" : ","}${rest.slice(1)}`;
}

/**
 * Returns whether a request runs a subscription: the named operation, or each operation of the document without a name.
 *
 * @param {string} query
 * @param {string | undefined} operationName
 */
function isSubscription(query, operationName) {
  const operations = operationsOf(query);
  const selected =
    operationName === undefined ? operations : operations.filter(({ name }) => name === operationName);
  return selected.length > 0 && selected.every(({ kind }) => kind === "subscription");
}

/** @param {any} document */
function printed(document) {
  try {
    return print(document);
  } catch (error) {
    if (TokenError.is(error)) throw error;
    throw invalidOptions(
      "the document of request() is nested too deep, or is not a tree as graphql-js makes it",
    );
  }
}

/** Returns the source of a document. @param {any} document */
function textOf(document) {
  if (isObject(document) && Array.isArray(document.definitions)) return printed(document);
  const isText =
    typeof document === "string" || Object.prototype.toString.call(document) === "[object String]";
  const text = isText ? `${document}` : "";
  if (text.trim() !== "") return text;
  throw invalidOptions(
    "request() needs a GraphQL document first: a string, or a DocumentNode as `gql` gives",
  );
}

function notOneResponse() {
  return new TokenError(
    "unsupported",
    "request() returns one response, and a subscription has many; subscribe with a client such as graphql-ws or " +
      "graphql-sse, and give it `tokens.authorization()`",
  );
}

/**
 * Returns whether a value is a `Blob` or `File`, or contains one.
 *
 * @param {any} value that can be written as JSON
 * @returns {boolean}
 */
function containsFile(value) {
  if (typeof value !== "object" || value === null) return false;
  if (["[object Blob]", "[object File]"].includes(Object.prototype.toString.call(value))) return true;
  return Object.values(value).some(containsFile);
}
