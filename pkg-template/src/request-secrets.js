// What may be secret in a request and in its response, which errors must not quote.
//
// Secret in the sense of this file are tokens, what secret functions return, credentials in headers, and members named
// like one. Anything else that a request contains may be confidential, and is redacted unless it is shorter than four
// characters: `id: "me"` or `v: 1` occur in ordinary messages.

import { MAX_SECRETS, SHORT, unescaped } from "./redaction.js";

/** @typedef {Iterable<[name: string, value: string]>} Headers */

/** Shorter strings of a response are not tokens. */
const SHORTEST_TOKEN = 8;

/** Members of a response that hold the errors themselves. */
const ERROR_MEMBER = /^(?:error|message$|extensions$|code$|path$|requestId$|status|type$|__typename$)/;

/** Names of members and headers whose values are secret wherever they are. */
const SECRET_NAME = /token|secret|password|credential|jwt|api[-_]?key|authorization|cookie/i;

/** Values of `accept` and `content-type` that are not specific to a program. */
const MEDIA_TYPES = /^(?:application\/(?:graphql-response\+)?json(?:; ?charset=utf-8|;q=0\.9)?(?:, )?)+$/i;

/**
 * Returns what may be secret in a grant.
 *
 * @param {string} url of the request, in which a custom API may have a key
 * @param {Headers} headers
 * @param {string} body
 * @param {string[]} quotable names of variables and headers, and values, that are not secret
 */
export function secretsOfGrant(url, headers, body, quotable) {
  const { query, variables, ...fields } = parsedBody(body);
  const given = textsIn(variables ?? fields, (name) => quotable.includes(name));
  return [
    ...given.filter((text) => !text.split(" ").every((word) => quotable.includes(word))),
    ...secretsOfOperation(url, headers, query, quotable),
  ];
}

/**
 * Returns what may be secret in an operation, besides its variables: headers, literals and a key in the URL.
 *
 * @param {string} url
 * @param {Headers} headers
 * @param {unknown} query
 * @param {string[]} [quotable] names of headers
 */
export function secretsOfOperation(url, headers, query, quotable = []) {
  const given = [...headers].filter(
    ([name, value]) => !quotable.includes(name.toLowerCase()) && !MEDIA_TYPES.test(value),
  );
  return [
    ...given.flatMap(([name, value]) => {
      const texts = [value, value.replace(/^[\w-]+ +/, "")];
      return SECRET_NAME.test(name) ? texts : texts.filter(isNotShort);
    }),
    ...literalsOf(`${query ?? ""}`),
    ...secretsOfUrl(url),
  ];
}

/**
 * Returns the texts of the variables of an operation.
 *
 * @param {string} body
 */
export function variablesOf(body) {
  return textsIn(parsedBody(body).variables, () => false);
}

/**
 * Returns the strings of the response to a grant that may be tokens.
 *
 * @param {any} answer
 * @param {string[]} headers values of its headers
 */
export function tokensOf(answer, headers) {
  return [...headers, ...textsIn(answer, (name) => ERROR_MEMBER.test(name))].filter(isLong);
}

/** @param {string} text */
const isLong = ({ length }) => length >= SHORTEST_TOKEN;

/** @param {string} text */
const isNotShort = ({ length }) => length >= SHORT;

/** Returns the members of a JSON body or the fields of a form. @param {string} body @returns {any} */
function parsedBody(body) {
  try {
    return Object(JSON.parse(body));
  } catch {
    return Object.fromEntries(new URLSearchParams(body));
  }
}

/** Comments, block strings, strings and numbers of a GraphQL document, in order. */
const LITERAL = /#[^\n]*|"""((?:\\"""|[^])*?)"""|"((?:[^"\\\n]|\\.)*)"|(-?\b\d[\w.+-]*)/g;

/** Returns the strings and numbers of a document. @param {string} document */
function literalsOf(document) {
  const found = [...document.matchAll(LITERAL)].flatMap(([, block, text, number]) => {
    const literal = block ?? text ?? number ?? "";
    return [literal, unescaped(literal), fromJson(literal), ...literal.split("\n")];
  });
  return found.filter(isNotShort);
}

/** Returns what a string means in JSON and GraphQL; "" if it is invalid. @param {string} literal */
function fromJson(literal) {
  try {
    return `${JSON.parse(`"${literal}"`)}`;
  } catch {
    return "";
  }
}

/** Returns the long parts of the path and all parts of the query of a URL, which may have a key. @param {string} url */
function secretsOfUrl(url) {
  const { pathname, search } = new URL(url);
  const path = pathname.split(/[/;=]/).flatMap((part) => [part, unescaped(part)]);
  const query = search.split(/[?&;=]/).flatMap((part) => [part, unescaped(part.replaceAll("+", " "))]);
  return [...path.filter(isLong), ...query.filter(isNotShort)];
}

/** The meaning of a member by its name. */
const PUBLIC = 0;
const PLAIN = 1;
const SECRET = 2;

/**
 * Returns the strings and numbers of a value that may be secret. It stops where there are too many to search for.
 *
 * @param {any} value
 * @param {(name: string) => boolean} isPublic
 * @returns {string[]}
 */
function textsIn(value, isPublic) {
  /** @type {string[]} */
  const found = [];
  let length = 0;
  const collect = (/** @type {any} */ member, /** @type {number} */ level) => {
    if (length > MAX_SECRETS) return;
    if (typeof member === "object" && member !== null) {
      for (const [name, inner] of Object.entries(member)) {
        const isOpen = level === PUBLIC || isPublic(name);
        collect(inner, SECRET_NAME.test(name) ? SECRET : isOpen ? PUBLIC : level);
      }
    } else if (typeof member === "string" || typeof member === "number") {
      const text = `${member}`;
      if (level === PUBLIC || (level === PLAIN && !isNotShort(text))) return;
      found.push(text);
      length += text.length + 1;
    }
  };
  collect(value, PLAIN);
  return found;
}
