// Recognizes requests that only read, which can be sent again after a part of them was executed.

import { isRead } from "./request-snapshot.js";
import { parsed } from "./response-outline.js";

/**
 * Returns whether a request contains queries alone. In doubt it does not: a document with the word "mutation" anywhere, a
 * persisted operation, or a body that is no JSON text.
 *
 * @param {import("./request-snapshot.js").RequestSnapshot} request
 */
export function isQuery({ url, request, init }) {
  const inUrl = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1]);
  if (isRead(request?.method ?? init.method)) return isQueryText(inUrl.get("query"));
  if (request !== undefined || inUrl.has("query") || typeof init.body !== "string") return false;
  const body = parsed(init.body);
  const operations = Array.isArray(body) ? body : [body];
  return operations.length > 0 && operations.every((operation) => isQueryText(operation?.query));
}

/** @param {unknown} document */
function isQueryText(document) {
  return typeof document === "string" && !/\b(?:mutation|subscription)\b/.test(document);
}
