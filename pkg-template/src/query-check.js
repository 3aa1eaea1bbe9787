// Recognizes requests that only read, which can be sent again after a part of them was executed.

import { isRead } from "./request-snapshot.js";
import { parsed } from "./response-outline.js";

/**
 * Returns whether a request contains queries alone. In doubt it does not: a document with the word "mutation" anywhere, a
 * persisted operation, or a body that is no JSON text.
 *
 * @param {import("./request-snapshot.js").RequestSnapshot} request
 */
export function isQuery({ request, init }) {
  // GraphQL over HTTP, section 6.1: a mutation must not be sent by GET.
  if (request !== undefined) return isRead(request.method);
  if (isRead(init.method)) return true;
  const body = typeof init.body === "string" ? parsed(init.body) : undefined;
  const operations = Array.isArray(body) ? body : [body];
  return operations.every(
    (operation) =>
      typeof operation?.query === "string" && !/\b(?:mutation|subscription)\b/.test(operation.query),
  );
}
