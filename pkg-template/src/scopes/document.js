// Parses a GraphQL document into its operations and fragments, or reports the position of a mistake.

import { GraphQLError, Lexer, Source, TokenKind, parse } from "graphql";
import { invalid, listed } from "./errors.js";

/**
 * A node of a graphql-js syntax tree of any version. User-supplied trees are not trusted to be valid.
 * @typedef {{ kind?: unknown, [key: string]: any }} Node
 */

/**
 * @typedef {object} Definitions
 * @property {Node[]} operations
 * @property {Map<string, Node>} fragments
 */

/** The longest document in characters: ten times the length of one with a thousand operations. */
const MAX_LENGTH = 1_000_000;

/** The most tokens: enough for the largest generated documents, and parsed in a few dozen milliseconds. */
const MAX_TOKENS = 100_000;

/** The deepest nesting of brackets of any kind. The parser is recursive and must not exhaust the stack. */
const MAX_DEPTH = 500;

/** The most selections examined in one call. With nested fragments, a small document can contain very many. */
const MAX_STEPS = 2_000_000;

/**
 * Returns the operations and fragments of a document.
 *
 * @param {unknown} document
 * @param {() => void} step counts one selection
 * @returns {Definitions}
 */
export function definitionsOf(document, step) {
  const { definitions } = parsed(document);
  if (!Array.isArray(definitions)) throw notADocument();
  /** @type {Definitions} */
  const found = { operations: [], fragments: new Map() };
  for (const definition of definitions) {
    if (definition?.kind === "OperationDefinition") found.operations.push(definition);
    if (definition?.kind === "FragmentDefinition") found.fragments.set(nameOf(definition), definition);
  }
  if (found.operations.length === 0) throw invalid("`document` has no operation; pass a query or a mutation");
  refuseUndefinedFragments(found, step);
  return found;
}

/** Returns a function that counts selections and throws above `MAX_STEPS`. */
export function stepCounter() {
  let steps = 0;
  return () => {
    if (++steps > MAX_STEPS) {
      throw invalid(
        `\`document\` selects too much to be looked at: more than ${MAX_STEPS} times a field or fragment`,
      );
    }
  };
}

/**
 * Returns the name of a field, fragment or operation.
 * @param {Node} node
 * @returns {string}
 */
export function nameOf(node) {
  const name = node.name?.value;
  // Parsers produce valid names only. Others must not get into messages, which show names.
  if (typeof name !== "string" || !/^[_A-Za-z]\w*$/.test(name)) throw notADocument();
  return name;
}

/**
 * Returns the selections of a node.
 * @param {Node} node
 * @returns {Node[]}
 */
export function selectionsOf({ selectionSet }) {
  const selections = selectionSet?.selections ?? [];
  if (!Array.isArray(selections) || selections.some((selection) => typeof selection?.kind !== "string")) {
    throw notADocument();
  }
  return selections;
}

const notADocument = () =>
  invalid(
    "`document` is not a GraphQL document; pass GraphQL as a string, or what a GraphQL parser made of it",
  );

/**
 * @param {any} document
 * @returns {Node}
 */
function parsed(document) {
  // Code generators emit documents as objects of classes that extend String.
  if (typeof document === "string" || document instanceof String) return parsedText(String(document));
  if (document?.kind === "Document") return document;
  throw notADocument();
}

/** @param {string} text */
function parsedText(text) {
  if (text.length > MAX_LENGTH) throw invalid(`\`document\` is longer than ${MAX_LENGTH} characters`);
  try {
    refuseDepth(text);
    return parse(text, { maxTokens: MAX_TOKENS });
  } catch (error) {
    if (error instanceof GraphQLError) throw invalid(`\`document\` is not GraphQL: ${told(error)}`);
    throw error;
  }
}

const OPENING = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Rejects a document that is nested too deep. The limit is fixed, because the size of the stack depends on the engine
 * and the caller.
 * @param {string} text
 */
function refuseDepth(text) {
  const lexer = new Lexer(new Source(text));
  let depth = 0;
  for (let token = lexer.advance(), tokens = 1; token.kind !== TokenKind.EOF; token = lexer.advance()) {
    if (++tokens > MAX_TOKENS) throw invalid(`\`document\` has more than ${MAX_TOKENS} tokens`);
    if (OPENING.has(token.kind) && ++depth > MAX_DEPTH) {
      const { line, column } = token;
      throw invalid(
        `\`document\` is nested more than ${MAX_DEPTH} levels deep (line ${line}, column ${column})`,
      );
    }
    if (CLOSING.has(token.kind)) depth -= 1;
  }
}

/**
 * Returns the message and position of a syntax error without the quoted source, which may be a part of a secret.
 * @param {GraphQLError} error
 */
function told({ message, locations }) {
  const what = message
    .replace(/^Syntax Error: /, "")
    .replace(/\b(Name|Int|Float|String|BlockString|Comment) ".*"/su, "$1")
    .replace(/: .*$/su, "")
    .replace(/\.$/, "");
  const { line, column } = locations?.[0] ?? {};
  return `${what} (line ${line}, column ${column})`;
}

/**
 * Rejects undefined fragments in all operations, including those that are not analysed: a server rejects such a
 * document.
 * @param {Definitions} definitions
 * @param {() => void} step
 */
function refuseUndefinedFragments({ operations, fragments }, step) {
  /** @type {Map<string, Node>} */
  const missing = new Map();
  const seen = new Set();
  /** @type {Node[]} */
  const open = [...operations, ...fragments.values()];
  for (let node = open.pop(); node; node = open.pop()) {
    step();
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.kind === "FragmentSpread" && !fragments.has(nameOf(node))) missing.set(nameOf(node), node);
    for (const selection of selectionsOf(node)) open.push(selection);
  }
  const [first, ...others] = [...missing.keys()].sort();
  if (first === undefined) return;
  const place = placeOf(missing.get(first));
  throw invalid(
    `\`document\` has no fragment called ${listed([first])}${place}${others.length > 0 ? `, ${listed(others)}` : ""}`,
  );
}

/**
 * Returns the position of a node for a message; empty if it is unknown.
 * @param {Node | undefined} node
 */
export function placeOf(node) {
  const { line, column } = node?.loc?.startToken ?? {};
  return Number.isInteger(line) && Number.isInteger(column) ? ` (line ${line}, column ${column})` : "";
}
