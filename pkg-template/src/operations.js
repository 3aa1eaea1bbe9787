// The operations of a GraphQL document.

/**
 * An operation of a document.
 *
 * @typedef {object} DocumentOperation
 * @property {string} kind `"query"`, `"mutation"` or `"subscription"`
 * @property {string | undefined} name
 */

/** The lexical tokens that matter (GraphQL specification, section 2.1); strings and comments hide the others. */
const TOKENS = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n\r])*"|#[^\n\r]*|[{}()[\]]|[$@]?[_A-Za-z][_0-9A-Za-z]*/g;

const KINDS = ["query", "mutation", "subscription"];

/**
 * Returns the operations of a document, without those in shorthand, which are queries. The document is not validated.
 *
 * @param {string} document
 * @returns {DocumentOperation[]}
 */
export function operationsOf(document) {
  const operations = [];
  let depth = 0;
  // The last name, if it is a keyword at the start of a definition: an operation's name may follow.
  /** @type {DocumentOperation | undefined} */
  let opened;
  let isStart = true;
  for (const [token] of document.matchAll(TOKENS)) {
    if (token[0] === '"' || token[0] === "#") continue;
    if ("{([".includes(token)) depth += 1;
    else if ("})]".includes(token)) depth -= 1;
    else if (depth === 0 && opened && !/^[$@]/.test(token)) opened.name ??= token;
    const operation =
      isStart && depth === 0 && KINDS.includes(token) ? { kind: token, name: undefined } : undefined;
    if (operation) operations.push(operation);
    opened = operation;
    isStart = depth === 0 && token === "}";
  }
  return operations;
}
